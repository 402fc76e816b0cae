//! Scales a picture while its rows come in: Lanczos3 in both directions, with no more rows in memory than the filter reaches.
//!
//! Samples are kept as [wide](Sample) numbers of 16 bits between the steps, with six bits behind the point and room for what
//! the filter overshoots. So the result is that of exact numbers to within a step of rounding, and the same however the rows
//! are dealt out.
//!
//! 1. If the picture shrinks by four or more, [means](average) of whole rows take most of it, so that what is left
//!    to Lanczos3 is a factor of two to three. The rule is that of libvips (`vips_resize`, `gap`), which does the same to columns: but
//!    of those few rows that come to the third step, it saves nothing.
//! 2. [Rows](down) are weighted and added to one as soon as the last one that the filter reaches has come. This comes first,
//!    because whole rows are added in large vectors without moving a sample, and what is left for the second step is less.
//! 3. [Columns](across) of that one row are weighted and added.

mod across;
mod average;
mod down;
mod windows;

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64, u16x32, u32x16};

use across::Across;
use average::Average;
use down::Down;
pub(crate) use windows::{FAR, Filter, Side};

/// How many wide steps are one step of a byte.
pub(crate) const WIDE: i16 = 64;
/// What is white, or opaque.
pub(crate) const WIDE_MAX: i16 = 255 * WIDE;

/// Returns the wide number of a byte.
pub(crate) const fn to_wide(byte: u8) -> i16 {
    byte as i16 * WIDE
}

/// Returns the nearest byte of a wide number.
#[inline(always)]
pub(crate) fn to_byte(wide: i16) -> u8 {
    ((i32::from(wide) + i32::from(WIDE / 2)) >> 6).clamp(0, 255) as u8
}

/// How many samples are worked on at once. What they are added to has room for a whole number of groups.
const GROUP: usize = 64;

/// What the samples of a source may be.
pub(crate) trait Sample: Copy + Default {
    /// Returns them with six bits behind the point, at most [`WIDE_MAX`].
    fn widen<S: Simd>(simd: S, samples: &[Self; GROUP]) -> [u32x16<S>; 4];
}

impl Sample for u8 {
    #[inline(always)]
    fn widen<S: Simd>(simd: S, samples: &[Self; GROUP]) -> [u32x16<S>; 4] {
        let (low, high) = u8x64::load_array_ref(simd, samples).widen();
        widen([low << 6, high << 6])
    }
}

/// A sample that is wide already, and not negative.
impl Sample for i16 {
    #[inline(always)]
    fn widen<S: Simd>(simd: S, samples: &[Self; GROUP]) -> [u32x16<S>; 4] {
        let (low, high) = bytemuck::cast_slice(samples).split_at(GROUP / 2);
        widen([
            u16x32::from_slice(simd, low),
            u16x32::from_slice(simd, high),
        ])
    }
}

#[inline(always)]
fn widen<S: Simd>([low, high]: [u16x32<S>; 2]) -> [u32x16<S>; 4] {
    let ((a, b), (c, d)) = (low.widen(), high.widen());
    [a, b, c, d]
}

/// Does something to each number with the wide sample of the same place, and with nothing in the padding. In vectors by name: what the
/// compiler makes of a loop depends on what else it sees.
#[inline(always)]
fn each<S: Simd, T: Sample>(
    simd: S,
    numbers: &mut [u32],
    samples: &[T],
    change: impl Fn(u32x16<S>, u32x16<S>) -> u32x16<S>,
) {
    let (groups, rest) = samples.as_chunks();
    let mut last = [T::default(); GROUP];
    last[..rest.len()].copy_from_slice(rest);
    let numbers = numbers.as_chunks_mut::<GROUP>().0;
    for (numbers, samples) in numbers.iter_mut().zip(groups.iter().chain([&last])) {
        let numbers = numbers.as_chunks_mut().0.iter_mut();
        for (numbers, samples) in numbers.zip(T::widen(simd, samples)) {
            change(u32x16::load_array_ref(simd, numbers), samples).store_array(numbers);
        }
    }
}

