//! The mean of `k` columns and rows, where Lanczos3 would reach so far that nobody sees the difference.

use fearless_simd::{Simd, f32x16, i32x16, prelude::*, u32x16};

use super::{GROUP, Sample, Side, each};

/// Averages rows.
#[derive(Clone)]
pub(super) struct Average {
    channels: usize,
    /// How many columns and rows become one.
    steps: [usize; 2],
    /// Rows that are still to come.
    left: usize,
    /// Of the rows since the last mean, with padding.
    sums: Vec<u32>,
    /// How many of them are not padding.
    samples: usize,
    count: usize,
    means: Vec<i16>,
}

impl Average {
    pub(super) fn new(steps: [u32; 2], [columns, rows]: [Side; 2], channels: usize) -> Self {
        let samples = columns.source as usize * channels;
        let means = columns.source.div_ceil(steps[0]) as usize * channels;
        Self {
            channels,
            steps: steps.map(|steps| steps as usize),
            left: rows.source as usize,
            sums: vec![0; samples.next_multiple_of(GROUP)],
            samples,
            count: 0,
            means: vec![0; means.next_multiple_of(GROUP)],
        }
    }

    /// Adds a row. Returns whether it is the last one of a mean.
    #[inline(always)]
    pub(super) fn take<S: Simd, T: Sample>(&mut self, simd: S, row: &[T]) -> bool {
        match self.count {
            0 => each(
                simd,
                &mut self.sums,
                row,
                #[inline(always)]
                |_, sample| sample,
            ),
            _ => each(
                simd,
                &mut self.sums,
                row,
                #[inline(always)]
                |sum, sample| sum + sample,
            ),
        }
        self.count += 1;
        self.left = self.left.saturating_sub(1);
        self.count == self.steps[1] || self.left == 0
    }

    /// Returns the means of the rows that were added, with padding, and starts anew. What is left of rows and columns at the
    /// edges is a mean of fewer.
    #[inline(always)]
    pub(super) fn finish<S: Simd>(&mut self, simd: S) -> &[i16] {
        match self.channels {
            _ if self.steps[0] == 1 => self.divide_each(simd),
            1 => self.divide::<1>(),
            2 => self.divide::<2>(),
            3 => self.divide::<3>(),
            _ => self.divide::<4>(),
        }
        self.count = 0;
        &self.means
    }

    #[inline(always)]
    fn divide_each<S: Simd>(&mut self, simd: S) {
        let share = 1.0 / self.count as f32;
        let halves = self.sums.as_chunks::<16>().0.as_chunks::<2>().0;
        for ([low, high], means) in halves.iter().zip(self.means.as_chunks_mut::<32>().0) {
            let (low, high) = (divide_16(simd, low, share), divide_16(simd, high, share));
            low.saturating_narrow(high).store_array(means);
        }
    }

    #[inline(always)]
    fn divide<const N: usize>(&mut self) {
        let columns = self.steps[0];
        let (sums, means) = (
            self.sums[..self.samples].as_chunks::<N>().0,
            self.means.as_chunks_mut::<N>().0,
        );
        for (group, mean) in sums.chunks(columns).zip(means) {
            let share = 1.0 / (group.len() * self.count) as f32;
            let mut total = [0_u32; N];
            for pixel in group {
                for (total, sum) in total.iter_mut().zip(pixel) {
                    *total += sum;
                }
            }
            *mean = total.map(|total| divide(total, share));
        }
    }
}

#[inline(always)]
fn divide_16<S: Simd>(simd: S, sums: &[u32; 16], share: f32) -> i32x16<S> {
    let sums = u32x16::load_array_ref(simd, sums).bitcast::<i32x16<S>>();
    i32x16::truncate_from(f32x16::float_from(sums) * share + 0.5)
}

/// Multiplies a sum with a share of one. Signed numbers are converted in fewer steps; neither comes near their limits.
#[inline(always)]
fn divide(sum: u32, share: f32) -> i16 {
    (sum.cast_signed() as f32 * share + 0.5) as i32 as i16
}
