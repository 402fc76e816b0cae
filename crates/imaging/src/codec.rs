//! Which decoder reads a picture and which encoder writes it.

use crate::extras::Kept;
use crate::pixels::{Decoded, Pixels};
use crate::watch::Watch;
use crate::webp::Loss;
use crate::{Format, Header, ImageError, Limits, Output, jpeg, png, raster, webp};

/// What a decoder is given.
pub(crate) struct Decoding<'a> {
    pub(crate) input: &'a [u8],
    /// What the input says of itself.
    pub(crate) source: &'a Header,
    /// By how much the sides may be divided. A decoder that cannot do so gives the whole picture.
    #[cfg_attr(
        not(feature = "mozjpeg"),
        expect(dead_code, reason = "only libjpeg divides")
    )]
    pub(crate) shrink: u32,
    pub(crate) limits: &'a Limits,
    pub(crate) watch: &'a Watch<'a>,
}

/// Decodes the picture.
pub(crate) fn decode(decoding: &Decoding<'_>) -> Result<Decoded, ImageError> {
    let decoded = match decoding.source.format {
        Format::Jpeg => jpeg::decode(decoding),
        Format::Png => png::decode(decoding),
        _ => raster::decode(decoding),
    }?;
    Ok(Decoded {
        pixels: decoded.pixels.without_needless_alpha(),
        ..decoded
    })
}

/// What an encoder is given besides the pixels.
pub(crate) struct Writing<'a> {
    pub(crate) quality: Option<u8>,
    pub(crate) kept: &'a Kept,
    pub(crate) watch: &'a Watch<'a>,
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Jpeg,
    Png,
    WebP(Loss),
}

impl Codec {
    /// Returns what is meant by `output` for this source.
    pub(crate) const fn choose(output: Output, source: &Header) -> Self {
        match output {
            Output::Jpeg => Self::Jpeg,
            Output::Png => Self::Png,
            Output::WebP => Self::WebP(Loss::Some),
            Output::WebPLossless => Self::WebP(Loss::None),
            Output::Same => match source.format.written() {
                Format::Jpeg => Self::Jpeg,
                // What cannot be written with loss is written without.
                Format::WebP if source.lossless || !cfg!(feature = "webp") => {
                    Self::WebP(Loss::None)
                }
                Format::WebP => Self::WebP(Loss::Some),
                _ => Self::Png,
            },
        }
    }

    pub(crate) const fn format(self) -> Format {
        match self {
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
            Self::WebP(_) => Format::WebP,
        }
    }

    pub(crate) const fn has_alpha(self) -> bool {
        !matches!(self, Self::Jpeg)
    }

    /// Returns how many bytes of each kind of metadata a file can have.
    pub(crate) const fn metadata_bytes_max(self) -> usize {
        match self {
            // A segment has 65533, and some are taken by its name.
            Self::Jpeg => 65_500,
            Self::Png | Self::WebP(_) => usize::MAX,
        }
    }

    pub(crate) fn encode(
        self,
        pixels: &Pixels,
        writing: &Writing<'_>,
    ) -> Result<Vec<u8>, ImageError> {
        match self {
            Self::Jpeg => jpeg::encode(pixels, writing),
            Self::Png => png::encode(pixels, writing),
            Self::WebP(loss) => webp::encode(pixels, loss, writing),
        }
    }
}
