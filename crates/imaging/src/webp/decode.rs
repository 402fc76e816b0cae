//! Decodes a WebP: with our own decoder if it has loss, as most do.

use vp8::{DecodeError, Decoder, Filtering};

use super::chunks::Chunks;
use super::opacity;
use crate::codec::Decoding;
use crate::mixing::{Opacities, WithOpacity};
use crate::rows::{Form, Matrix, Plane, RowSink};
use crate::{Format, ImageError, Size, raster};

/// From which factor on edges between blocks are not made smooth: what is left of them after scaling cannot be seen, and libwebp
/// decides so too (`WebPIoInitFromOptions`).
const UNFILTERED_FROM: f64 = 4.0 / 3.0;

/// Decodes a WebP. What is animated or has no loss is left to another decoder.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    let Some(Lossy { opacity, frame }) = Lossy::find(decoding) else {
        return raster::decode(decoding, sink);
    };
    let opacities = opacity.map(|chunk| opacity::decode(chunk, decoding));
    match opacities.transpose()? {
        Some(data) if data.iter().any(|&opacity| opacity != u8::MAX) => {
            let opacities = Opacities {
                data,
                is_premultiplied: false,
            };
            let mut sink = WithOpacity::new(opacities, decoding.shrink, sink);
            decode_frame(decoding, frame, &mut sink)
        }
        _ => decode_frame(decoding, frame, sink),
    }
}

/// The chunks of a picture with loss.
struct Lossy<'a> {
    opacity: Option<&'a [u8]>,
    frame: &'a [u8],
}

impl<'a> Lossy<'a> {
    /// Finds the picture, if it has loss and is no animation.
    fn find(decoding: &Decoding<'a>) -> Option<Self> {
        if decoding.source.animated {
            return None;
        }
        let mut opacity = None;
        for chunk in Chunks::new(decoding.input) {
            match &chunk.name {
                // It comes before the picture that it belongs to.
                b"ALPH" => opacity = Some(chunk.data),
                b"VP8 " => {
                    let frame = chunk.data;
                    return Some(Self { opacity, frame });
                }
                b"VP8L" => return None,
                _ => {}
            }
        }
        None
    }
}

fn decode_frame(
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
