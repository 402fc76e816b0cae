//! Inverse transforms (sections 14.3 and 14.4).

use fearless_simd::Simd;

use crate::residue::Extent;
use crate::tokens::Block;
use crate::work::{Rows, get, put};

/// Turns the block of first coefficients into those of the 16 blocks of light.
#[inline(always)]
pub(crate) fn means(block: &Block) -> Block {
    let columns = walsh([0, 4, 8, 12].map(|row| [0, 1, 2, 3].map(|at| i32::from(block[row + at]))));
    let rows = walsh([0, 1, 2, 3].map(|at| columns.map(|row| row[at])));
    let mut means = [0; 16];
    for (at, mean) in means.iter_mut().enumerate() {
        *mean = ((rows[at % 4][at / 4] + 3) >> 3) as i16;
    }
    means
}

/// Four transforms of four numbers side by side.
#[inline(always)]
fn walsh(v: [[i32; 4]; 4]) -> [[i32; 4]; 4] {
    let mut result = [[0; 4]; 4];
    for lane in 0..4 {
        let [v0, v1, v2, v3] = v.map(|v| v[lane]);
        let (a, b, c, d) = (v0 + v3, v1 + v2, v1 - v2, v0 - v3);
        result[0][lane] = a + b;
        result[1][lane] = c + d;
        result[2][lane] = a - b;
        result[3][lane] = d - c;
    }
    result
}

/// Transforms a block to differences, row by row.
#[inline(always)]
pub(crate) fn differences(block: &Block) -> [[i32; 4]; 4] {
    let rows = cosine([0, 4, 8, 12].map(|row| [0, 1, 2, 3].map(|at| i32::from(block[row + at]))));
    let columns = cosine([0, 1, 2, 3].map(|at| rows.map(|row| row[at])));
    [0, 1, 2, 3].map(|at| columns.map(|column| (column[at] + 4) >> 3))
}

/// Four transforms of four numbers side by side.
#[inline(always)]
fn cosine(v: [[i32; 4]; 4]) -> [[i32; 4]; 4] {
    // The square root of 2 times the sine and the cosine of an eighth of pi, the latter less one.
    let sine = |value: i32| value.wrapping_mul(35_468) >> 16;
    let cosine = |value: i32| value + (value.wrapping_mul(20_091) >> 16);
    let mut result = [[0; 4]; 4];
    for lane in 0..4 {
        let [v0, v1, v2, v3] = v.map(|v| v[lane]);
        let (a, b) = (v0 + v2, v0 - v2);
        let (c, d) = (sine(v1) - cosine(v3), cosine(v1) + sine(v3));
        result[0][lane] = a + d;
        result[1][lane] = b + c;
        result[2][lane] = b - c;
        result[3][lane] = a - d;
    }
    result
}

/// Adds the differences of a block to the samples at that column and row.
#[inline(always)]
pub(crate) fn add_differences<S: Simd, const N: usize>(
    _: S,
    rows: &mut Rows<N>,
    (column, row): (usize, usize),
    (block, extent): (&Block, Extent),
) {
    let differences = match extent {
        Extent::None => return,
        Extent::Mean => [[(i32::from(block[0]) + 4) >> 3; 4]; 4],
        Extent::Any => differences(block),
    };
    for (row, differences) in rows[row..].iter_mut().zip(differences) {
        let mut samples: [u8; 4] = get(row, column);
        for (sample, difference) in samples.iter_mut().zip(differences) {
            *sample = (i32::from(*sample) + difference).clamp(0, 255) as u8;
        }
        put(row, column, samples);
    }
}
