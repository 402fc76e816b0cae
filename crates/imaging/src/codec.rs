//! Which decoder reads a picture and which encoder writes it.

use crate::pixels::{Decoded, Pixels};
use crate::watch::Watch;
use crate::{Format, Header, ImageError, Limits, Output, jpeg, png};

/// What a decoder is given.
pub(crate) struct Decoding<'a> {
    pub(crate) input: &'a [u8],
    /// What the input says of itself.
    pub(crate) source: &'a Header,
    /// By how much the sides may be divided. A decoder that cannot do so gives the whole picture.
    pub(crate) shrink: u32,
    pub(crate) limits: &'a Limits,
    pub(crate) watch: &'a Watch<'a>,
}

/// Decodes the picture.
pub(crate) fn decode(decoding: &Decoding<'_>) -> Result<Decoded, ImageError> {
    let decoded = match decoding.source.format {
        Format::Jpeg => jpeg::decode(decoding),
        Format::Png => png::decode(decoding),
    }?;
    Ok(Decoded {
        pixels: decoded.pixels.without_needless_alpha(),
        ..decoded
    })
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Jpeg,
    Png,
}

impl Codec {
    /// Returns what is meant by `output` for this source.
    pub(crate) const fn choose(output: Output, source: &Header) -> Self {
        match output {
            Output::Jpeg => Self::Jpeg,
            Output::Png => Self::Png,
            Output::Same => match source.format {
                Format::Jpeg => Self::Jpeg,
                Format::Png => Self::Png,
            },
        }
    }

    pub(crate) const fn format(self) -> Format {
        match self {
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
        }
    }

    pub(crate) const fn has_alpha(self) -> bool {
        !matches!(self, Self::Jpeg)
    }

    pub(crate) fn encode(
        self,
        pixels: &Pixels,
        quality: Option<u8>,
        watch: &Watch<'_>,
    ) -> Result<Vec<u8>, ImageError> {
        match self {
            Self::Jpeg => jpeg::encode(pixels, quality, watch),
            Self::Png => png::encode(pixels, watch),
        }
    }
}
