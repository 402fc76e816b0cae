//! Decodes a baseline JPEG with our own decoder, at a fraction of its size or at all of it.

use jpeg::{Colours, DecodeError, Picture, Request, Shrink};

use super::markers::Frame;
use crate::codec::Decoding;
use crate::pixels::{Channels, Decoded, Pixels, Plane};
use crate::{Format, ImageError, Size};

/// Decodes a picture, or returns `None` if it is one for another decoder.
pub(crate) fn decode(
    decoding: &Decoding<'_>,
    frame: &Frame,
) -> Result<Option<Decoded>, ImageError> {
    // Our own limits were checked before, so the planes may be as large as they are.
    let request = Request {
        shrink: match decoding.shrink {
            8.. => Shrink::Eighth,
            4.. => Shrink::Quarter,
            2.. => Shrink::Half,
            _ => Shrink::None,
        },
        stop: &|| decoding.watch.check().is_err(),
        ..Request::default()
    };
    let header = match jpeg::Header::read(decoding.input) {
        Err(DecodeError::NotMine(_)) => return Ok(None),
        header => header.map_err(error)?,
    };
    if (header.width, header.height) != (frame.size().width, frame.size().height) {
        return Err(super::corrupt("the file has two different sizes"));
    }
    if header.colours == Colours::Rgb {
        return Ok(None);
    }
    let picture = jpeg::decode(decoding.input, &request).map_err(error)?;
    gather(picture, request.shrink)
        .map(Some)
        .ok_or_else(|| super::corrupt("the picture is incomplete"))
}

fn error(error: DecodeError) -> ImageError {
    match error {
        DecodeError::Stopped => ImageError::Stopped,
        error => ImageError::corrupt(Format::Jpeg, error),
    }
}

fn gather(picture: Picture, shrink: Shrink) -> Option<Decoded> {
    let mut planes = picture.planes.into_iter().map(plane);
    let first = planes.next()??;
    let Some(second) = planes.next() else {
        return Some(Decoded::Whole {
            pixels: first.samples,
            shrink: shrink.divisor(),
        });
    };
    Some(Decoded::Planes([first, second?, planes.next()??]))
}

fn plane(plane: jpeg::Plane) -> Option<Plane> {
    let size = Size::new(plane.width, plane.height);
    Some(Plane {
        samples: Pixels::new(size, Channels::Gray, plane.data)?,
        pitch: plane.pitch,
    })
}
