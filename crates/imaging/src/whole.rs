//! Scales pixels that come with all their channels.
//!
//! Colours are weighted by their opacity, so that invisible pixels do not bleed into visible ones.

use crate::colours::Colours;
use crate::opacity::{is_opaque, premultiply, unpremultiply};
use crate::pixels::{Channels, Pixels};
use crate::resample::{Resampler, to_byte};
use crate::rows::Plane;
use crate::scale::Scaling;
use crate::{ImageError, Light, Size, light};

/// Scales rows of pixels.
pub(crate) struct Whole {
    /// What the pixels that are scaled consist of.
    channels: Channels,
    resampler: Resampler,
    /// What becomes of the numbers before they are scaled as light; `None` if they are scaled as they are.
    colours: Option<(Channels, Colours)>,
    /// Whether no pixel has let anything through.
    is_opaque: bool,
    /// A row before it is scaled.
    wide: Vec<i16>,
    data: Vec<u8>,
}

impl Whole {
    pub(crate) fn new(
        scaling: &Scaling,
        (plane, channels): (Plane, Channels),
        colours: &Colours,
    ) -> Self {
        let colours = match scaling.light {
            Light::Encoded => None,
            Light::Linear => Some((channels, colours.clone())),
        };
        let channels = match channels {
            Channels::Inks if colours.is_some() => Channels::Rgb,
            channels => channels,
        };
        let count = channels.count();
        Self {
            channels,
            resampler: Resampler::new(scaling.sides(plane), count, scaling.gap()),
            colours,
            is_opaque: true,
            wide: Vec::new(),
            data: Vec::with_capacity(scaling.target.pixels() as usize * count),
        }
    }

    /// Takes the next row.
    pub(crate) fn take(&mut self, row: &[u8]) -> Result<(), ImageError> {
        let Self { channels, wide, .. } = self;
        let lets_through = channels.has_alpha() && !is_opaque(row, *channels);
        self.is_opaque &= !lets_through;
        let is_light = self.colours.is_some();
        match &self.colours {
            Some((from, colours)) => {
                let row = colours.convert_row(*from, row)?;
                light::decode(&row, *channels, wide);
            }
            // A weight of one changes nothing.
            None if lets_through => {
                wide.clear();
                wide.extend(row.iter().map(|&byte| crate::resample::to_wide(byte)));
            }
            None => {
                let mut give = give(*channels, is_light, &mut self.data);
                self.resampler.take(row, &mut give);
                return Ok(());
            }
        }
        if lets_through {
            premultiply(wide, *channels);
        }
        let mut give = give(*channels, is_light, &mut self.data);
        self.resampler.take(wide.as_slice(), &mut give);
        Ok(())
    }

    /// Returns the scaled picture, or `None` if rows are missing; and whether all of it was opaque.
    pub(crate) fn finish(self, target: Size) -> Option<(Pixels, bool)> {
        let pixels = Pixels::new(target, self.channels, self.data)?;
        Some((pixels, self.is_opaque))
    }
}

/// Returns what writes scaled rows behind `data`.
fn give(channels: Channels, is_light: bool, data: &mut Vec<u8>) -> impl FnMut(&mut [i16]) {
    move |row| {
        if channels.has_alpha() {
            unpremultiply(row, channels);
        }
        match is_light {
            true => light::encode(row, channels, data),
            false => data.extend(row.iter().map(|&sample| to_byte(sample))),
        }
    }
}
