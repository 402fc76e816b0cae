//! Decodes a JPEG with libjpeg, at a fraction of its size or at all of it.
//!
//! Most of the work of a decoder is proportional to the pixels it gives, so 1/8 of each side costs little more
//! than undoing the Huffman coding.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mozjpeg::{ColorSpace, Decompress};

use super::corrupt;
use super::frame::Colours;
use super::markers::Frame;
use crate::codec::Decoding;
use crate::pixels::{Decoded, Pixels};
use crate::watch::WatchedReader;
use crate::{Format, ImageError, Size};

/// libjpeg has no return codes: a fatal error unwinds, with a text that starts so.
const FATAL_ERROR: &str = "libjpeg fatal error: ";
/// How many rows are decoded before the next question whether to go on.
const ROWS_PER_BATCH: usize = 64;

pub(crate) fn decode(decoding: &Decoding<'_>, frame: &Frame) -> Result<Decoded, ImageError> {
    let picture = catch_unwind(AssertUnwindSafe(|| decode_unwinding(decoding, frame)))
        .unwrap_or_else(|payload| Err(fatal_error(payload)));
    let (size, data) = picture.map_err(|error| ImageError::corrupt(Format::Jpeg, error))?;
    let pixels = Pixels::new(size, frame.colours.channels(), data)
        .ok_or_else(|| corrupt("the picture is incomplete"))?;
    let shrink = decoding.shrink;
    Ok(Decoded::Whole { pixels, shrink })
}

fn decode_unwinding(decoding: &Decoding<'_>, frame: &Frame) -> io::Result<(Size, Vec<u8>)> {
    let reader = WatchedReader::new(decoding.input, decoding.watch);
    let mut decoder = Decompress::new_reader(reader)?;
    let agreed = (frame.size().width as usize, frame.size().height as usize);
    if decoder.size() != agreed {
        return Err(io::Error::other("the file has two different sizes"));
    }
    let shrink = decoding.shrink;
    decoder.scale(match shrink {
        8.. => 1,
        4.. => 2,
        2.. => 4,
        _ => 8,
    });
    let mut decoder = decoder.to_colorspace(match frame.colours {
        Colours::Gray => ColorSpace::JCS_GRAYSCALE,
        Colours::Rgb => ColorSpace::JCS_RGB,
        Colours::Inks => ColorSpace::JCS_CMYK,
    })?;
    let size = Size::new(
        frame.size().width.div_ceil(shrink),
        frame.size().height.div_ceil(shrink),
    );
    let mut data = vec![0; decoder.min_flat_buffer_size()];
    let row_bytes = data.len() / decoder.height().max(1);
    for rows in data.chunks_mut(row_bytes * ROWS_PER_BATCH) {
        decoding.watch.check_io()?;
        decoder.read_scanlines_into(rows)?;
    }
    decoder.finish()?;
    Ok((size, data))
}

/// Tells a fatal error of libjpeg from a panic, which goes on unwinding.
fn fatal_error(payload: Box<dyn Any + Send>) -> io::Error {
    match payload
        .downcast_ref::<String>()
        .and_then(|text| text.strip_prefix(FATAL_ERROR))
    {
        Some(reason) => io::Error::other(reason.to_owned()),
        None => resume_unwind(payload),
    }
}
