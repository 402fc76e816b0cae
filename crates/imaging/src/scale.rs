//! Scaling with Lanczos3.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::pixels::{Channels, Decoded, Pixels};
use crate::{CodecError, Header, ImageError, Size};

/// Scales a decoded picture to `target`, which is not larger than the source.
///
/// Colours are weighted by their opacity, so that invisible pixels do not bleed into visible ones. Where the
/// opacity is the same everywhere that would change nothing but cost time and accuracy.
pub(crate) fn scale(decoded: Decoded, source: &Header, target: Size) -> Result<Pixels, ImageError> {
    let Decoded { pixels, shrink } = decoded;
    if pixels.size == target {
        return Ok(pixels);
    }
    // A picture of 1001 pixels decoded at 1/8 fills 125.125 of 126 columns; the rest is padding.
    let covered = |side: u32| f64::from(side) / f64::from(shrink);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(!pixels.has_one_opacity())
        .crop(0.0, 0.0, covered(source.width), covered(source.height));

    let channels = pixels.channels;
    let pixel_type = pixel_type(channels);
    let failed = |error: CodecError| ImageError::encode(source.format, error);
    let from = Image::from_vec_u8(
        pixels.size.width,
        pixels.size.height,
        pixels.data,
        pixel_type,
    )
    .map_err(|error| failed(error.into()))?;
    let mut to = Image::new(target.width, target.height, pixel_type);
    Resizer::new()
        .resize(&from, &mut to, &options)
        .map_err(|error| failed(error.into()))?;
    Ok(Pixels {
        size: target,
        channels,
        data: to.into_vec(),
    })
}

const fn pixel_type(channels: Channels) -> PixelType {
    match channels {
        Channels::Gray => PixelType::U8,
        Channels::GrayAlpha => PixelType::U8x2,
        Channels::Rgb => PixelType::U8x3,
        Channels::Rgba => PixelType::U8x4,
    }
}
