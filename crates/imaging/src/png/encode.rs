//! Encodes a PNG.

use std::io::Write;

use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter, chunk};

use crate::codec::Writing;
use crate::pixels::{Channels, Pixels};
use crate::watch::BATCH_BYTES;
use crate::{Format, ImageError};

/// Level 6 makes files 5 % smaller and takes twice as long. Levels below 4 save time that decoding a source of
/// the usual size takes many times over, and graphics get much larger.
const DEFLATE_LEVEL: u8 = 4;

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Encodes `pixels` with 8 bits per channel.
pub(crate) fn encode(pixels: &Pixels, writing: &Writing<'_>) -> Result<Vec<u8>, ImageError> {
    write(pixels, writing).map_err(|error| ImageError::encode(Format::Png, error))
}

fn write(pixels: &Pixels, writing: &Writing<'_>) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, pixels.size.width, pixels.size.height);
    encoder.set_color(match pixels.channels {
        Channels::Gray => ColorType::Grayscale,
        Channels::GrayAlpha => ColorType::GrayscaleAlpha,
        Channels::Rgb => ColorType::Rgb,
        // Inks became light long ago.
        Channels::Rgba | Channels::Inks => ColorType::Rgba,
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(DEFLATE_LEVEL));
    encoder.set_filter(Filter::Adaptive);
    if let Some(xmp) = writing.kept.xmp.as_deref().and_then(as_text) {
        encoder.add_itxt_chunk(XMP_KEYWORD.to_owned(), xmp)?;
    }
    let mut writer = encoder.write_header()?;
    if let Some(exif) = &writing.kept.exif {
        writer.write_chunk(chunk::eXIf, exif)?;
    }
    let mut rows = writer.stream_writer()?;
    for batch in pixels.data.chunks(BATCH_BYTES) {
        writing.watch.check_io()?;
        rows.write_all(batch)?;
    }
    rows.finish()?;
    writer.finish()?;
    Ok(bytes)
}

/// XMP is UTF-8; what is not is left out.
fn as_text(xmp: &[u8]) -> Option<String> {
    String::from_utf8(xmp.to_vec()).ok()
}
