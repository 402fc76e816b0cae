//! Sizes in pixels, and how a picture fits into a box.

use std::fmt;
use std::str::FromStr;

/// A width and a height in pixels; as an option, the box that a picture is fitted into.
///
/// Written as `256x256`. A side of 0 in a box means 1, as a picture has at least one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// Makes a size of `width` and `height` pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Returns the size that `picture` has after it was fitted into this box: the largest with the same
    /// proportions that is larger neither than the box nor than the picture.
    ///
    /// Sides are rounded to the nearest pixel, and are never below 1.
    ///
    /// ```
    /// # use imaging::Size;
    /// let square = Size::new(256, 256);
    /// assert_eq!(square.fit(Size::new(1200, 800)), Size::new(256, 171));
    /// assert_eq!(square.fit(Size::new(100, 50)), Size::new(100, 50));
    /// ```
    #[must_use]
    pub fn fit(self, picture: Self) -> Self {
        if picture.width <= self.width && picture.height <= self.height {
            return picture;
        }
        self.fill_inside(picture)
    }

    /// Returns the largest size with the proportions of `picture` that is not larger than this box, though it may be
    /// larger than the picture.
    pub(crate) fn fill_inside(self, picture: Self) -> Self {
        // Compares the two ratios without dividing: the smaller one limits.
        let by_width = u64::from(self.width) * u64::from(picture.height);
        let by_height = u64::from(self.height) * u64::from(picture.width);
        let fitted = if by_width <= by_height {
            Self::new(self.width, divide_rounding(by_width, picture.width))
        } else {
            Self::new(divide_rounding(by_height, picture.height), self.height)
        };
        Self::new(fitted.width.max(1), fitted.height.max(1))
    }

    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub(crate) const fn swapped(self) -> Self {
        Self::new(self.height, self.width)
    }
}

/// Divides, halves up. The quotient never exceeds the side of the box that `fit` compared it with, so it
/// fits; a zero divisor cannot limit the fit, and gives 0.
fn divide_rounding(product: u64, divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    let quotient = (product + divisor / 2).checked_div(divisor).unwrap_or(0);
    u32::try_from(quotient).unwrap_or(u32::MAX)
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

/// The text is not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a size is written WIDTHxHEIGHT, such as 256x256, with both sides at least 1")]
pub struct ParseSizeError;

impl FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once('x').ok_or(ParseSizeError)?;
        Ok(Self::new(parse_side(width)?, parse_side(height)?))
    }
}

pub(crate) fn parse_side(digits: &str) -> Result<u32, ParseSizeError> {
    // `u32::from_str` alone would take a leading plus sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseSizeError);
    }
    match digits.parse() {
        Ok(side) if side > 0 => Ok(side),
        _ => Err(ParseSizeError),
    }
}
