//! Decodes a JPEG with libjpeg, at a fraction of its size or at all of it.
//!
//! Most of the work of a decoder is proportional to the pixels it gives, so 1/8 of each side costs little more
//! than undoing the Huffman coding.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mozjpeg::{ColorSpace, Decompress};

use super::frame::Colours;
use super::markers::Frame;
use crate::codec::Decoding;
use crate::rows::{Form, RowSink};
use crate::watch::WatchedReader;
use crate::{Format, ImageError, Size};

/// libjpeg has no return codes: a fatal error unwinds, with a text that starts so.
const FATAL_ERROR: &str = "libjpeg fatal error: ";
/// How many rows are decoded before the next question whether to go on.
const ROWS_PER_BATCH: usize = 16;

pub(crate) fn decode(
    decoding: &Decoding<'_>,
    frame: &Frame,
    sink: &mut dyn RowSink,
) -> Result<(), ImageError> {
    catch_unwind(AssertUnwindSafe(|| decode_unwinding(decoding, frame, sink)))
        .unwrap_or_else(|payload| Err(fatal_error(payload)))
        .map_err(|error| match error.downcast() {
            Ok(error) => error,
            Err(error) => ImageError::corrupt(Format::Jpeg, error),
        })
}

fn decode_unwinding(
    decoding: &Decoding<'_>,
    frame: &Frame,
    sink: &mut dyn RowSink,
) -> io::Result<()> {
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
    let channels = frame.colours.channels();
    let size = Size::new(
        frame.size().width.div_ceil(shrink),
        frame.size().height.div_ceil(shrink),
    );
    if (decoder.width(), decoder.height()) != (size.width as usize, size.height as usize) {
        return Err(io::Error::other("the picture is incomplete"));
    }
    sink.begin(&Form::shrunk(size, channels, shrink))
        .map_err(io::Error::other)?;
    let row_bytes = size.width as usize * channels.count();
    let mut rows = vec![0; row_bytes * ROWS_PER_BATCH];
    let mut left = size.height as usize;
    while left > 0 {
        decoding.watch.check_io()?;
        let rows = &mut rows[..row_bytes * left.min(ROWS_PER_BATCH)];
        decoder.read_scanlines_into(rows)?;
        for row in rows.chunks_exact(row_bytes) {
            sink.take(0, row).map_err(io::Error::other)?;
        }
        left -= rows.len() / row_bytes;
    }
    decoder.finish()
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
