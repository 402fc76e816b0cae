//! From planes to rows for the scaling.

use super::bands::{Band, Bands};
use super::coded::Kind;
use super::container::{Container, corrupt, unsupported};
use super::opacity::Opacity;
use super::picture::Picture;
use super::properties::Coding;
use super::samples::{Role, table};
use crate::codec::Decoding;
use crate::mixing::WithOpacity;
use crate::pixels::Channels;
use crate::rows::{Form, Matrix, Plane, Range, RowSink, Weights};
use crate::{ImageError, Size};

/// Decodes the picture. The decoder does not stop within a piece; between two of them it does.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    let container = Container::read(decoding.input)?;
    let picture = Picture::find(&container, container.primary)?;
    let mut bands = Bands::new(&container, &picture, decoding)?;
    let coding = picture.properties.coding.unwrap_or(bands.kind.coding);
    let planes = Planes::new(&bands.kind, coding)?;
    match Opacity::find(&container, &picture)? {
        Some(opacity) => {
            let mut sink =
                WithOpacity::new(opacity.decode(&container, decoding)?, decoding.shrink, sink);
            planes.give(&mut bands, &mut sink)
        }
        None => planes.give(&mut bands, sink),
    }
}

/// What the planes of a picture are.
struct Planes {
    meaning: Meaning,
    /// The bytes of their samples, if they are not those already.
    tables: [Option<Vec<u8>>; 3],
    pitch: (u32, u32),
}

/// What their numbers stand for.
#[derive(Clone, Copy)]
enum Meaning {
    Gray,
    /// Green, blue and red, in this order.
    Rgb,
    Colours(Matrix),
}

impl Planes {
    fn new(kind: &Kind, coding: Coding) -> Result<Self, ImageError> {
        let meaning = meaning(kind, coding)?;
        let roles = match meaning {
            Meaning::Colours(_) => [Role::Light, Role::Colour, Role::Colour],
            Meaning::Gray | Meaning::Rgb => [Role::Alone; 3],
        };
        Ok(Self {
            meaning,
            tables: roles.map(|role| table(kind.depth, role, coding.is_full)),
            pitch: kind.pitch,
        })
    }

    fn form(&self, size: Size) -> Form {
        let (columns, rows) = self.pitch;
        let coarse = Plane {
            size: Size::new(size.width.div_ceil(columns), size.height.div_ceil(rows)),
            pitch: self.pitch,
        };
        let fine = Plane {
            size,
            pitch: (1, 1),
        };
        match self.meaning {
            Meaning::Gray => Form::whole(size, Channels::Gray),
            Meaning::Rgb => Form::whole(size, Channels::Rgb),
            Meaning::Colours(matrix) => Form::Planes {
                planes: [fine, coarse, coarse],
                matrix,
            },
        }
    }

    fn give(&self, bands: &mut Bands<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
        sink.begin(&self.form(bands.size))?;
        let mut rows = <[Vec<u8>; 3]>::default();
        while let Some(band) = bands.next()? {
            for y in 0..band.size.height {
                self.give_row((&band, y), &mut rows, sink)?;
            }
        }
        Ok(())
    }

    /// Gives a row of light, with those of colour that begin there. `rows` is room for them.
    fn give_row(
        &self,
        (band, y): (&Band, u32),
        rows: &mut [Vec<u8>; 3],
        sink: &mut dyn RowSink,
    ) -> Result<(), ImageError> {
        let read = |plane: usize, y, row: &mut Vec<u8>| {
            row.clear();
            band.append((plane, y), self.tables[plane].as_deref(), row);
        };
        read(0, y, &mut rows[0]);
        match self.meaning {
            Meaning::Gray => sink.take(0, &rows[0]),
            Meaning::Rgb => {
                read(1, y, &mut rows[1]);
                read(2, y, &mut rows[2]);
                let [green, blue, red] = &*rows;
                let pixels = red.iter().zip(green).zip(blue);
                let pixels = pixels.flat_map(|((&red, &green), &blue)| [red, green, blue]);
                sink.take(0, &pixels.collect::<Vec<_>>())
            }
            Meaning::Colours(_) => {
                sink.take(0, &rows[0])?;
                if y.is_multiple_of(self.pitch.1) {
                    for plane in [1, 2] {
                        read(plane, y / self.pitch.1, &mut rows[plane]);
                        sink.take(plane, &rows[plane])?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn meaning(kind: &Kind, coding: Coding) -> Result<Meaning, ImageError> {
    if kind.is_gray {
        return Ok(Meaning::Gray);
    }
    let weights = match coding.matrix {
        0 if kind.pitch == (1, 1) => return Ok(Meaning::Rgb),
        0 => {
            return Err(corrupt(
                "red, green and blue are stored as if they were colours and light",
            ));
        }
        1 => Weights::Bt709,
        // What is not said is that of JPEG, as libavif has it.
        2 | 5 | 6 => Weights::Bt601,
        9 => Weights::Bt2020,
        _ => {
            return Err(unsupported(
                "colours that are not those of BT.601, BT.709 or BT.2020",
            ));
        }
    };
    let range = match coding.is_full {
        true => Range::Full,
        false => Range::Studio,
    };
    Ok(Meaning::Colours(Matrix { weights, range }))
}
