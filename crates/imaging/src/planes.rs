//! Scales light and colours each for itself, and makes pixels of them.

use std::array;

use fearless_simd::{Level, Simd, dispatch};

use crate::ImageError;
use crate::resample::{Resampler, WIDE};
use crate::rows::{Matrix, Plane};
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
    const fn new(matrix: Matrix) -> Self {
        match matrix {
            // 1.402; 0.344136 and 0.714136; 1.772.
            Matrix::Jfif => Self {
                black: 0,
                light: 1 << BITS,
                red: 22_970,
                green: [5_638, 11_700],
                blue: 29_032,
            },
            // The same times 255/219 for the light and 255/224 for the colours.
            Matrix::Bt601 => Self {
                black: 16 * WIDE as i32,
                light: 19_077,
                red: 26_149,
                green: [6_419, 13_320],
                blue: 33_050,
            },
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

    /// What BT.601 says, for numbers from 0 to 1 and colours from -0.5 to 0.5.
    fn exact([light, blue, red]: [f64; 3]) -> [f64; 3] {
        [
            light + 1.402 * red,
            light - 0.344_136 * blue - 0.714_136 * red,
            light + 1.772 * blue,
        ]
    }

    fn check(matrix: Matrix, numbers: [u8; 3]) {
        let wide = numbers.map(|number| [i16::from(number) * WIDE]);
        let mut rgb = [0; 3];
        let level = Level::new();
        let rows = wide.each_ref().map(<[i16; 1]>::as_slice);
        dispatch!(level, simd => Formula::new(matrix).apply(simd, rows, &mut rgb));
        let [light, blue, red] = numbers.map(f64::from);
        let parts = match matrix {
            Matrix::Jfif => [light / 255.0, (blue - 128.0) / 255.0, (red - 128.0) / 255.0],
            Matrix::Bt601 => [
                (light - 16.0) / 219.0,
                (blue - 128.0) / 224.0,
                (red - 128.0) / 224.0,
            ],
        };
        for (ours, exact) in rgb.into_iter().zip(exact(parts)) {
            let off = f64::from(ours) - (exact * 255.0).clamp(0.0, 255.0);
            assert!(off.abs() <= 0.6, "{matrix:?} {numbers:?}: {off}");
        }
    }

    #[test]
    fn all_colours_are_within_a_step_of_the_definition() {
        for matrix in [Matrix::Jfif, Matrix::Bt601] {
            for light in (0..=255).step_by(15) {
                for (blue, red) in (0..=255).flat_map(|blue| (0..=255).map(move |red| (blue, red)))
                {
                    check(matrix, [light, blue, red]);
                }
            }
        }
    }
}