/// Scales rows of pixels with so many channels.
#[derive(Clone)]
pub(crate) struct Resampler {
    channels: usize,
    level: Level,
    average: Option<Average>,
    /// The columns that are looked at.
    columns: std::ops::Range<usize>,
    down: Down,
    across: Across,
    /// A row of the result's height and the source's width.
    tall: Vec<i16>,
    /// Its channels, each for itself, if there are several.
    planes: Vec<Vec<i16>>,
    /// A row of the result.
    made: Vec<i16>,
}

impl Resampler {
    /// Scales pictures with so many channels; `gap` is the factor that means of rows leave to Lanczos3.
    pub(crate) fn new(sides: [Side; 2], channels: usize, gap: f64) -> Self {
        let [columns, rows] = sides;
        let steps = [columns.whole_steps(FAR), rows.whole_steps(gap)];
        let average = (steps != [1, 1]).then(|| Average::new(steps, sides, channels));
        let [across, down] = [0, 1].map(|at| sides[at].divided(steps[at]).windows());
        let columns = across.reach();
        let across = Across::new(&across, columns.start);
        let down = Down::new(&down, columns.len() * channels);
        let padded = columns.len() + across.taps();
        Self {
            channels,
            level: Level::new(),
            average,
            columns: columns.start * channels..columns.end * channels,
            tall: vec![0; down.stride().max(padded * channels)],
            planes: match channels {
                1 => Vec::new(),
                _ => vec![vec![0; padded]; channels],
            },
            made: vec![0; across.made() * channels],
            down,
            across,
        }
    }

    /// Takes the next row, and gives those rows of the result that it completes, as wide numbers that may be out of range.
    pub(crate) fn take<T: Sample>(&mut self, row: &[T], give: &mut dyn FnMut(&mut [i16])) {
        let level = self.level;
        dispatch!(level, simd => self.take_row(simd, row, give));
    }

    #[inline(always)]
    fn take_row<S: Simd, T: Sample>(
        &mut self,
        simd: S,
        row: &[T],
        give: &mut dyn FnMut(&mut [i16]),
    ) {
        let columns = self.columns.clone();
        if let Some(average) = &mut self.average {
            if !average.take(simd, row) {
                return;
            }
            let row = average.finish(simd);
            self.down.take(simd, row.get(columns).unwrap_or_default());
        } else {
            self.down.take(simd, row.get(columns).unwrap_or_default());
        }
        while self.down.is_ready() {
            self.down.add(simd, &mut self.tall);
            self.shorten(simd);
            give(&mut self.made[..self.across.target() * self.channels]);
        }
    }

    /// Makes a row of the result's width of one of its height.
    #[inline(always)]
    fn shorten<S: Simd>(&mut self, simd: S) {
        match self.channels {
            1 => {
                self.across
                    .add::<S, 1>(simd, (&self.tall, 0), &mut self.made);
                return;
            }
            2 => split::<2>(&self.tall, &mut self.planes),
            3 => split::<3>(&self.tall, &mut self.planes),
            _ => split::<4>(&self.tall, &mut self.planes),
        }
        for (channel, plane) in self.planes.iter().enumerate() {
            match self.channels {
                2 => self
                    .across
                    .add::<S, 2>(simd, (plane, channel), &mut self.made),
                3 => self
                    .across
                    .add::<S, 3>(simd, (plane, channel), &mut self.made),
                _ => self
                    .across
                    .add::<S, 4>(simd, (plane, channel), &mut self.made),
            }
        }
    }
}

/// Splits pixels into their channels.
#[inline(always)]
fn split<const N: usize>(pixels: &[i16], planes: &mut [Vec<i16>]) {
    let pixels = pixels.as_chunks::<N>().0;
    for (channel, plane) in planes.iter_mut().enumerate().take(N) {
        // Both have padding, but not the same.
        let count = pixels.len().min(plane.len());
        let (groups, rest) = plane[..count].as_chunks_mut::<32>();
        let (pixel_groups, pixel_rest) = pixels[..count].as_chunks::<32>();
        for (to, pixels) in groups.iter_mut().zip(pixel_groups) {
            for at in 0..32 {
                to[at] = pixels[at][channel % N];
            }
        }
        for (to, pixel) in rest.iter_mut().zip(pixel_rest) {
            *to = pixel[channel % N];
        }
    }
}
