//! Inverse cosine transforms: coefficients of a block to 8x8, 4x4, 2x2 or one samples.
//!
//! The whole one is that of libjpeg's `jidctint.c` (Loeffler, Ligtenberg and Moschytz), rows first. The smaller ones take the
//! lowest coefficients only, which is what is left of a picture when fine detail is taken out before samples are: as
//! the scaled transforms of libjpeg 7 and later, while libjpeg-turbo averages neighbours.

use fearless_simd::{Simd, i32x4, i32x8, prelude::*};

use crate::block::Block;

const CONST_BITS: u32 = 13;
const PASS1_BITS: u32 = 2;

const fn fix(value: f64) -> i32 {
    (value * (1 << CONST_BITS) as f64 + 0.5) as i32
}

#[inline(always)]
fn sample(value: i32) -> u8 {
    (value + 128).clamp(0, 255) as u8
}

/// Eight transforms of eight numbers side by side, without the shift at the end.
#[inline(always)]
fn eight<S: Simd>(v: [i32x8<S>; 8], rounding: i32) -> [i32x8<S>; 8] {
    // The even part.
    let z1 = (v[2] + v[6]) * fix(0.541_196_100);
    let t2 = z1 - v[6] * fix(1.847_759_065);
    let t3 = z1 + v[2] * fix(0.765_366_865);
    let t0 = ((v[0] + v[4]) << CONST_BITS) + rounding;
    let t1 = ((v[0] - v[4]) << CONST_BITS) + rounding;
    let (e0, e3, e1, e2) = (t0 + t3, t0 - t3, t1 + t2, t1 - t2);
    // The odd part.
    let z5 = (v[7] + v[3] + v[5] + v[1]) * fix(1.175_875_602);
    let z1 = (v[7] + v[1]) * -fix(0.899_976_223);
    let z2 = (v[5] + v[3]) * -fix(2.562_915_447);
    let z3 = (v[7] + v[3]) * -fix(1.961_570_560) + z5;
    let z4 = (v[5] + v[1]) * -fix(0.390_180_644) + z5;
    let o0 = v[7] * fix(0.298_631_336) + z1 + z3;
    let o1 = v[5] * fix(2.053_119_869) + z2 + z4;
    let o2 = v[3] * fix(3.072_711_026) + z2 + z3;
    let o3 = v[1] * fix(1.501_321_110) + z1 + z4;
    [
        e0 + o3,
        e1 + o2,
        e2 + o1,
        e3 + o0,
        e3 - o0,
        e2 - o1,
        e1 - o2,
        e0 - o3,
    ]
}

// Closures, and so `map`, would not become part of functions that use the instructions of this processor.
#[inline(always)]
fn shifted<V: std::ops::ShrAssign<u32>, const N: usize>(mut vectors: [V; N], shift: u32) -> [V; N] {
    for vector in &mut vectors {
        *vector >>= shift;
    }
    vectors
}

#[inline(always)]
fn transpose<S: Simd>(v: [i32x8<S>; 8]) -> [i32x8<S>; 8] {
    // Three perfect shuffles of pairs.
    #[inline(always)]
    fn shuffle<S: Simd>(v: [i32x8<S>; 8]) -> [i32x8<S>; 8] {
        [
            v[0].zip_low(v[4]),
            v[0].zip_high(v[4]),
            v[1].zip_low(v[5]),
            v[1].zip_high(v[5]),
            v[2].zip_low(v[6]),
            v[2].zip_high(v[6]),
            v[3].zip_low(v[7]),
            v[3].zip_high(v[7]),
        ]
    }
    shuffle(shuffle(shuffle(v)))
}

/// Transforms a block to 8x8 samples, row by row.
#[inline(always)]
pub(crate) fn to_eight<S: Simd>(simd: S, block: &Block, steps: &[i32; 64]) -> [[u8; 8]; 8] {
    let (block, steps) = (block.as_chunks::<8>().0, steps.as_chunks::<8>().0);
    let columns: [i32x8<S>; 8] = std::array::from_fn(|at| {
        let coefficients = i32x8::simd_from(simd, block[at].map(i32::from));
        coefficients * i32x8::simd_from(simd, steps[at])
    });
    let half = 1 << (CONST_BITS - PASS1_BITS - 1);
    let rows = shifted(eight(columns, half), CONST_BITS - PASS1_BITS);
    let shift = CONST_BITS + PASS1_BITS + 3;
    // 128 is what 0 stands for.
    let rounding = (1 << (shift - 1)) + (128 << shift);
    let samples = shifted(eight(transpose(rows), rounding), shift);
    let mut bytes = [[0; 8]; 8];
    for (bytes, v) in bytes.iter_mut().zip(samples) {
        let v: [i32; 8] = v.max(0).min(255).into();
        for at in 0..8 {
            bytes[at] = v[at] as u8;
        }
    }
    bytes
}

