//! Weighs the columns of a row and adds them.

use fearless_simd::{Simd, i16x8, i32x4, prelude::*};

use super::windows::{WEIGHT_BITS, Windows};

/// How many samples are multiplied at once, and how many sums are made side by side.
const TAPS: usize = 8;
const SUMS: usize = 4;
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

/// The weights of each column of a result, all the same number of them.
#[derive(Clone)]
pub(super) struct Across {
    target: usize,
    taps: usize,
    starts: Vec<u32>,
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
            *start = (own_start - first) as u32;
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

    /// Makes one channel of a row of pixels with `N` channels.
    #[inline(always)]
    pub(super) fn add<S: Simd, const N: usize>(
        &self,
        simd: S,
        (row, channel): (&[i16], usize),
        to: &mut [i16],
    ) {
        let to = (to.as_chunks_mut::<N>().0, channel);
        // Most windows are short, and a known length saves a loop for each.
        match self.taps {
            8 => self.add_known::<S, N, 8>(simd, row, to),
            16 => self.add_known::<S, N, 16>(simd, row, to),
            24 => self.add_known::<S, N, 24>(simd, row, to),
            _ => self.add_any(simd, row, to),
        }
    }

    /// Adds windows of `LENGTH` samples.
    #[inline(always)]
    fn add_known<S: Simd, const N: usize, const LENGTH: usize>(
        &self,
        simd: S,
        row: &[i16],
        (to, channel): (&mut [[i16; N]], usize),
    ) {
        let weights = self.weights.as_chunks::<LENGTH>().0.as_chunks::<SUMS>().0;
        let groups = self.starts.as_chunks::<SUMS>().0.iter().zip(weights);
        for ((starts, weights), to) in groups.zip(to.as_chunks_mut::<SUMS>().0) {
            let mut sums = [i32x4::splat(simd, 0); SUMS];
            for at in 0..SUMS {
                let start = starts[at] as usize;
                if let Some(samples) = row.get(start..start + LENGTH) {
                    sums[at] = products(simd, samples, &weights[at]);
                }
            }
            store(simd, sums, (to, channel));
        }
    }

    /// Adds windows of any length.
    #[inline(always)]
    fn add_any<S: Simd, const N: usize>(
        &self,
        simd: S,
        row: &[i16],
        (to, channel): (&mut [[i16; N]], usize),
    ) {
        let weights = self.weights.chunks_exact(SUMS * self.taps);
        let groups = self.starts.as_chunks::<SUMS>().0.iter().zip(weights);
        for ((starts, weights), to) in groups.zip(to.as_chunks_mut::<SUMS>().0) {
            let mut sums = [i32x4::splat(simd, 0); SUMS];
            let windows = starts.iter().zip(weights.chunks_exact(self.taps));
            for (sum, (&start, weights)) in sums.iter_mut().zip(windows) {
                let start = start as usize;
                if let Some(samples) = row.get(start..start + self.taps) {
                    *sum = products(simd, samples, weights);
                }
            }
            store(simd, sums, (to, channel));
        }
    }
}

/// Multiplies samples with their weights; the four numbers are still to be added.
#[inline(always)]
fn products<S: Simd>(simd: S, samples: &[i16], weights: &[i16]) -> i32x4<S> {
    let mut sum = i32x4::splat(simd, 0);
    let groups = samples.as_chunks::<TAPS>().0.iter();
    for (samples, weights) in groups.zip(weights.as_chunks::<TAPS>().0) {
        let weights = i16x8::load_array_ref(simd, weights);
        sum += i16x8::load_array_ref(simd, samples).pairwise_dot_product(weights);
    }
    sum
}

/// Writes four sums, rounded, as one channel of four pixels.
#[inline(always)]
fn store<S: Simd, const N: usize>(
    simd: S,
    sums: [i32x4<S>; SUMS],
    (to, channel): (&mut [[i16; N]; SUMS], usize),
) {
    let sums = (total(sums) + i32x4::splat(simd, HALF)) >> WEIGHT_BITS;
    let sums: [i16; 2 * SUMS] = sums.saturating_narrow(sums).into();
    for at in 0..SUMS {
        to[at][channel % N] = sums[at];
    }
}

/// Adds the four numbers of each vector.
#[inline(always)]
fn total<S: Simd>([a, b, c, d]: [i32x4<S>; SUMS]) -> i32x4<S> {
    let ac = a.zip_low(c) + a.zip_high(c);
    let bd = b.zip_low(d) + b.zip_high(d);
    ac.zip_low(bd) + ac.zip_high(bd)
}
