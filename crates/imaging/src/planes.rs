//! Scales light and colours each for itself, and makes pixels of them.

use std::array;

use fearless_simd::{Level, Simd, dispatch};

use crate::ImageError;
use crate::resample::{Resampler, WIDE};
use crate::rows::{Matrix, Plane, Range};
use crate::scale::Scaling;

/// Scales three planes to the same size.
pub(crate) struct Planes {
    lanes: [Lane; 3],
    level: Level,
    width: usize,
    formula: Formula,
    rgb: Vec<u8>,
}

/// One plane.
#[derive(Clone)]
struct Lane {
    resampler: Resampler,
    /// Scaled rows that wait for those of other planes.
    waiting: Vec<i16>,
}

impl Planes {
    pub(crate) fn new(scaling: &Scaling, planes: [Plane; 3], matrix: Matrix) -> Self {
        let width = scaling.target.width as usize;
        let lane = |plane| Lane {
            resampler: Resampler::new(scaling.sides(plane), 1, scaling.gap()),
            waiting: Vec::new(),
        };
        let [light, blue, red] = planes;
        let blue_lane = lane(blue);
        // The colours are mostly alike, and so are their weights.
        let red_lane = if red == blue {
            blue_lane.clone()
        } else {
            lane(red)
        };
        Self {
            lanes: [lane(light), blue_lane, red_lane],
            level: Level::new(),
            width,
            formula: Formula::new(matrix),
            rgb: vec![0; 3 * width],
        }
    }

    /// Takes the next row of a plane, and gives those rows of pixels that it completes.
    pub(crate) fn take(
        &mut self,
        plane: usize,
        row: &[u8],
        give: &mut dyn FnMut(&[u8]) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let Some(Lane { resampler, waiting }) = self.lanes.get_mut(plane) else {
            return Ok(());
        };
        resampler.take(row, &mut |row| waiting.extend_from_slice(row));
        let samples = self
            .lanes
            .iter()
            .map(|lane| lane.waiting.len() / self.width);
        let complete = samples.min().unwrap_or(0) * self.width;
        for start in (0..complete).step_by(self.width) {
            let rows = array::from_fn(|at| &self.lanes[at].waiting[start..start + self.width]);
            let level = self.level;
            dispatch!(level, simd => self.formula.apply(simd, rows, &mut self.rgb));
            give(&self.rgb)?;
        }
        for lane in &mut self.lanes {
            lane.waiting.drain(..complete);
        }
        Ok(())
    }
}

/// How light and colours become red, green and blue: factors with 14 bits behind the point.
struct Formula {
    /// What no light is, and no colour.
    black: i32,
    light: i32,
    /// Red has so much of the red difference, green of both, and blue of the blue one.
    red: i32,
    green: [i32; 2],
    blue: i32,
}

const BITS: u32 = 14;
/// Those, and the ones of wide numbers.
const SHIFT: u32 = BITS + WIDE.ilog2();
const HALF: i32 = 1 << (SHIFT - 1);
/// How many pixels are made at once.
const GROUP: usize = 16;

impl Formula {
    fn new(Matrix { weights, range }: Matrix) -> Self {
        let (black, light, colours) = match range {
            Range::Full => (0, 1.0, 1.0),
            Range::Studio => (16, 255.0 / 219.0, 255.0 / 224.0),
        };
        let scaled = |factor: f64| (factor * f64::from(1 << BITS)).round() as i32;
        let (red, blue) = weights.red_and_blue();
        let green = 1.0 - red - blue;
        let [of_red, of_blue] = [red, blue].map(|weight| 2.0 * (1.0 - weight) * colours);
        Self {
            black: black * i32::from(WIDE),
            light: scaled(light),
            red: scaled(of_red),
            green: [scaled(of_blue * blue / green), scaled(of_red * red / green)],
            blue: scaled(of_blue),
        }
    }

