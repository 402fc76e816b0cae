//! Decoded pictures.

use crate::Size;

/// What a pixel consists of, one byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
}

impl Channels {
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// A picture in memory: rows from the top without padding, so that `data` has exactly
/// `width * height * channels` bytes.
#[derive(Debug)]
pub(crate) struct Pixels {
    pub(crate) size: Size,
    pub(crate) channels: Channels,
    pub(crate) data: Vec<u8>,
}

impl Pixels {
    /// Makes a picture of `data`, or gives `None` if its length does not match.
    pub(crate) fn new(size: Size, channels: Channels, data: Vec<u8>) -> Option<Self> {
        let expected = size.pixels() * channels.count() as u64;
        (data.len() as u64 == expected).then_some(Self {
            size,
            channels,
            data,
        })
    }
}

/// What a decoder gives: the picture, perhaps at a fraction of its size.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) pixels: Pixels,
    /// By how much the sides were divided: 1, 2, 4 or 8.
    pub(crate) shrink: u32,
}
