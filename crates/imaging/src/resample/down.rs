//! Weighs rows and adds them to one.
//!
//! Rows are kept in pairs, with the samples of both side by side, because there is an instruction that multiplies such pairs with two
//! weights and adds the products (`pmaddwd`).

use fearless_simd::{Simd, i16x32, i32x16, prelude::*};

use super::windows::{WEIGHT_BITS, Windows};
use super::{GROUP, Sample, each};

const HALF: i32 = 1 << (WEIGHT_BITS - 1);

/// Which pairs of rows become a row.
#[derive(Clone)]
struct Span {
    first: usize,
    /// The last row, of all.
    last_row: usize,
    /// Where its weights begin and end.
    weights: std::ops::Range<usize>,
}

/// Keeps as many rows as the filter reaches.
#[derive(Clone)]
pub(super) struct Down {
    spans: Vec<Span>,
    /// Those of both rows of a pair, the first in the lower half.
    weights: Vec<u32>,
    /// Pairs of rows, with padding to whole groups.
    ring: Vec<u32>,
    stride: usize,
    /// The row that comes next, and the row of the result that is made next.
    row: usize,
    next: usize,
}

impl Down {
    /// Keeps rows of so many samples.
    pub(super) fn new(windows: &Windows, samples: usize) -> Self {
        let mut spans = Vec::with_capacity(windows.len());
        let mut weights = Vec::new();
        for (first, own) in windows.iter() {
            let start = weights.len();
            let lead = first % 2;
            let at = |row: usize| row.checked_sub(lead).and_then(|at| own.get(at)).copied();
            let pairs = (0..own.len() + lead).step_by(2);
            weights.extend(pairs.map(|row| pair(at(row).unwrap_or(0), at(row + 1).unwrap_or(0))));
            spans.push(Span {
                first: first / 2,
                last_row: first + own.len() - 1,
                weights: start..weights.len(),
            });
        }
        // A window whose last weights are nothing may end before the one above it; so there is room for one more.
        let most = spans.iter().map(|span: &Span| span.weights.len()).max();
        let stride = samples.next_multiple_of(GROUP);
        Self {
            spans,
            weights,
            ring: vec![0; (most.unwrap_or(0) + 1) * stride],
            stride,
            row: 0,
            next: 0,
        }
    }

    /// How many samples there are in a row, with padding.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }

    /// Takes the next row.
    #[inline(always)]
    pub(super) fn take<S: Simd, T: Sample>(&mut self, simd: S, row: &[T]) {
        let at = self.row / 2 * self.stride % self.ring.len().max(1);
        let is_first = self.row.is_multiple_of(2);
        self.row += 1;
        let Some(pairs) = self.ring.get_mut(at..at + self.stride) else {
            return;
        };
        match is_first {
            true => each(
                simd,
                pairs,
                row,
                #[inline(always)]
                |_, sample| sample,
            ),
            false => each(
                simd,
                pairs,
                row,
                #[inline(always)]
                |pair, sample| pair | (sample << 16),
            ),
        }
    }

    /// Whether all rows have come that the next one is made of.
    pub(super) fn is_ready(&self) -> bool {
        let next = self.spans.get(self.next);
        next.is_some_and(|span| span.last_row < self.row)
    }

    /// Makes the next row, with padding.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, simd: S, to: &mut [i16]) {
        let Some(span) = self.spans.get(self.next) else {
            return;
        };
        self.next += 1;
        let weights = &self.weights[span.weights.clone()];
        let pairs = (self.ring.len() / self.stride.max(1)).max(1);
        // The window may begin near the end of the ring and go on at its start.
        let first = span.first % pairs;
        let (start, end) = self.ring.split_at(first * self.stride);
        let rows = end
            .chunks_exact(self.stride)
            .chain(start.chunks_exact(self.stride));
        let to = to.as_chunks_mut::<GROUP>().0;
        for (at, to) in to.iter_mut().enumerate().take(self.stride / GROUP) {
            let at = at * GROUP;
            let mut sums = [i32x16::splat(simd, HALF); 4];
            for (row, &weight) in rows.clone().zip(weights) {
                let weight: [u32; 16] = [weight; 16];
                let weight = i16x32::from_slice(simd, bytemuck::cast_slice(&weight));
                let row: &[i16] = bytemuck::cast_slice(&row[at..at + GROUP]);
                for (sum, pairs) in sums.iter_mut().zip(row.as_chunks::<32>().0) {
                    *sum += i16x32::load_array_ref(simd, pairs).pairwise_dot_product(weight);
                }
            }
            for sum in &mut sums {
                *sum >>= WEIGHT_BITS;
            }
            let [a, b, c, d] = sums;
            let (low, high) = to.split_at_mut(GROUP / 2);
            a.saturating_narrow(b).store_slice(low);
            c.saturating_narrow(d).store_slice(high);
        }
    }
}

/// Puts two weights side by side.
const fn pair(first: i16, second: i16) -> u32 {
    first.cast_unsigned() as u32 | (second.cast_unsigned() as u32) << 16
}
