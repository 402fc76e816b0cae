//! Makes rows of pixels of the rows of planes that become one picture: plain red, green and blue, and inks.

use crate::resample::{Resampler, to_byte};
use crate::rows::{Plane, RowSink};
use crate::scale::joining;
use crate::{ImageError, Size};

/// After so many rows those that were joined make room: as many as a decoder gives of a plane at a time.
const ROWS_KEPT_MAX: usize = 16;

/// What takes rows of planes, and gives rows of pixels.
pub(super) struct Joined<'a> {
    sink: &'a mut dyn RowSink,
    /// How inks are stored.
    inks: Inks,
    lanes: Vec<Lane>,
    width: usize,
    /// How many samples of each lane were joined and are still there.
    joined: usize,
    pixels: Vec<u8>,
}

/// A plane on its way.
struct Lane {
    /// Makes it as fine as the finest, if it is coarser.
    resampler: Option<Resampler>,
    /// Rows that wait for those of other planes.
    waiting: Vec<u8>,
}

/// What the first three of four planes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inks {
    /// What they are called.
    Plain,
    /// Light and two differences of colour; the inks are what light leaves.
    Light,
}

/// Returns a plane that is as fine as the finest of these in each direction.
pub(super) fn finest(planes: &[Plane]) -> Option<Plane> {
    let wide = planes.iter().min_by_key(|plane| plane.pitch.0)?;
    let tall = planes.iter().min_by_key(|plane| plane.pitch.1)?;
    Some(Plane {
        size: Size::new(wide.size.width, tall.size.height),
        pitch: (wide.pitch.0, tall.pitch.1),
    })
}

impl<'a> Joined<'a> {
    /// Joins these planes to a picture that is as fine as the finest.
    pub(super) fn new(
        sink: &'a mut dyn RowSink,
        (planes, finest): (&[Plane], Plane),
        inks: Inks,
    ) -> Self {
        let scaling = joining(finest);
        let lane = |&plane: &Plane| Lane {
            resampler: (plane != finest)
                .then(|| Resampler::new(scaling.sides(plane), 1, scaling.gap())),
            waiting: Vec::new(),
        };
        let width = finest.size.width as usize;
        Self {
            sink,
            inks,
            lanes: planes.iter().map(lane).collect(),
            width,
            joined: 0,
            pixels: vec![0; width * planes.len()],
        }
    }

    /// Takes the next row of a plane, and gives those rows of pixels that it completes.
    pub(super) fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
        let Some(Lane { resampler, waiting }) = self.lanes.get_mut(plane) else {
            return Ok(());
        };
        match resampler {
            Some(resampler) => resampler.take(row, &mut |row| {
                waiting.extend(row.iter().map(|&sample| to_byte(sample)));
            }),
            None => waiting.extend_from_slice(row),
        }
        let samples = self.lanes.iter().map(|lane| lane.waiting.len());
        let complete = samples.min().unwrap_or(0) / self.width * self.width;
        for start in (self.joined..complete).step_by(self.width) {
            self.join(start)?;
        }
        self.joined = complete;
        if self.joined >= ROWS_KEPT_MAX * self.width {
            for lane in &mut self.lanes {
                lane.waiting.drain(..self.joined);
            }
            self.joined = 0;
        }
        Ok(())
    }

    /// Gives the row of pixels whose samples begin there.
    fn join(&mut self, start: usize) -> Result<(), ImageError> {
        let count = self.lanes.len();
        for (place, lane) in self.lanes.iter().enumerate() {
            let samples = &lane.waiting[start..start + self.width];
            let places = self.pixels.iter_mut().skip(place).step_by(count);
            for (to, &sample) in places.zip(samples) {
                *to = sample;
            }
        }
        if self.inks == Inks::Light {
            let (pixels, _) = self.pixels.as_chunks_mut::<4>();
            pixels.iter_mut().for_each(light_to_inks);
        }
        self.sink.take(0, &self.pixels)
    }
}

/// Converts as libjpeg does: ITU-T T.871, rounded, and what is left of 255.
fn light_to_inks(pixel: &mut [u8; 4]) {
    let [light, blue, red, black] = *pixel;
    let light = i32::from(light) << 16 | 1 << 15;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let [cyan, magenta, yellow] = [
        light + 91_881 * red,
        light - 22_554 * blue - 46_802 * red,
        light + 116_130 * blue,
    ]
    .map(|sum| 255 - (sum >> 16).clamp(0, 255) as u8);
    *pixel = [cyan, magenta, yellow, black];
}
