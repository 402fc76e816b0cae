//! Encodes a JPEG.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::pixels::{Channels, Pixels};
use crate::watch::{Watch, WatchedWriter};
use crate::{Format, ImageError, QUALITY_DEFAULT};

/// Encodes `pixels`, which have no alpha, as a baseline JPEG.
pub(crate) fn encode(
    pixels: &Pixels,
    quality: Option<u8>,
    watch: &Watch<'_>,
) -> Result<Vec<u8>, ImageError> {
    let color_type = match pixels.channels {
        Channels::Gray => ColorType::Luma,
        Channels::Rgb => ColorType::Rgb,
        Channels::GrayAlpha | Channels::Rgba => {
            return Err(ImageError::encode(Format::Jpeg, "JPEG has no transparency"));
        }
    };
    let side =
        |side: u32| u16::try_from(side).map_err(|error| ImageError::encode(Format::Jpeg, error));
    let (width, height) = (side(pixels.size.width)?, side(pixels.size.height)?);

    let quality = quality.unwrap_or(QUALITY_DEFAULT).clamp(1, 100);
    let mut writer = WatchedWriter::new(watch);
    let mut encoder = Encoder::new(&mut writer, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // The default takes one pixel of four, which leaves jagged edges between colours.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Optimised tables would save 4 %, but this encoder then writes a scan for each colour, which zune-jpeg
    // and so every program on the `image` crate shows in wrong colours.
    encoder.set_optimized_huffman_tables(false);
    encoder
        .encode(&pixels.data, width, height, color_type)
        .map_err(|error| ImageError::encode(Format::Jpeg, error))?;
    Ok(writer.bytes)
}
