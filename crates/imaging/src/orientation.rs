//! The eight ways a camera may have stored a picture, and how to turn each upright.

use crate::Size;
use crate::pixels::{Channels, Pixels};

/// What has to be done to a stored picture to show it upright: tag 0x0112 of EXIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Orientation {
    /// 1: nothing.
    #[default]
    Upright,
    /// 2: mirror left to right.
    MirrorHorizontal,
    /// 3: rotate by half a turn.
    Rotate180,
    /// 4: mirror top to bottom.
    MirrorVertical,
    /// 5: mirror at the diagonal from top left.
    Transpose,
    /// 6: rotate a quarter turn clockwise. What a phone held upright writes.
    Rotate90,
    /// 7: mirror at the diagonal from top right.
    Transverse,
    /// 8: rotate a quarter turn anticlockwise.
    Rotate270,
}

impl Orientation {
    /// Returns the orientation that an EXIF value stands for; `None` outside 1 to 8.
    #[must_use]
    pub const fn from_exif(value: u16) -> Option<Self> {
        Some(match value {
            1 => Self::Upright,
            2 => Self::MirrorHorizontal,
            3 => Self::Rotate180,
            4 => Self::MirrorVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => return None,
        })
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        matches!(
            self,
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270
        )
    }

    /// Returns the upright size of a picture stored with `size`, and the other way round.
    pub(crate) const fn turn(self, size: Size) -> Size {
        if self.swaps_sides() {
            size.swapped()
        } else {
            size
        }
    }

    /// Turns `stored` upright.
    pub(crate) fn apply(self, stored: Pixels) -> Pixels {
        if self == Self::Upright {
            return stored;
        }
        let upright = self.turn(stored.size);
        let walk = self.walk();
        let data = match stored.channels {
            Channels::Gray => walk.collect::<1>(&stored, upright),
            Channels::GrayAlpha => walk.collect::<2>(&stored, upright),
            Channels::Rgb => walk.collect::<3>(&stored, upright),
            Channels::Rgba | Channels::Inks => walk.collect::<4>(&stored, upright),
        };
        Pixels {
            size: upright,
            channels: stored.channels,
            data,
        }
    }

    /// Returns how to walk the stored picture to meet its pixels in upright order.
    pub(crate) const fn walk(self) -> Walk {
        Walk {
            swap: self.swaps_sides(),
            mirror_x: matches!(
                self,
                Self::MirrorHorizontal | Self::Rotate180 | Self::Transverse | Self::Rotate270
            ),
            mirror_y: matches!(
                self,
                Self::MirrorVertical | Self::Rotate180 | Self::Transverse | Self::Rotate90
            ),
        }
    }
}

/// Where the pixels of the upright picture lie in the stored one: each upright coordinate runs along one
/// stored axis, forwards or backwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    /// Whether upright columns run along stored rows.
    pub(crate) swap: bool,
    /// Whether stored columns are met from the right.
    pub(crate) mirror_x: bool,
    /// Whether stored rows are met from the bottom.
    pub(crate) mirror_y: bool,
}

impl Walk {
    /// Collects the pixels of the upright picture, of `N` bytes each, in its own order.
    fn collect<const N: usize>(&self, stored: &Pixels, upright: Size) -> Vec<u8> {
        let (pixels, _) = stored.data.as_chunks::<N>();
        let mut collected = Vec::with_capacity(pixels.len());
        for y in 0..upright.height as usize {
            let index = |x| self.index(stored.size, x, y);
            collected.extend((0..upright.width as usize).map(|x| pixels[index(x)]));
        }
        collected.into_flattened()
    }

    /// Returns the index of the stored pixel that the upright picture shows at `x`, `y`.
    fn index(&self, stored: Size, x: usize, y: usize) -> usize {
        let (width, height) = (stored.width as usize, stored.height as usize);
        let (column, row) = if self.swap { (y, x) } else { (x, y) };
        let column = if self.mirror_x {
            width - 1 - column
        } else {
            column
        };
        let row = if self.mirror_y { height - 1 - row } else { row };
        row * width + column
    }
}
