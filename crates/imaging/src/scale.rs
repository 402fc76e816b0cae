//! Scales what a decoder gives, and makes one picture of its planes.

use crate::colours::Colours;
use crate::halved::Halved;
use crate::layout::Area;
use crate::pixels::{Channels, Pixels};
use crate::planes::Planes;
use crate::resample::{FAR, Filter, Side};
use crate::rows::{Form, Matrix, Plane};
use crate::whole::Whole;
use crate::{ImageError, Light, Shrink, Size};

/// What to scale, and to what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaling {
    /// The part of the source that is seen, in pixels of the source as stored.
    pub(crate) seen: Area,
    pub(crate) target: Size,
    pub(crate) light: Light,
    pub(crate) wanted: Wanted,
    /// What may be saved. The decoder has done its part.
    pub(crate) shrink: Shrink,
}

/// What is made of light and colours that come each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Pixels.
    Pixels,
    /// Planes as a JPEG stores them, if the source has them as a JPEG does.
    Halved,
}

/// What came of a picture.
pub(crate) enum Scaled {
    /// Pixels, and whether all of them were opaque.
    Pixels(Pixels, bool),
    /// Light, and colours in half as many columns and rows, rounded up.
    Halved([Pixels; 3]),
}

impl Scaling {
    /// Whether light and colours may be scaled each for itself. Light can only be told from all colours of a pixel; and what a
    /// decoder gives for colours that there are not is brought into range earlier or later.
    fn may_split(&self) -> bool {
        self.light == Light::Encoded && self.shrink != Shrink::Off
    }

    /// Whether light and colours go into the result as they come.
    pub(crate) fn passes_colours_on(&self) -> bool {
        self.may_split() && self.wanted == Wanted::Halved
    }

    /// Returns which factor means of rows leave to Lanczos3.
    pub(crate) const fn gap(&self) -> f64 {
        match self.shrink {
            Shrink::Off => FAR,
            // libvips: the default of `gap` of `vips_resize`.
            Shrink::Safe | Shrink::Fast => 2.0,
        }
    }

    /// Returns how columns and rows of a plane are scaled.
    ///
    /// Colours that are stored coarser than the light are interpolated where they become larger, as JPEG decoders do: sharper
    /// filters add waves to their steps. Otherwise it is Lanczos3.
    pub(crate) fn sides(&self, plane: Plane) -> [Side; 2] {
        // A picture of 1001 pixels decoded at 1/8 fills 125.125 of 126 columns; the rest is padding.
        let seen = self.seen.divided(plane.pitch);
        let side = |source: u32, (start, length): (f64, f64), (asked, target): (f64, u32)| {
            let grows = length < f64::from(target) && asked >= f64::from(target);
            Side {
                source,
                start,
                length,
                target,
                filter: if grows {
                    Filter::Triangle
                } else {
                    Filter::Lanczos3
                },
            }
        };
        let (size, target) = (plane.size, self.target);
        [
            side(
                size.width,
                (seen.left, seen.width),
                (self.seen.width, target.width),
            ),
            side(
                size.height,
                (seen.top, seen.height),
                (self.seen.height, target.height),
            ),
        ]
    }
}

/// Scales a picture whose rows come from a decoder.
pub(crate) enum Scaler {
    Whole(Box<Whole>),
    Planes(Box<Planes>, Vec<u8>),
    Halved(Box<Halved>),
    /// Planes that become colours before they are scaled.
    Joined(Box<Planes>, Box<Whole>),
}

impl Scaler {
    /// Scales what has this form. Light is told from the numbers by `colours`, which are then done with.
    pub(crate) fn new(scaling: &Scaling, form: &Form, colours: &Colours) -> Self {
        match *form {
            Form::Whole { plane, channels } => {
                Self::Whole(Box::new(Whole::new(scaling, (plane, channels), colours)))
            }
            Form::Planes {
                planes,
                matrix: Matrix::JFIF,
            } if scaling.passes_colours_on() => {
                Self::Halved(Box::new(Halved::new(scaling, planes)))
            }
            Form::Planes { planes, matrix } if scaling.may_split() => {
                let bytes = scaling.target.pixels() as usize * Channels::Rgb.count();
                let planes = Planes::new(scaling, planes, matrix);
                Self::Planes(Box::new(planes), Vec::with_capacity(bytes))
            }
            Form::Planes { planes, matrix } => Self::Joined(
                Box::new(Planes::new(&joining(planes[0]), planes, matrix)),
                Box::new(Whole::new(scaling, (planes[0], Channels::Rgb), colours)),
            ),
        }
    }

    /// Takes the next row of a plane.
    pub(crate) fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
        match self {
            Self::Whole(whole) => whole.take(row),
            Self::Halved(halved) => {
                halved.take(plane, row);
                Ok(())
            }
            Self::Planes(planes, data) => planes.take(plane, row, &mut |row| {
                data.extend(row);
                Ok(())
            }),
            Self::Joined(planes, whole) => planes.take(plane, row, &mut |row| whole.take(row)),
        }
    }

    /// Returns the scaled picture, or `None` if rows are missing.
    pub(crate) fn finish(self, target: Size) -> Option<Scaled> {
        Some(match self {
            Self::Planes(_, data) => {
                Scaled::Pixels(Pixels::new(target, Channels::Rgb, data)?, true)
            }
            Self::Halved(halved) => Scaled::Halved(halved.finish()?),
            Self::Whole(whole) | Self::Joined(_, whole) => {
                let (pixels, is_opaque) = whole.finish(target)?;
                Scaled::Pixels(pixels, is_opaque)
            }
        })
    }
}

/// How planes become a picture as large as the finest of them.
pub(crate) fn joining(finest: Plane) -> Scaling {
    let (size, (columns, rows)) = (finest.size, finest.pitch);
    Scaling {
        seen: Area::whole(Size::new(size.width * columns, size.height * rows)),
        target: size,
        light: Light::Encoded,
        wanted: Wanted::Pixels,
        shrink: Shrink::Off,
    }
}
