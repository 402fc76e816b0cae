//! Decodes a PNG.

use png::{BitDepth, ColorType, DecodingError, Info, Limits, Transformations};

use crate::codec::Decoding;
use crate::pixels::{Channels, Decoded, Pixels};
use crate::raster::to_byte;
use crate::watch::WatchedReader;
use crate::{Format, ImageError};

/// The longest match, 258 bytes, in the shortest code, one bit for its length and one for its distance.
const DEFLATE_RATIO_MAX: usize = 258 * 8 / 2;

/// Decodes to 8 bits per channel: palettes and transparent colours are resolved, 16 bits are rounded,
/// 1, 2 and 4 bits are spread.
pub(crate) fn decode(decoding: &Decoding<'_>) -> Result<Decoded, ImageError> {
    let (input, source) = (decoding.input, decoding.source);
    // What the decoder keeps besides pixels are rows and small chunks, which cannot be larger than this.
    let bytes = input.len().max(1 << 24);
    let reader = WatchedReader::new(input, decoding.watch);
    let mut decoder = png::Decoder::new_with_limits(reader, Limits { bytes });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(corrupt)?;
    if reader.info().size() != (source.width, source.height) {
        return Err(ImageError::corrupt(
            Format::Png,
            "the file has two different sizes",
        ));
    }
    check_plausible(input, reader.info())?;
    let length = reader
        .output_buffer_size()
        .ok_or_else(|| ImageError::corrupt(Format::Png, "the picture does not fit into memory"))?;
    let mut data = vec![0; length];
    let frame = reader.next_frame(&mut data).map_err(corrupt)?;
    // Without this, a file that lacks its end would pass.
    reader.finish().map_err(corrupt)?;
    data.truncate(frame.buffer_size());
    if frame.bit_depth == BitDepth::Sixteen {
        data = halve(&data);
    }

    let pixels = Pixels::new(source.stored_size(), channels(frame.color_type), data)
        .ok_or_else(|| ImageError::corrupt(Format::Png, "the picture is incomplete"))?;
    Ok(Decoded::Whole { pixels, shrink: 1 })
}

/// Turns 16-bit samples into the nearest of 8 bits.
fn halve(samples: &[u8]) -> Vec<u8> {
    let (samples, _) = samples.as_chunks::<2>();
    samples
        .iter()
        .map(|&sample| to_byte(u16::from_be_bytes(sample)))
        .collect()
}

/// A small file cannot claim a large picture: nothing compresses better than deflate can at its best.
fn check_plausible(input: &[u8], info: &Info<'_>) -> Result<(), ImageError> {
    if info.raw_bytes() / DEFLATE_RATIO_MAX > input.len() {
        let reason = "the file has too little data for its picture";
        return Err(ImageError::corrupt(Format::Png, reason));
    }
    Ok(())
}

const fn channels(color_type: ColorType) -> Channels {
    match color_type {
        ColorType::Grayscale => Channels::Gray,
        ColorType::GrayscaleAlpha => Channels::GrayAlpha,
        // A palette was expanded to one of the two.
        ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
    }
}

fn corrupt(error: DecodingError) -> ImageError {
    ImageError::corrupt(Format::Png, error)
}
