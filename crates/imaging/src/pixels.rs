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

    /// Drops the opacity of a picture that is opaque everywhere: it would only have to be carried along.
    pub(crate) fn without_needless_alpha(self) -> Self {
        let Self {
            size,
            channels,
            data,
        } = self;
        match channels {
            Channels::GrayAlpha if is_opaque::<2>(&data) => Self {
                size,
                channels: Channels::Gray,
                data: drop_last::<2>(data),
            },
            Channels::Rgba if is_opaque::<4>(&data) => Self {
                size,
                channels: Channels::Rgb,
                data: drop_last::<4>(data),
            },
            _ => Self {
                size,
                channels,
                data,
            },
        }
    }

    /// Whether all pixels are equally opaque, as they are without an alpha channel and in most pictures that
    /// have one.
    pub(crate) fn has_one_opacity(&self) -> bool {
        match self.channels {
            Channels::Gray | Channels::Rgb | Channels::Inks => true,
            Channels::GrayAlpha => all_equal(self.data.as_chunks().0, |&[_, alpha]| alpha),
            Channels::Rgba => all_equal(self.data.as_chunks().0, |&[_, _, _, alpha]| alpha),
        }
    }
}

fn is_opaque<const N: usize>(data: &[u8]) -> bool {
    let (pixels, _) = data.as_chunks::<N>();
    pixels.iter().all(|pixel| pixel[N - 1] == u8::MAX)
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

fn all_equal<P>(pixels: &[P], alpha: impl Fn(&P) -> u8) -> bool {
    let mut alphas = pixels.iter().map(alpha);
    let first = alphas.next();
    alphas.all(|alpha| Some(alpha) == first)
}

/// What a decoder gives: the picture, perhaps at a fraction of its size.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// All colours at once.
    Whole {
        pixels: Pixels,
        /// By how much the sides were divided: 1, 2, 4 or 8.
        shrink: u32,
    },
    /// The light and two differences of colour, as JPEG stores them. If they are scaled each for itself, that
    /// saves the work of enlarging coarse colours and of converting pixels that nobody sees.
    Planes([Plane; 3]),
}

/// One of three differences of colour, of which there may be fewer samples than of another.
#[derive(Debug)]
pub(crate) struct Plane {
    /// The samples, as if they were gray.
    pub(crate) samples: Pixels,
    /// How many columns and rows of the stored picture a sample stands for.
    pub(crate) pitch: (u32, u32),
}

impl Decoded {
    /// Whether it is at a fraction of its size.
    pub(crate) const fn is_shrunk(&self) -> bool {
        match self {
            Self::Whole { shrink, .. } => *shrink > 1,
            Self::Planes([light, ..]) => light.pitch.0 > 1,
        }
    }

    /// Returns the channels of the picture when it is scaled.
    pub(crate) const fn channels(&self) -> Channels {
        match self {
            Self::Whole { pixels, .. } => pixels.channels,
            Self::Planes(_) => Channels::Rgb,
        }
    }
}
