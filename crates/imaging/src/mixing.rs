//! Joins a picture with its opacity, which some formats store as a picture of its own.
//!
//! Opacity comes first and as a whole; the rows of the picture are then given on with theirs, one after the other.

mod halving;

use halving::Halving;

use crate::ImageError;
use crate::pixels::Channels;
use crate::planes::Planes;
use crate::rows::{Form, Plane, RowSink};
use crate::scale::joining;

/// The opacity of each pixel.
pub(crate) struct Opacities {
    /// A byte for each, in rows from the top.
    pub(crate) data: Vec<u8>,
    /// Whether colours were multiplied with it.
    pub(crate) is_premultiplied: bool,
}

/// Gives the rows of a picture on, each with its opacity.
pub(crate) struct WithOpacity<'s> {
    /// By how much the sides may be divided.
    shrink: u32,
    /// Makes light as coarse as colours.
    halving: Option<Halving>,
    /// Makes pixels of light and colours.
    joining: Option<Planes>,
    mixing: Mixing<'s>,
}

struct Mixing<'s> {
    sink: &'s mut dyn RowSink,
    opacities: Opacities,
    /// How many of them were given.
    given: usize,
    /// What a pixel consists of without its opacity.
    channels: Channels,
    row: Vec<u8>,
}

impl<'s> WithOpacity<'s> {
    /// Gives rows to `sink`, of whose sides `shrink` tells by how much they may be divided.
    pub(crate) const fn new(opacities: Opacities, shrink: u32, sink: &'s mut dyn RowSink) -> Self {
        Self {
            shrink,
            halving: None,
            joining: None,
            mixing: Mixing {
                sink,
                opacities,
                given: 0,
                channels: Channels::Rgb,
                row: Vec::new(),
            },
        }
    }
}

impl RowSink for WithOpacity<'_> {
    fn begin(&mut self, form: &Form) -> Result<(), ImageError> {
        let plane = match *form {
            Form::Whole { plane, .. } => plane,
            Form::Planes { mut planes, matrix } => {
                if self.shrink >= 2 && is_half(planes) && !self.mixing.opacities.is_premultiplied {
                    let opacities = std::mem::take(&mut self.mixing.opacities.data);
                    self.halving = Some(Halving::new(opacities, planes[0]));
                    planes[0] = planes[1];
                }
                self.joining = Some(Planes::new(&joining(planes[0]), planes, matrix));
                planes[0]
            }
        };
        self.mixing.channels = form.channels();
        let channels = match form.channels() {
            Channels::Gray => Channels::GrayAlpha,
            _ => Channels::Rgba,
        };
        self.mixing.sink.begin(&Form::Whole { plane, channels })
    }

    fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
        let mixing = &mut self.mixing;
        let row = match &mut self.halving {
            Some(halving) if plane == 0 => match halving.take(row, &mut mixing.opacities.data) {
                Some(row) => row,
                None => return Ok(()),
            },
            _ => row,
        };
        match &mut self.joining {
            Some(planes) => planes.take(plane, row, &mut |row| mixing.take(row)),
            None => mixing.take(row),
        }
    }
}

/// Whether colours have half as many columns and rows as a picture that is stored at its full size.
fn is_half(planes: [Plane; 3]) -> bool {
    planes.map(|plane| plane.pitch) == [(1, 1), (2, 2), (2, 2)]
}

impl Mixing<'_> {
    fn take(&mut self, row: &[u8]) -> Result<(), ImageError> {
        match self.channels {
            Channels::Gray => self.mix::<1, 2>(row),
            _ => self.mix::<3, 4>(row),
        }
        self.sink.take(0, &self.row)
    }

    /// Makes pixels of `ALL` channels of those without opacity.
    fn mix<const COLOURS: usize, const ALL: usize>(&mut self, row: &[u8]) {
        let (pixels, _) = row.as_chunks::<COLOURS>();
        let start = self.given;
        self.given += pixels.len();
        let opacities = &self.opacities.data;
        let opacities = opacities.get(start..self.given).unwrap_or_default();
        self.row.resize(pixels.len() * ALL, 0);
        let (mixed, _) = self.row.as_chunks_mut::<ALL>();
        for ((mixed, colours), &opacity) in mixed.iter_mut().zip(pixels).zip(opacities) {
            mixed[..COLOURS].copy_from_slice(colours);
            mixed[COLOURS] = opacity;
        }
        if self.opacities.is_premultiplied {
            for mixed in mixed {
                let opacity = mixed[COLOURS];
                let colours = mixed[..COLOURS].iter_mut();
                colours.for_each(|colour| *colour = divide(*colour, opacity));
            }
        }
    }
}

/// Divides a colour by the opacity that it was multiplied with.
fn divide(colour: u8, opacity: u8) -> u8 {
    match u16::from(opacity) {
        0 => 0,
        opacity => {
            let quotient = (u16::from(colour) * 255 + opacity / 2) / opacity;
            u8::try_from(quotient).unwrap_or(u8::MAX)
        }
    }
}
