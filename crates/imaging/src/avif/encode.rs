//! AVIF: its encoder.

use ravif::{Encoder, Img};
use rgb::FromSlice;

use crate::canvas::with_channels;
use crate::codec::Writing;
use crate::pixels::{Channels, Pixels};
use crate::{Format, ImageError};

/// What imgproxy takes. The numbers of AVIF are not those of JPEG.
const QUALITY_DEFAULT: u8 = 63;
/// From 1, slow, to 10. Lower numbers take several times as long for a few percent of the bytes.
const SPEED: u8 = 8;

/// Encodes with rav1e, in one piece: it does not ask whether to go on.
pub(crate) fn encode(pixels: &Pixels, writing: &Writing<'_>) -> Result<Vec<u8>, ImageError> {
    writing.watch.check()?;
    let channels = match pixels.channels {
        Channels::Gray | Channels::Rgb => Channels::Rgb,
        _ => Channels::Rgba,
    };
    let spread = with_channels(pixels.clone(), channels);
    let (width, height) = (pixels.size.width as usize, pixels.size.height as usize);
    let mut encoder = Encoder::new()
        .with_quality(
            writing
                .quality
                .unwrap_or(QUALITY_DEFAULT)
                .clamp(1, 100)
                .into(),
        )
        .with_speed(SPEED)
        .with_num_threads(Some(1));
    if let Some(exif) = &writing.kept.exif {
        // Before EXIF stands how many bytes are between. ravif would write that elsewhere, and some look for all in one place.
        encoder = encoder.with_exif([&[0; 4], exif.as_slice()].concat());
    }
    let encoded = match channels {
        Channels::Rgb => encoder.encode_rgb(Img::new(spread.data.as_rgb(), width, height)),
        _ => encoder.encode_rgba(Img::new(spread.data.as_rgba(), width, height)),
    };
    encoded
        .map(|image| image.avif_file)
        .map_err(|error| ImageError::encode(Format::Avif, error))
}
