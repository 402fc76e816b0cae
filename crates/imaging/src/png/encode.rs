//! Encodes a PNG.

use std::io::Write;

use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter, chunk};

use crate::codec::Writing;
use crate::extras::Kept;
use crate::pixels::{Channels, Pixels};
use crate::watch::BATCH_BYTES;
use crate::{Format, ImageError, Size};

/// Level 6 makes files 5 % smaller and takes twice as long. Levels below 4 save time that decoding a source of
/// the usual size takes many times over, and graphics get much larger.
const DEFLATE_LEVEL: u8 = 4;

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Of how many rows one is looked at to choose how all are compressed, and in how many places.
const SAMPLED: usize = 16;
const PLACES: usize = 4;
/// Those of a smaller picture would tell too little, and save too little.
const SAMPLED_ROWS_MIN: usize = 16;

/// Encodes `pixels` with 8 bits per channel.
pub(crate) fn encode(pixels: &Pixels, writing: &Writing<'_>) -> Result<Vec<u8>, ImageError> {
    choose(pixels, writing)
        .and_then(|compression| write(pixels, compression, writing))
        .map_err(|error| ImageError::encode(Format::Png, error))
}

/// Chooses how to compress: a code that is made for photos takes a tenth of the time and even fewer bytes, unless something
/// repeats itself, as it does in graphics. Both are tried on a few rows.
fn choose(pixels: &Pixels, writing: &Writing<'_>) -> Result<DeflateCompression, EncodingError> {
    let thorough = DeflateCompression::Level(DEFLATE_LEVEL);
    let Some(sample) = sample(pixels) else {
        return Ok(thorough);
    };
    let fast = DeflateCompression::FdeflateUltraFast;
    let nothing = Kept::default();
    let trial = Writing {
        kept: &nothing,
        ..*writing
    };
    let bytes = |compression| Ok::<_, EncodingError>(write(&sample, compression, &trial)?.len());
    Ok(match bytes(fast)? <= bytes(thorough)? {
        true => fast,
        false => thorough,
    })
}

/// Returns some rows from several places.
fn sample(pixels: &Pixels) -> Option<Pixels> {
    let height = pixels.size.height as usize;
    let rows = height / SAMPLED / PLACES;
    if rows * PLACES < SAMPLED_ROWS_MIN {
        return None;
    }
    let places = (0..PLACES).map(|place| (2 * place + 1) * height / (2 * PLACES));
    let sampled = places.flat_map(|first| first..first + rows);
    let data: Vec<u8> = sampled.flat_map(|row| pixels.row(row)).copied().collect();
    let size = Size::new(pixels.size.width, (rows * PLACES) as u32);
    Pixels::new(size, pixels.channels, data)
}

fn write(
    pixels: &Pixels,
    compression: DeflateCompression,
    writing: &Writing<'_>,
) -> Result<Vec<u8>, EncodingError> {
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
    encoder.set_deflate_compression(compression);
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
