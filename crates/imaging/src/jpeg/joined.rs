//! Makes rows of pixels of the rows of planes, where all planes are alike and become one picture: plain red, green and blue, and inks.

use super::corrupt;
use crate::ImageError;
use crate::rows::RowSink;

/// What takes rows of planes, and gives rows of pixels.
pub(super) struct Joined<'a> {
    sink: &'a mut dyn RowSink,
    /// How inks are stored.
    inks: Inks,
    /// The rows of all planes but the last one, which wait for those of it.
    waiting: Vec<Vec<u8>>,
    /// How many of them were joined.
    joined: usize,
    pixels: Vec<u8>,
}

/// What the first three of four planes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inks {
    /// What they are called.
    Plain,
    /// Light and two differences of colour; the inks are what light leaves.
    Light,
}

impl<'a> Joined<'a> {
    pub(super) fn new(sink: &'a mut dyn RowSink, planes: usize, inks: Inks) -> Self {
        Self {
            sink,
            inks,
            waiting: vec![Vec::new(); planes.saturating_sub(1)],
            joined: 0,
            pixels: Vec::new(),
        }
    }

    /// Takes the next row of a plane. Those of the last plane come after those of the others.
    pub(super) fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
        if let Some(waiting) = self.waiting.get_mut(plane) {
            waiting.extend_from_slice(row);
            return Ok(());
        }
        let count = self.waiting.len() + 1;
        self.pixels.resize(row.len() * count, 0);
        let range = self.joined * row.len()..(self.joined + 1) * row.len();
        let others = self.waiting.iter().map(|rows| rows.get(range.clone()));
        for (place, plane) in others.chain([Some(row)]).enumerate() {
            let plane = plane.ok_or_else(|| corrupt("rows are missing"))?;
            let samples = self.pixels.iter_mut().skip(place).step_by(count);
            for (to, &sample) in samples.zip(plane) {
                *to = sample;
            }
        }
        self.joined += 1;
        if self.waiting.iter().all(|rows| rows.len() == range.end) {
            self.waiting.iter_mut().for_each(Vec::clear);
            self.joined = 0;
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
