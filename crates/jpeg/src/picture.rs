//! What is asked for and what is given.

use std::fmt;

use crate::Colours;

/// By how much the sides of a picture are divided while it is decoded. Remainders are rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shrink {
    /// All pixels.
    #[default]
    None,
    /// Each 8x8 block becomes 4x4 samples.
    Half,
    /// Each 8x8 block becomes 2x2 samples.
    Quarter,
    /// Each 8x8 block becomes one sample.
    Eighth,
}

impl Shrink {
    /// How many samples a side of a block becomes.
    pub(crate) const fn side(self) -> u32 {
        8 / self.divisor()
    }

    /// Returns the number that sides are divided by.
    #[must_use]
    pub const fn divisor(self) -> u32 {
        match self {
            Self::None => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }
}

/// How coarse colours become that are stored coarser than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Detail {
    /// As fine as the others, as far as they are stored so fine: what pixels are best made of.
    #[default]
    AsFine,
    /// Coarser by as much as they are stored, when all are divided alike: for another file that stores them so.
    AsStored,
}

/// How a picture is decoded.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// At which fraction of its size.
    pub shrink: Shrink,
    /// How coarse colours become.
    pub detail: Detail,
    /// How much memory the planes may take that [`decode`](crate::decode) gives.
    pub bytes_max: u64,
    /// Asked before each row of blocks, so every millisecond or so; `true` ends the work with
    /// [`DecodeError::Stopped`](crate::DecodeError::Stopped).
    pub stop: &'a dyn Fn() -> bool,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("shrink", &self.shrink)
            .field("detail", &self.detail)
            .field("bytes_max", &self.bytes_max)
            .finish_non_exhaustive()
    }
}

impl Default for Request<'_> {
    /// All pixels of any picture, without a stop.
    fn default() -> Self {
        Self {
            shrink: Shrink::None,
            detail: Detail::AsFine,
            bytes_max: u64::MAX,
            stop: &|| false,
        }
    }
}

/// What a plane is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneLayout {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How many columns and rows of the whole picture a sample stands for. The last ones may reach beyond its edge.
    pub pitch: (u32, u32),
}

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What the planes are.
    pub colours: Colours,
    /// One for gray, four for inks, otherwise three. A plane of coarser colours has fewer samples.
    pub planes: Vec<Plane>,
    /// Whether the compressed data is damaged or incomplete.
    pub is_damaged: bool,
}

/// The samples of one colour: rows from the top without padding, so that `data` has exactly `width * height` bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Plane {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How many columns and rows of the whole picture a sample stands for. The last ones may reach beyond its edge.
    pub pitch: (u32, u32),
    /// The samples.
    pub data: Vec<u8>,
}

impl fmt::Debug for Plane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plane")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("pitch", &self.pitch)
            .finish_non_exhaustive()
    }
}
