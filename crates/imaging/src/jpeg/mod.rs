//! JPEG: our own reader of its structure, the decoders and the encoder.

mod decode;
mod encode;
#[cfg(feature = "mozjpeg")]
mod libjpeg;
mod markers;
mod zune;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use markers::read_header;

use crate::pixels::Channels;

/// How the colours of a JPEG are stored, told by its number of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    Gray,
    /// YCbCr, or plain RGB if an Adobe segment says so.
    Rgb,
    /// CMYK or YCCK, with inverted inks, as Adobe writes it.
    Inks,
}

impl Colours {
    /// The channels after decoding. Inks become RGB.
    pub(crate) const fn channels(self) -> Channels {
        match self {
            Self::Gray => Channels::Gray,
            Self::Rgb | Self::Inks => Channels::Rgb,
        }
    }
}
