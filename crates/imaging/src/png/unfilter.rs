//! Undoes the filters of PNG (section 9 of the specification): each byte is stored as its difference to a prediction from
//! its neighbours to the left and above.
//!
//! Paeth's filter is what most photos are stored with, and most of the work of decoding them that is not inflating. Each pixel
//! needs the one to its left first; so its channels are worked on side by side, with as few steps as can be one behind the other.

use fearless_simd::{Level, Simd, dispatch, i16x8, prelude::*};

/// Undoes the filters of rows of pixels with `N` bytes.
pub(super) struct Unfilter<const N: usize> {
    level: Level,
    above: Vec<u8>,
    row: Vec<u8>,
}

impl<const N: usize> Unfilter<N> {
    /// Expects rows of so many pixels.
    pub(super) fn new(pixels: usize) -> Self {
        Self {
            level: Level::new(),
            above: vec![0; pixels * N],
            row: vec![0; pixels * N],
        }
    }

    /// Returns the next row, or `None` if there is no such filter.
    pub(super) fn next(&mut self, filter: u8, filtered: &[u8]) -> Option<&[u8]> {
        std::mem::swap(&mut self.row, &mut self.above);
        let level = self.level;
        let rows = (&*self.above, &mut *self.row);
        match filter {
            0 => self.row.copy_from_slice(filtered),
            1 => from_left::<N>(filtered, rows, |left, _| left),
            2 => from_above(filtered, rows),
            3 => from_left::<N>(filtered, rows, |left, above| {
                u16::midpoint(left.into(), above.into()) as u8
            }),
            4 => dispatch!(level, simd => paeth::<_, N>(simd, filtered, rows)),
            _ => return None,
        }
        Some(&self.row)
    }
}

fn from_above(filtered: &[u8], (above, row): (&[u8], &mut [u8])) {
    for ((to, &difference), &above) in row.iter_mut().zip(filtered).zip(above) {
        *to = difference.wrapping_add(above);
    }
}

#[inline(always)]
fn from_left<const N: usize>(
    filtered: &[u8],
    (above, row): (&[u8], &mut [u8]),
    predict: impl Fn(u8, u8) -> u8,
) {
    let mut left = [0; N];
    let pixels = filtered
        .as_chunks::<N>()
        .0
        .iter()
        .zip(above.as_chunks::<N>().0);
    for (to, (filtered, above)) in row.as_chunks_mut::<N>().0.iter_mut().zip(pixels) {
        for at in 0..N {
            left[at] = filtered[at].wrapping_add(predict(left[at], above[at]));
        }
        *to = left;
    }
}

/// The predictor as `stb_image` has it: of left and above, the lower and the higher one are compared with a threshold that
/// is known but for the left one.
#[inline(always)]
fn paeth<S: Simd, const N: usize>(simd: S, filtered: &[u8], (above, row): (&[u8], &mut [u8])) {
    let mut left = i16x8::splat(simd, 0);
    let mut corner = left;
    let pixels = filtered
        .as_chunks::<N>()
        .0
        .iter()
        .zip(above.as_chunks::<N>().0);
    for (to, (filtered, above)) in row.as_chunks_mut::<N>().0.iter_mut().zip(pixels) {
        let (filtered, above) = (widen(simd, filtered), widen(simd, above));
        let threshold = (corner + corner + corner - above) - left;
        let (low, high) = (left.min(above), left.max(above));
        let predicted = high.simd_le(threshold).select(low, corner);
        let predicted = threshold.simd_le(low).select(high, predicted);
        left = (filtered + predicted) & 0xFF;
        corner = above;
        for at in 0..N {
            to[at] = left[at] as u8;
        }
    }
}

/// Returns the bytes of a pixel as the first of eight numbers.
#[inline(always)]
fn widen<S: Simd, const N: usize>(simd: S, pixel: &[u8; N]) -> i16x8<S> {
    let mut numbers = [0; 8];
    for at in 0..N {
        numbers[at] = i16::from(pixel[at]);
    }
    i16x8::simd_from(simd, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The predictor as the specification has it.
    fn predict(filter: u8, left: u8, above: u8, corner: u8) -> u8 {
        let [left, above, corner] = [left, above, corner].map(i32::from);
        let paeth = left + above - corner;
        let distances = [left, above, corner].map(|neighbour| (paeth - neighbour).abs());
        let nearest = match distances {
            [a, b, c] if a <= b && a <= c => left,
            [_, b, c] if b <= c => above,
            _ => corner,
        };
        [0, left, above, (left + above) / 2, nearest][usize::from(filter)] as u8
    }

    fn check<const N: usize>(random: &mut fastrand::Rng) {
        let pixels = random.usize(1..40);
        let mut unfilter = Unfilter::<N>::new(pixels);
        let mut above = vec![0_u8; pixels * N];
        for _ in 0..50 {
            let filter = random.u8(..5);
            let filtered: Vec<u8> = (0..pixels * N).map(|_| random.u8(..)).collect();
            let mut row = vec![0_u8; pixels * N];
            for at in 0..row.len() {
                let before = |row: &[u8]| at.checked_sub(N).map_or(0, |at| row[at]);
                let predicted = predict(filter, before(&row), above[at], before(&above));
                row[at] = filtered[at].wrapping_add(predicted);
            }
            assert_eq!(
                unfilter.next(filter, &filtered),
                Some(row.as_slice()),
                "{filter}"
            );
            above = row;
        }
    }

    #[test]
    fn all_filters_are_those_of_the_specification() {
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..50 {
            check::<1>(&mut random);
            check::<2>(&mut random);
            check::<3>(&mut random);
            check::<4>(&mut random);
        }
    }

    #[test]
    fn there_is_no_fifth_filter() {
        assert_eq!(Unfilter::<3>::new(1).next(5, &[0; 3]), None);
    }
}
