//! The box that a result is made for, of which a side may be left open.

use std::fmt;
use std::str::FromStr;

use crate::Size;
use crate::size::{ParseSizeError, parse_side};

/// The width and the height that are asked for, in pixels. A side that is left open follows from the other one and
/// the proportions of the picture; with [both open](Self::OPEN), the picture keeps its size.
///
/// Written as `256x256`, `256x` or `x256`. A side of 0 means 1, as a picture has at least one pixel.
///
/// ```
/// # use imaging::Bounds;
/// let wide: Bounds = "320x".parse()?;
/// assert_eq!(wide, Bounds::of_width(320));
/// # Ok::<(), imaging::ParseSizeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Pixels from left to right.
    pub width: Option<u32>,
    /// Pixels from top to bottom.
    pub height: Option<u32>,
}

impl Bounds {
    /// Leaves both sides open: the picture keeps its size.
    pub const OPEN: Self = Self {
        width: None,
        height: None,
    };

    /// Asks for a width, and whatever height follows.
    #[must_use]
    pub const fn of_width(width: u32) -> Self {
        Self {
            width: Some(width),
            height: None,
        }
    }

    /// Asks for a height, and whatever width follows.
    #[must_use]
    pub const fn of_height(height: u32) -> Self {
        Self {
            width: None,
            height: Some(height),
        }
    }

    /// Returns the size that `picture` has after it was fitted into this box without enlarging it; see [`Size::fit`].
    #[must_use]
    pub fn fit(self, picture: Size) -> Size {
        self.widest(picture).fit(picture)
    }

    /// Returns both sides if none is open.
    pub(crate) fn closed(self) -> Option<Size> {
        let (width, height) = self.width.zip(self.height)?;
        Some(Size::new(width.max(1), height.max(1)))
    }

    /// Returns the box with open sides as long as a side can be; `picture` if both are open.
    pub(crate) fn widest(self, picture: Size) -> Size {
        match (self.width, self.height) {
            (None, None) => picture,
            (width, height) => Size::new(width.unwrap_or(u32::MAX), height.unwrap_or(u32::MAX)),
        }
    }
}

impl From<Size> for Bounds {
    fn from(size: Size) -> Self {
        Self {
            width: Some(size.width),
            height: Some(size.height),
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: Option<u32>| side.map_or_else(String::new, |side| side.to_string());
        write!(formatter, "{}x{}", side(self.width), side(self.height))
    }
}

impl FromStr for Bounds {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once('x').ok_or(ParseSizeError)?;
        if width.is_empty() && height.is_empty() {
            return Err(ParseSizeError);
        }
        let side = |digits: &str| match digits {
            "" => Ok(None),
            digits => parse_side(digits).map(Some),
        };
        Ok(Self {
            width: side(width)?,
            height: side(height)?,
        })
    }
}
