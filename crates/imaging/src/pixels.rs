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

    /// Whether all pixels are equally opaque, as they are without an alpha channel and in most pictures that
    /// have one.
    pub(crate) fn has_one_opacity(&self) -> bool {
        match self.channels {
            Channels::Gray | Channels::Rgb => true,
            Channels::GrayAlpha => all_equal(self.data.as_chunks().0, |&[_, alpha]| alpha),
            Channels::Rgba => all_equal(self.data.as_chunks().0, |&[_, _, _, alpha]| alpha),
        }
    }
}

fn all_equal<P>(pixels: &[P], alpha: impl Fn(&P) -> u8) -> bool {
    let mut alphas = pixels.iter().map(alpha);
    let first = alphas.next();
    alphas.all(|alpha| Some(alpha) == first)
}

/// What a decoder gives: the picture, perhaps at a fraction of its size.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) pixels: Pixels,
    /// By how much the sides were divided: 1, 2, 4 or 8.
    pub(crate) shrink: u32,
}
