//! Weighs the columns of a row and adds them.

use fearless_simd::{Simd, i16x8, i32x4, prelude::*};

use super::windows::{WEIGHT_BITS, Windows};

/// How many samples are multiplied at once, and how many sums are made side by side.
const TAPS: usize = 8;
const SUMS: usize = 4;
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

/// The weights of each column of a result, all the same number of them.
pub(super) struct Across {
    target: usize,
    taps: usize,
    starts: Vec<usize>,
    weights: Vec<i16>,
}

impl Across {
    /// Weighs rows that begin with column `first`.
    pub(super) fn new(windows: &Windows, first: usize) -> Self {
        let most = windows.iter().map(|(_, weights)| weights.len()).max();
        let taps = most.unwrap_or(1).next_multiple_of(TAPS);
        let made = windows.len().next_multiple_of(SUMS);
        let mut starts = vec![0; made];
        let mut all = vec![0; made * taps];
        let places = starts.iter_mut().zip(all.chunks_exact_mut(taps));
        for ((start, weights), (own_start, own)) in places.zip(windows.iter()) {
            *start = own_start - first;
            weights[..own.len()].copy_from_slice(own);
        }
        Self {
            target: windows.len(),
            taps,
            starts,
            weights: all,
        }
    }

    /// How many samples behind the last one are looked at, with a weight of nothing.
    pub(super) const fn taps(&self) -> usize {
        self.taps
    }

    pub(super) const fn target(&self) -> usize {
        self.target
    }

    /// How many samples are made, with padding.
    pub(super) const fn made(&self) -> usize {
        self.starts.len()
    }

    /// Makes a row, and writes it to every `step`th place from `offset` on.
    #[inline(always)]
    pub(super) fn add<S: Simd>(
        &self,
        simd: S,
        row: &[i16],
        (to, step, offset): (&mut [i16], usize, usize),
    ) {
        let weights = self.weights.chunks_exact(SUMS * self.taps);
        let groups = self.starts.as_chunks::<SUMS>().0.iter().zip(weights);
        for ((starts, weights), to) in groups.zip(to.chunks_exact_mut(SUMS * step)) {
            let mut sums = [i32x4::splat(simd, 0); SUMS];
            let weights = weights.chunks_exact(self.taps);
            for ((sum, &start), weights) in sums.iter_mut().zip(starts).zip(weights) {
                let samples = row.get(start..start + self.taps).unwrap_or_default();
                let samples = samples.as_chunks::<TAPS>().0;
                for (samples, weights) in samples.iter().zip(weights.as_chunks::<TAPS>().0) {
                    let weights = i16x8::load_array_ref(simd, weights);
                    *sum += i16x8::load_array_ref(simd, samples).pairwise_dot_product(weights);
                }
            }
            let sums: [i32; SUMS] = ((total(sums) + HALF) >> WEIGHT_BITS).into();
            for (to, sum) in to.iter_mut().skip(offset).step_by(step).zip(sums) {
                *to = sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            }
        }
    }
}

/// Adds the four numbers of each vector.
#[inline(always)]
fn total<S: Simd>([a, b, c, d]: [i32x4<S>; SUMS]) -> i32x4<S> {
    let ac = a.zip_low(c) + a.zip_high(c);
    let bd = b.zip_low(d) + b.zip_high(d);
    ac.zip_low(bd) + ac.zip_high(bd)
}
