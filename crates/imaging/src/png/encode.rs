//! Encodes a PNG.

use std::io::Write;

use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter};

use crate::pixels::{Channels, Pixels};
use crate::watch::{BATCH_BYTES, Watch};
use crate::{Format, ImageError};

/// Level 6 makes files 5 % smaller and takes twice as long. Levels below 4 save time that decoding a source of
/// the usual size takes many times over, and graphics get much larger.
const DEFLATE_LEVEL: u8 = 4;

/// Encodes `pixels` with 8 bits per channel.
pub(crate) fn encode(pixels: &Pixels, watch: &Watch<'_>) -> Result<Vec<u8>, ImageError> {
    write(pixels, watch).map_err(|error| ImageError::encode(Format::Png, error))
}

fn write(pixels: &Pixels, watch: &Watch<'_>) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixels.size.width, pixels.size.height);
    encoder.set_color(match pixels.channels {
        Channels::Gray => ColorType::Grayscale,
        Channels::GrayAlpha => ColorType::GrayscaleAlpha,
        Channels::Rgb => ColorType::Rgb,
        Channels::Rgba => ColorType::Rgba,
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(DEFLATE_LEVEL));
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer()?;
    for batch in pixels.data.chunks(BATCH_BYTES) {
        watch.check_io()?;
        rows.write_all(batch)?;
    }
    rows.finish()?;
    writer.finish()?;
    Ok(bytes)
}
