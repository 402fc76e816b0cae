//! Decodes a WebP: with our own decoder if it has loss and nothing else, as most do.

use vp8::{DecodeError, Decoder, Filtering};

use super::chunks::Chunks;
use crate::codec::Decoding;
use crate::rows::{Form, Matrix, Plane, RowSink};
use crate::{Format, ImageError, Size, raster};

/// From which factor on edges between blocks are not made smooth: what is left of them after scaling cannot be seen, and libwebp
/// decides so too (`WebPIoInitFromOptions`).
const UNFILTERED_FROM: f64 = 4.0 / 3.0;

/// Decodes a WebP. What is animated, has opacity or no loss is left to another decoder.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    match find_frame(decoding) {
        Some(frame) => decode_lossy(decoding, frame, sink),
        None => raster::decode(decoding, sink),
    }
}

/// Finds the picture, if it is for our own decoder.
fn find_frame<'a>(decoding: &Decoding<'a>) -> Option<&'a [u8]> {
    if decoding.source.animated {
        return None;
    }
    let mut chunks = Chunks::new(decoding.input);
    // Opacity comes before the picture that it belongs to.
    let chunk = chunks.find(|chunk| matches!(&chunk.name, b"ALPH" | b"VP8 " | b"VP8L"))?;
    (chunk.name == *b"VP8 ").then_some(chunk.data)
}

fn decode_lossy(
    decoding: &Decoding<'_>,
    frame: &[u8],
    sink: &mut dyn RowSink,
) -> Result<(), ImageError> {
    let filtering = match decoding.factor > UNFILTERED_FROM {
        true => Filtering::Skip,
        false => Filtering::Full,
    };
    let mut decoder = Decoder::new(frame, filtering).map_err(error)?;
    let header = decoder.header();
    let size = Size::new(header.width, header.height);
    let half = Size::new(size.width.div_ceil(2), size.height.div_ceil(2));
    let planes = [(size, 1), (half, 2), (half, 2)].map(|(size, pitch)| Plane {
        size,
        pitch: (pitch, pitch),
    });
    sink.begin(&Form::Planes {
        planes,
        matrix: Matrix::VIDEO,
    })?;
    while let Some(band) = decoder.next_band().map_err(error)? {
        decoding.watch.check()?;
        for (plane, rows) in band.planes.iter().enumerate() {
            rows.iter().try_for_each(|row| sink.take(plane, row))?;
        }
    }
    Ok(())
}

fn error(error: DecodeError) -> ImageError {
    ImageError::corrupt(Format::WebP, error)
}
