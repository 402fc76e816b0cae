//! Inverse transforms (sections 14.3 and 14.4).

use fearless_simd::{Simd, i16x8, i32x4, i64x2, prelude::*, u8x16, u16x8, u64x2};

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

/// Adds the differences of two blocks side by side to the samples from that column and row on.
#[inline(always)]
pub(crate) fn add_pair<S: Simd, const N: usize>(
    simd: S,
    rows: &mut Rows<N>,
    (column, row): (usize, usize),
    pair: [(&Block, Extent); 2],
) {
    let Some(differences) = differences(simd, pair) else {
        return;
    };
    // Two rows at once: there are instructions that narrow a vector, and a `map` of its numbers may become one extraction for each.
    let pairs = rows[row..].as_chunks_mut::<2>().0.iter_mut();
    for ([upper, lower], differences) in pairs.zip(differences.as_chunks().0) {
        let [first, second] = [get(upper, column), get(lower, column)].map(u64::from_le_bytes);
        let samples = u64x2::from_slice(simd, &[first, second]).bitcast();
        let [first, second]: [u64; 2] = add(samples, *differences).bitcast::<u64x2<S>>().into();
        put(upper, column, first.to_le_bytes());
        put(lower, column, second.to_le_bytes());
    }
}

/// Adds differences to the samples of a block. Both are two rows of four side by side.
#[inline(always)]
pub(crate) fn add<S: Simd>(samples: u8x16<S>, [upper, lower]: [i16x8<S>; 2]) -> u8x16<S> {
    let sum = |samples: u16x8<S>, differences: i16x8<S>| {
        let sum = samples.bitcast::<i16x8<S>>() + differences;
        sum.max(0).min(255).bitcast::<u16x8<S>>()
    };
    let (first, second) = samples.widen();
    sum(first, upper).relaxed_narrow(sum(second, lower))
}

/// Returns the differences of two blocks, each as two rows side by side.
#[inline(always)]
pub(crate) fn split_differences<S: Simd>(
    simd: S,
    pair: [(&Block, Extent); 2],
) -> [[i16x8<S>; 2]; 2] {
    let rows = differences(simd, pair).unwrap_or([i16x8::splat(simd, 0); 4]);
    let [a, b, c, d] = rows.map(|row| row.bitcast::<i64x2<S>>());
    [
        [a.zip_low(b), c.zip_low(d)].map(|rows| rows.bitcast()),
        [a.zip_high(b), c.zip_high(d)].map(|rows| rows.bitcast()),
    ]
}

/// Returns the rows of differences of two blocks side by side, if there are any.
#[inline(always)]
fn differences<S: Simd>(
    simd: S,
    [(first, first_extent), (second, second_extent)]: [(&Block, Extent); 2],
) -> Option<[i16x8<S>; 4]> {
    match first_extent.max(second_extent) {
        Extent::None => None,
        Extent::Mean => {
            let [a, b] = [first, second].map(|block| block[0].wrapping_add(4) >> 3);
            Some([i16x8::simd_from(simd, [a, a, a, a, b, b, b, b]); 4])
        }
        Extent::Any => Some(transform(simd, first, second)),
    }
}

/// Transforms two blocks to rows of differences, side by side.
#[inline(always)]
fn transform<S: Simd>(simd: S, first: &Block, second: &Block) -> [i16x8<S>; 4] {
    let halves = |block: &Block| {
        let [upper, lower] = [0, 8].map(|at| i16x8::from_slice(simd, &block[at..at + 8]));
        [upper, lower].map(|rows| rows.bitcast::<i64x2<S>>())
    };
    let ([a, c], [b, d]) = (halves(first), halves(second));
    let rows = [a.zip_low(b), a.zip_high(b), c.zip_low(d), c.zip_high(d)].map(|row| row.bitcast());
    let mut columns = turn(cosine(simd, rows));
    columns[0] += 4;
    turn(cosine(simd, columns).map(|column| column >> 3))
}

/// Eight transforms of four numbers side by side. What 16 bits do not hold was never written by an encoder.
#[inline(always)]
fn cosine<S: Simd>(simd: S, v: [i16x8<S>; 4]) -> [i16x8<S>; 4] {
    // The square root of 2 times the sine and the cosine of an eighth of pi, each less one: 35468 and 85627 65536ths.
    let sine = |value: i16x8<S>| value + high(simd, value, 35_468 - 65_536);
    let cosine = |value: i16x8<S>| value + high(simd, value, 20_091);
    let (a, b) = (v[0] + v[2], v[0] - v[2]);
    let (c, d) = (sine(v[1]) - cosine(v[3]), cosine(v[1]) + sine(v[3]));
    [a + d, b + c, b - c, a - d]
}

/// Returns the upper 16 bits of products. The compiler knows an instruction for that.
#[inline(always)]
fn high<S: Simd>(simd: S, v: i16x8<S>, factor: i32) -> i16x8<S> {
    let v: [i16; 8] = v.into();
    i16x8::simd_from(
        simd,
        v.map(|value| ((i32::from(value) * factor) >> 16) as i16),
    )
}

/// Makes columns of the rows of two blocks side by side, or rows of columns.
#[inline(always)]
fn turn<S: Simd>(rows: [i16x8<S>; 4]) -> [i16x8<S>; 4] {
    let [a, b, c, d] = rows;
    let wide = |v: i16x8<S>| v.bitcast::<i32x4<S>>();
    let (first, second) = (wide(a.zip_low(b)), wide(a.zip_high(b)));
    let (third, fourth) = (wide(c.zip_low(d)), wide(c.zip_high(d)));
    let widest = |v: i32x4<S>| v.bitcast::<i64x2<S>>();
    // Columns of the first block, two by two, and of the second.
    let [a, b] = [first.zip_low(third), first.zip_high(third)].map(widest);
    let [c, d] = [second.zip_low(fourth), second.zip_high(fourth)].map(widest);
    [a.zip_low(c), a.zip_high(c), b.zip_low(d), b.zip_high(d)].map(|v| v.bitcast())
}
