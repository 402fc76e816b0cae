//! Decodes a baseline JPEG with our own decoder, at a fraction of its size or at all of it.

use std::ops::ControlFlow;

use jpeg::{Colours, Data, DecodeError, Decoder, Detail, PlaneLayout, Request, Shrink};

use super::joined::{Joined, finest};
use super::markers::Frame;
use crate::codec::Decoding;
use crate::pixels::Channels;
use crate::rows::{Form, Matrix, Plane, RowSink};
use crate::{Format, ImageError, Size};

/// Decodes a picture, or returns `false` if it is one for another decoder.
pub(crate) fn decode(
    decoding: &Decoding<'_>,
    frame: &Frame,
    sink: &mut dyn RowSink,
) -> Result<bool, ImageError> {
    let mut request = Request {
        shrink: match decoding.shrink {
            8.. => Shrink::Eighth,
            4.. => Shrink::Quarter,
            2.. => Shrink::Half,
            _ => Shrink::None,
        },
        stop: &|| decoding.watch.check().is_err(),
        ..Request::default()
    };
    let decoder = match Decoder::new(decoding.input) {
        Err(DecodeError::NotMine(_)) => return Ok(false),
        decoder => decoder.map_err(error)?,
    };
    let header = decoder.header();
    if (header.width, header.height) != (frame.size().width, frame.size().height) {
        return Err(super::corrupt("the file has two different sizes"));
    }
    if request.shrink != Shrink::None
        && header.colours == Colours::YCbCr
        && sink.wants_coarse_colours()
    {
        request.detail = Detail::AsStored;
    }
    let planes: Vec<_> = decoder.planes(&request).iter().map(plane).collect();
    let form = match (planes.as_slice(), header.colours) {
        (&[plane], _) => Form::Whole {
            plane,
            channels: Channels::Gray,
        },
        (&[light, blue, red], Colours::YCbCr) => Form::Planes {
            planes: [light, blue, red],
            matrix: Matrix::JFIF,
        },
        (planes, _) => match finest(planes) {
            Some(plane) => Form::Whole {
                plane,
                channels: frame.colours.channels(),
            },
            None => return Err(super::corrupt("the file has no colours")),
        },
    };
    sink.begin(&form)?;
    let data = match form {
        Form::Whole { plane, .. } if planes.len() > 1 => {
            let mut joined = Joined::new(sink, (&planes, plane), frame.inks);
            read(&decoder, &request, &mut |plane, row| {
                joined.take(plane, row)
            })
        }
        _ => read(&decoder, &request, &mut |plane, row| sink.take(plane, row)),
    }?;
    if data == Data::Damaged {
        sink.note_damage();
    }
    Ok(true)
}

/// Takes the next row of a plane.
type Take<'a> = dyn FnMut(usize, &[u8]) -> Result<(), ImageError> + 'a;

fn read(
    decoder: &Decoder<'_>,
    request: &Request<'_>,
    take: &mut Take<'_>,
) -> Result<Data, ImageError> {
    let mut taken = Ok(());
    let decoded = decoder.rows(request, &mut |plane, row| {
        taken = take(plane, row);
        match taken {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    taken?;
    decoded.map_err(error)
}

fn plane(layout: &PlaneLayout) -> Plane {
    Plane {
        size: Size::new(layout.width, layout.height),
        pitch: layout.pitch,
    }
}

fn error(error: DecodeError) -> ImageError {
    match error {
        DecodeError::Stopped => ImageError::Stopped,
        error => ImageError::corrupt(Format::Jpeg, error),
    }
}
