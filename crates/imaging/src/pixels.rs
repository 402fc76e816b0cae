//! Decoded pictures.

use crate::Size;

/// What a pixel consists of, one byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
    /// Cyan, magenta, yellow and black: for each the light that its ink leaves, so that 255 is none of it.
    Inks,
}

impl Channels {
    pub(crate) const fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }

    /// Returns how many channels are no opacity.
    pub(crate) const fn colours(self) -> usize {
        self.count() - self.has_alpha() as usize
    }

    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Inks => 4,
        }
    }
}

/// A picture in memory: rows from the top without padding, so that `data` has exactly
/// `width * height * channels` bytes.
#[derive(Debug, Clone)]
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

    /// Returns the bytes of a row, which are none below the picture.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        let bytes = self.size.width as usize * self.channels.count();
        self.data.chunks_exact(bytes).nth(y).unwrap_or_default()
    }

    /// Drops the opacity of a picture that is opaque everywhere: it would only have to be carried along.
    pub(crate) fn without_alpha(self) -> Self {
        let (channels, data) = match self.channels {
            Channels::GrayAlpha => (Channels::Gray, drop_last::<2>(self.data)),
            Channels::Rgba => (Channels::Rgb, drop_last::<4>(self.data)),
            channels => (channels, self.data),
        };
        Self {
            size: self.size,
            channels,
            data,
        }
    }
}

/// Drops the last of each `N` bytes, in place.
fn drop_last<const N: usize>(mut data: Vec<u8>) -> Vec<u8> {
    let kept = N - 1;
    let count = data.len() / N;
    for index in 1..count {
        data.copy_within(index * N..index * N + kept, index * kept);
    }
    data.truncate(count * kept);
    data.shrink_to_fit();
    data
}
