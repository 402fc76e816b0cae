//! Encodes a JPEG.

use jpeg_encoder::{
    ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, JfifWrite, SamplingFactor,
};

use super::extras::XMP_PREFIX;
use crate::codec::Writing;
use crate::extras::Kept;
use crate::pixels::{Channels, Pixels};
use crate::watch::WatchedWriter;
use crate::{Format, ImageError, QUALITY_DEFAULT};

/// The number of the segments for EXIF and XMP.
const APP1: u8 = 1;

/// Encodes `pixels`, which have no alpha, as a baseline JPEG.
pub(crate) fn encode(pixels: &Pixels, writing: &Writing<'_>) -> Result<Vec<u8>, ImageError> {
    let color_type = match pixels.channels {
        Channels::Gray => ColorType::Luma,
        Channels::Rgb => ColorType::Rgb,
        Channels::GrayAlpha | Channels::Rgba | Channels::Inks => {
            return Err(ImageError::encode(
                Format::Jpeg,
                "JPEG has neither transparency nor, here, inks",
            ));
        }
    };
    let side =
        |side: u32| u16::try_from(side).map_err(|error| ImageError::encode(Format::Jpeg, error));
    let (width, height) = (side(pixels.size.width)?, side(pixels.size.height)?);

    let quality = writing.quality.unwrap_or(QUALITY_DEFAULT).clamp(1, 100);
    let mut writer = WatchedWriter::new(writing.watch);
    let mut encoder = Encoder::new(&mut writer, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // The default takes one pixel of four, which leaves jagged edges between colours.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Optimised tables would save 4 %, but this encoder then writes a scan for each colour, which zune-jpeg
    // and so every program on the `image` crate shows in wrong colours.
    encoder.set_optimized_huffman_tables(false);
    add_extras(&mut encoder, writing.kept)
        .map_err(|error| ImageError::encode(Format::Jpeg, error))?;
    encoder
        .encode(&pixels.data, width, height, color_type)
        .map_err(|error| ImageError::encode(Format::Jpeg, error))?;
    Ok(writer.bytes)
}

fn add_extras(encoder: &mut Encoder<impl JfifWrite>, kept: &Kept) -> Result<(), EncodingError> {
    if let Some(exif) = &kept.exif {
        encoder.add_exif_metadata(exif)?;
    }
    if let Some(xmp) = &kept.xmp {
        encoder.add_app_segment(APP1, [XMP_PREFIX, xmp].concat())?;
    }
    Ok(())
}