    #[inline(always)]
    fn apply<S: Simd>(&self, _: S, [light, blue, red]: [&[i16]; 3], rgb: &mut [u8]) {
        let (groups, rest) = rgb.as_chunks_mut::<3>().0.as_chunks_mut::<GROUP>();
        let at = groups.len() * GROUP;
        for (at, rgb) in groups.iter_mut().enumerate() {
            let [light, blue, red] = [light, blue, red].map(|row| row.as_chunks::<GROUP>().0[at]);
            // Each colour for itself first: that becomes vectors.
            let mut colours = [[0; GROUP]; 3];
            for at in 0..GROUP {
                let rgb = self.rgb(light[at], blue[at], red[at]);
                for (colour, byte) in colours.iter_mut().zip(rgb) {
                    colour[at] = byte;
                }
            }
            for (at, rgb) in rgb.iter_mut().enumerate() {
                *rgb = colours.map(|colour| colour[at]);
            }
        }
        for (at, rgb) in (at..).zip(rest) {
            *rgb = self.rgb(light[at], blue[at], red[at]);
        }
    }

    #[inline(always)]
    fn rgb(&self, light: i16, blue: i16, red: i16) -> [u8; 3] {
        let light = (i32::from(light) - self.black) * self.light + HALF;
        let [blue, red] = [blue, red].map(|colour| i32::from(colour) - 128 * i32::from(WIDE));
        [
            light + self.red * red,
            light - self.green[0] * blue - self.green[1] * red,
            light + self.blue * blue,
        ]
        .map(|sum| (sum >> SHIFT).clamp(0, 255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Weights;

    /// What the standards say, for numbers from 0 to 1 and colours from -0.5 to 0.5.
    fn exact(weights: Weights, [light, blue, red]: [f64; 3]) -> [f64; 3] {
        match weights {
            Weights::Bt601 => [
                light + 1.402 * red,
                light - 0.344_136 * blue - 0.714_136 * red,
                light + 1.772 * blue,
            ],
            Weights::Bt709 => [
                light + 1.5748 * red,
                light - 0.187_324 * blue - 0.468_124 * red,
                light + 1.8556 * blue,
            ],
            Weights::Bt2020 => [
                light + 1.4746 * red,
                light - 0.164_553 * blue - 0.571_353 * red,
                light + 1.8814 * blue,
            ],
        }
    }

    fn check(matrix: Matrix, numbers: [u8; 3]) {
        let wide = numbers.map(|number| [i16::from(number) * WIDE]);
        let mut rgb = [0; 3];
        let level = Level::new();
        let rows = wide.each_ref().map(<[i16; 1]>::as_slice);
        dispatch!(level, simd => Formula::new(matrix).apply(simd, rows, &mut rgb));
        let [light, blue, red] = numbers.map(f64::from);
        let parts = match matrix.range {
            Range::Full => [light / 255.0, (blue - 128.0) / 255.0, (red - 128.0) / 255.0],
            Range::Studio => [
                (light - 16.0) / 219.0,
                (blue - 128.0) / 224.0,
                (red - 128.0) / 224.0,
            ],
        };
        for (ours, exact) in rgb.into_iter().zip(exact(matrix.weights, parts)) {
            let off = f64::from(ours) - (exact * 255.0).clamp(0.0, 255.0);
            assert!(off.abs() <= 0.6, "{matrix:?} {numbers:?}: {off}");
        }
    }

    #[track_caller]
    fn check_all(matrix: Matrix) {
        for light in (0..=255).step_by(15) {
            for (blue, red) in (0..=255).flat_map(|blue| (0..=255).map(move |red| (blue, red))) {
                check(matrix, [light, blue, red]);
            }
        }
    }

    #[test]
    fn all_colours_are_within_a_step_of_the_definition() {
        check_all(Matrix::JFIF);
        check_all(Matrix::VIDEO);
    }

    #[cfg(feature = "avif")]
    #[test]
    fn all_colours_of_other_standards_are_too() {
        for weights in [Weights::Bt709, Weights::Bt2020] {
            for range in [Range::Full, Range::Studio] {
                check_all(Matrix { weights, range });
            }
        }
    }
}
