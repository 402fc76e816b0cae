//! Decodes a baseline JPEG with our own decoder, at a fraction of its size or at all of it.

use std::ops::ControlFlow;

use jpeg::{Colours, Data, DecodeError, Decoder, Detail, PlaneLayout, Request, Shrink};

use super::joined::Joined;
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
        ([plane, others @ ..], _) if others.iter().all(|other| other == plane) => Form::Whole {
            plane: *plane,
            channels: frame.colours.channels(),
        },
        _ => return Ok(false),
    };
    sink.begin(&form)?;
    let is_joined = planes.len() > 1 && matches!(form, Form::Whole { .. });
    let data = if is_joined {
        let mut joined = Joined::new(sink, planes.len(), frame.inks);
        read(&decoder, &request, &mut |plane, row| {
            joined.take(plane, row)
        })
    } else {
        read(&decoder, &request, &mut |plane, row| sink.take(plane, row))
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

/// Looks through compressed data that another decoder makes pixels of, and does not say when it makes them up. Of what is not
/// read here, nothing is known.
pub(crate) fn is_damaged(decoding: &Decoding<'_>) -> Result<bool, ImageError> {
    let request = Request {
        shrink: Shrink::Eighth,
        stop: &|| decoding.watch.check().is_err(),
        ..Request::default()
    };
    // What is wrong before the data, the other decoder says.
    let Ok(decoder) = Decoder::new(decoding.input) else {
        return Ok(false);
    };
    let data = decoder.rows(&request, &mut |_, _| ControlFlow::Continue(()));
    Ok(data.map_err(error)? == Data::Damaged)
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