/// Transforms the lowest 4x4 coefficients to 4x4 samples.
#[inline(always)]
pub(crate) fn to_four<S: Simd>(simd: S, block: &Block, steps: &[i32; 64]) -> [[u8; 4]; 4] {
    let columns = [
        lowest(simd, &block[..], &steps[..]),
        lowest(simd, &block[8..], &steps[8..]),
        lowest(simd, &block[16..], &steps[16..]),
        lowest(simd, &block[24..], &steps[24..]),
    ];
    let half = 1 << (CONST_BITS - PASS1_BITS - 1);
    let rows = shifted(four(columns, half), CONST_BITS - PASS1_BITS);
    let shift = CONST_BITS + PASS1_BITS + 3;
    let rounding = (1 << (shift - 1)) + (128 << shift);
    let samples = shifted(four(transpose_four(rows), rounding), shift);
    let mut bytes = [[0; 4]; 4];
    for (bytes, v) in bytes.iter_mut().zip(samples) {
        let v: [i32; 4] = v.max(0).min(255).into();
        for at in 0..4 {
            bytes[at] = v[at] as u8;
        }
    }
    bytes
}

/// Returns four coefficients in their range; only those of damaged data are beyond it.
#[inline(always)]
fn lowest<S: Simd>(simd: S, coefficients: &[i16], steps: &[i32]) -> i32x4<S> {
    let coefficients = coefficients.first_chunk::<4>().copied().unwrap_or_default();
    let steps = steps.first_chunk::<4>().copied().unwrap_or_default();
    let coefficients = i32x4::simd_from(simd, coefficients.map(i32::from));
    ((coefficients * i32x4::simd_from(simd, steps)) << 16) >> 16
}

/// Four transforms of four numbers side by side.
#[inline(always)]
fn four<S: Simd>(v: [i32x4<S>; 4], rounding: i32) -> [i32x4<S>; 4] {
    let e0 = ((v[0] + v[2]) << CONST_BITS) + rounding;
    let e1 = ((v[0] - v[2]) << CONST_BITS) + rounding;
    let z1 = (v[1] + v[3]) * fix(0.541_196_100);
    let o0 = z1 + v[1] * fix(0.765_366_865);
    let o1 = z1 - v[3] * fix(1.847_759_065);
    [e0 + o0, e1 + o1, e1 - o1, e0 - o0]
}

#[inline(always)]
fn transpose_four<S: Simd>(v: [i32x4<S>; 4]) -> [i32x4<S>; 4] {
    let (low, high) = (v[0].zip_low(v[2]), v[0].zip_high(v[2]));
    let (other_low, other_high) = (v[1].zip_low(v[3]), v[1].zip_high(v[3]));
    [
        low.zip_low(other_low),
        low.zip_high(other_low),
        high.zip_low(other_high),
        high.zip_high(other_high),
    ]
}

/// Transforms the lowest 2x2 coefficients to 2x2 samples.
#[inline(always)]
pub(crate) fn to_two(block: &Block, steps: &[i32; 64]) -> [[u8; 2]; 2] {
    let [mean, down, right, both] = [0, 1, 8, 9].map(|at| coefficient(block, steps, at));
    let (upper, lower) = (mean + down + 4, mean - down + 4);
    let (upper_right, lower_right) = (right + both, right - both);
    [
        [upper + upper_right, upper - upper_right],
        [lower + lower_right, lower - lower_right],
    ]
    .map(|row| row.map(|value| sample(value >> 3)))
}

/// Returns a coefficient in its range; only damaged ones are beyond it.
#[inline(always)]
fn coefficient(block: &Block, steps: &[i32; 64], at: usize) -> i32 {
    i32::from(i32::from(block[at]).wrapping_mul(steps[at]) as i16)
}

/// Returns the mean of a block that has only a first coefficient: what all its samples are.
#[inline(always)]
pub(crate) fn to_one(first: i32, step: i32) -> u8 {
    sample((i32::from(first.wrapping_mul(step) as i16) + 4) >> 3)
}
