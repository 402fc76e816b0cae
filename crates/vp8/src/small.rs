//! How a block of 4x4 samples is predicted (section 12.3).
//!
//! Which of the ten ways it is can hardly be foreseen, and a wrong guess of the processor takes longer than the prediction. So nine of
//! them are one: samples are picked from all means that there may be.

use fearless_simd::{Simd, prelude::*, u8x16};

use crate::modes::Small;

/// What a block is predicted from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    /// The row above, and above to the right.
    pub(crate) above: [u8; 8],
    /// The sample above and to the left.
    pub(crate) corner: u8,
    pub(crate) left: [u8; 4],
}

/// Which mean each sample is, for all modes but [`Small::Both`]. Those before [`H`] are of three samples.
const PICKED: [[[u8; 4]; 4]; 10] = [
    // Mean.
    [[MEAN; 4]; 4],
    // Both: not picked.
    [[0; 4]; 4],
    // Above.
    [[5, 6, 7, 8]; 4],
    // Left.
    [[3; 4], [2; 4], [1; 4], [0; 4]],
    // LeftDown.
    [[6, 7, 8, 9], [7, 8, 9, 10], [8, 9, 10, 11], [9, 10, 11, 12]],
    // RightDown.
    [[4, 5, 6, 7], [3, 4, 5, 6], [2, 3, 4, 5], [1, 2, 3, 4]],
    // VerticalRight.
    [
        [H + 5, H + 6, H + 7, H + 8],
        [4, 5, 6, 7],
        [3, H + 5, H + 6, H + 7],
        [2, 4, 5, 6],
    ],
    // VerticalLeft.
    [
        [H + 6, H + 7, H + 8, H + 9],
        [6, 7, 8, 9],
        [H + 7, H + 8, H + 9, 10],
        [7, 8, 9, 11],
    ],
    // HorizontalDown.
    [
        [H + 4, 4, 5, 6],
        [H + 3, 3, H + 4, 4],
        [H + 2, 2, H + 3, 3],
        [H + 1, 1, H + 2, 2],
    ],
    // HorizontalUp.
    [
        [H + 3, 2, H + 2, 1],
        [H + 2, 1, H + 1, 0],
        [H + 1, 0, H, H],
        [H; 4],
    ],
];
/// From here on, means are of two samples.
const H: u8 = 16;
/// The mean of what is above and to the left.
const MEAN: u8 = 31;

/// Predicts a block: four rows of four samples.
#[inline(always)]
pub(crate) fn predict<S: Simd>(simd: S, edge: &Edge, mode: Small) -> u8x16<S> {
    if mode == Small::Both {
        return add_steps(simd, edge);
    }
    let [thirds, halves] = means(simd, edge);
    let picked = u8x16::from_slice(simd, PICKED[mode as usize].as_flattened());
    thirds.concat_swizzle_dyn(halves, picked)
}

/// Adds the steps of the column to the left to the row above.
#[inline(always)]
fn add_steps<S: Simd>(simd: S, edge: &Edge) -> u8x16<S> {
    let (above, left, corner) = (edge.above, edge.left, edge.corner);
    u8x16::from_fn(simd, |at| {
        let (above, left) = (above[at % 4], left[at / 4]);
        // One of the differences is 0.
        let brighter = above.saturating_add(left.saturating_sub(corner));
        brighter.saturating_sub(corner.saturating_sub(left))
    })
}

/// Returns the means of three neighbours, the one in the middle counted twice, and the means of two. Neighbours are a line:
/// the last sample to the left twice, up to the corner at 5, and to the right until the last sample twice.
#[inline(always)]
fn means<S: Simd>(simd: S, edge: &Edge) -> [u8x16<S>; 2] {
    let left = u128::from(u32::from_be_bytes(edge.left)) << 8 | u128::from(edge.left[3]);
    let above = u128::from(u64::from_le_bytes(edge.above));
    let end = u128::from(edge.above[7]) << 112;
    let line = left | u128::from(edge.corner) << 40 | above << 48 | end;
    let first = u8x16::simd_from(simd, line.to_le_bytes());
    let nothing = u8x16::splat(simd, 0);
    let (second, third) = (first.slide::<1>(nothing), first.slide::<2>(nothing));
    // Rounded down, so that the whole is rounded once.
    let outer = (first & third) + ((first ^ third) >> 1);
    let mean = u128::from(mean_of_all(edge)) << 120;
    let mean = u8x16::simd_from(simd, mean.to_le_bytes());
    [
        mean_of_two(outer, second),
        mean_of_two(first, second) | mean,
    ]
}

/// Returns the mean of the four samples above and the four to the left.
#[inline(always)]
fn mean_of_all(edge: &Edge) -> u8 {
    let [a, b, c, d, ..] = edge.above;
    let sum: u16 = [a, b, c, d]
        .into_iter()
        .chain(edge.left)
        .map(u16::from)
        .sum();
    ((sum + 4) >> 3) as u8
}

/// Returns the means, rounded up.
#[inline(always)]
fn mean_of_two<S: Simd>(a: u8x16<S>, b: u8x16<S>) -> u8x16<S> {
    (a | b) - ((a ^ b) >> 1)
}
