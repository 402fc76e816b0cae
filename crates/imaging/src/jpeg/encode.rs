//! Encodes a JPEG.

use jpeg_encoder::{
    ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, ImageBuffer, JfifWrite,
    JpegColorType, SamplingFactor,
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
    let (width, height) = sides(pixels)?;
    write(writing, |encoder| {
        encoder.encode(&pixels.data, width, height, color_type)
    })
}

/// Encodes light and colours, of which there are half as many columns and rows.
pub(crate) fn encode_planes(
    planes: &[Pixels; 3],
    writing: &Writing<'_>,
) -> Result<Vec<u8>, ImageError> {
    let [light, blue, red] = planes;
    let (width, height) = sides(light)?;
    let planes = Planes {
        light,
        colours: [blue, red],
        width,
        height,
    };
    write(writing, |mut encoder| {
        // Each is the mean of four pixels already.
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Nearest);
        encoder.encode_image(planes)
    })
}

fn sides(pixels: &Pixels) -> Result<(u16, u16), ImageError> {
    let side =
        |side: u32| u16::try_from(side).map_err(|error| ImageError::encode(Format::Jpeg, error));
    Ok((side(pixels.size.width)?, side(pixels.size.height)?))
}

fn write<'a>(
    writing: &'a Writing<'a>,
    encode: impl FnOnce(Encoder<&mut WatchedWriter<'a>>) -> Result<(), EncodingError>,
) -> Result<Vec<u8>, ImageError> {
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
        .and_then(|()| encode(encoder))
        .map_err(|error| ImageError::encode(Format::Jpeg, error))?;
    Ok(writer.bytes)
}

/// Rows for an encoder that takes the first of each four colours.
struct Planes<'a> {
    light: &'a Pixels,
    colours: [&'a Pixels; 2],
    width: u16,
    height: u16,
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, y) = (usize::from(self.width), usize::from(y));
        let [light, blue, red, _] = buffers;
        light.extend_from_slice(self.light.row(y));
        for (buffer, plane) in [blue, red].into_iter().zip(self.colours) {
            let end = buffer.len() + width;
            buffer.extend(plane.row(y / 2).iter().flat_map(|&colour| [colour; 2]));
            buffer.truncate(end);
        }
    }
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
