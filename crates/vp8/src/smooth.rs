//! Edges between blocks made smooth: the arithmetic of the loop filter (sections 15.2 and 15.3).
//!
//! Sixteen places along an edge at once. The samples across it are called as in the standard: p3 p2 p1 p0 | q0 q1 q2 q3.

use fearless_simd::{Select, Simd, i8x16, i16x8, mask8x16, prelude::*, u8x16};

/// Up to which differences an edge is no part of the picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Across the edge.
    pub(crate) edge: u8,
    /// Between neighbours on one side.
    pub(crate) interior: u8,
    /// Above which a side is thought to have detail.
    pub(crate) detail: u8,
}

/// The samples across an edge.
pub(crate) type Taps<S> = [u8x16<S>; 8];

/// Smooths what only [`FilterKind::Simple`](crate::header::FilterKind::Simple) smooths: p0 and q0.
#[inline(always)]
pub(crate) fn simple<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let chosen = is_flat(simd, [p1, p0, q0, q1], limits.edge);
    let [s1, s0, t0, t1] = [signed(p1), signed(p0), signed(q0), signed(q1)];
    let step = kept(chosen, steep(s1.saturating_sub(t1), s0, t0));
    let [s0, t0, _] = pull(s0, t0, step);
    [p3, p2, p1, unsigned(s0), unsigned(t0), q1, q2, q3]
}

/// Smooths an edge within a macroblock: p1 to q1.
#[inline(always)]
pub(crate) fn inner<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let (chosen, detailed) = choose(simd, taps, limits);
    let [s1, s0, t0, t1] = [signed(p1), signed(p0), signed(q0), signed(q1)];
    let outer = kept(detailed, s1.saturating_sub(t1));
    let step = kept(chosen, steep(outer, s0, t0));
    let [s0, t0, pulled] = pull(s0, t0, step);
    let half = kept(!detailed, (pulled + 1) >> 1);
    let (s1, t1) = (s1.saturating_add(half), t1.saturating_sub(half));
    let [p1, p0, q0, q1] = [unsigned(s1), unsigned(s0), unsigned(t0), unsigned(t1)];
    [p3, p2, p1, p0, q0, q1, q2, q3]
}

/// Smooths an edge between macroblocks: p2 to q2.
#[inline(always)]
pub(crate) fn outer<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let (chosen, detailed) = choose(simd, taps, limits);
    let [s2, s1, s0] = [signed(p2), signed(p1), signed(p0)];
    let [t0, t1, t2] = [signed(q0), signed(q1), signed(q2)];
    let step = kept(chosen, steep(s1.saturating_sub(t1), s0, t0));
    let [s0, t0, _] = pull(s0, t0, kept(detailed, step));
    let (low, high) = kept(!detailed, step).widen();
    let near = part(low, high, 27);
    let middle = part(low, high, 18);
    let far = part(low, high, 9);
    [
        p3,
        unsigned(s2.saturating_add(far)),
        unsigned(s1.saturating_add(middle)),
        unsigned(s0.saturating_add(near)),
        unsigned(t0.saturating_sub(near)),
        unsigned(t1.saturating_sub(middle)),
        unsigned(t2.saturating_sub(far)),
        q3,
    ]
}

/// Returns so many 128ths, rounded.
#[inline(always)]
fn part<S: Simd>(low: i16x8<S>, high: i16x8<S>, share: i16) -> i8x16<S> {
    ((low * share + 63) >> 7).saturating_narrow((high * share + 63) >> 7)
}

/// Says where an edge is smoothed, and where it has detail on a side.
#[inline(always)]
fn choose<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> (mask8x16<S>, mask8x16<S>) {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let near = difference(p1, p0).max(difference(q1, q0));
    let before = difference(p3, p2).max(difference(p2, p1));
    let behind = difference(q3, q2).max(difference(q2, q1));
    let most = near.max(before).max(behind);
    let is_calm = most.simd_le(u8x16::splat(simd, limits.interior));
    let chosen = is_calm & is_flat(simd, [p1, p0, q0, q1], limits.edge);
    (chosen, near.simd_gt(u8x16::splat(simd, limits.detail)))
}

/// Says where the difference across an edge is small enough.
#[inline(always)]
fn is_flat<S: Simd>(simd: S, [p1, p0, q0, q1]: [u8x16<S>; 4], limit: u8) -> mask8x16<S> {
    let near = difference(p0, q0);
    let sum = near
        .saturating_add(near)
        .saturating_add(difference(p1, q1) >> 1);
    sum.simd_le(u8x16::splat(simd, limit))
}

#[inline(always)]
fn difference<S: Simd>(a: u8x16<S>, b: u8x16<S>) -> u8x16<S> {
    a.saturating_sub(b) | b.saturating_sub(a)
}

/// Adds three times the difference of the samples next to the edge.
#[inline(always)]
fn steep<S: Simd>(outer: i8x16<S>, p0: i8x16<S>, q0: i8x16<S>) -> i8x16<S> {
    let near = q0.saturating_sub(p0);
    outer
        .saturating_add(near)
        .saturating_add(near)
        .saturating_add(near)
}

/// Moves the samples next to the edge towards each other by an eighth of `step`, and says by how much the second one was.
#[inline(always)]
fn pull<S: Simd>(p0: i8x16<S>, q0: i8x16<S>, step: i8x16<S>) -> [i8x16<S>; 3] {
    let up = step.saturating_add(3) >> 3;
    let down = step.saturating_add(4) >> 3;
    [p0.saturating_add(up), q0.saturating_sub(down), down]
}

/// Returns the values where the mask is set, otherwise 0.
#[inline(always)]
fn kept<S: Simd>(mask: mask8x16<S>, values: i8x16<S>) -> i8x16<S> {
    mask.select(values, i8x16::splat(values.simd, 0))
}

#[inline(always)]
fn signed<S: Simd>(samples: u8x16<S>) -> i8x16<S> {
    (samples ^ 0x80).bitcast()
}

#[inline(always)]
fn unsigned<S: Simd>(samples: i8x16<S>) -> u8x16<S> {
    samples.bitcast::<u8x16<S>>() ^ 0x80
}

/// Turns 16 rows of 8 samples, two to a vector, into columns.
#[inline(always)]
pub(crate) fn turn<S: Simd>(rows: Taps<S>) -> Taps<S> {
    shuffle(shuffle(shuffle(shuffle(rows))))
}

/// Undoes [`turn`].
#[inline(always)]
pub(crate) fn turn_back<S: Simd>(columns: Taps<S>) -> Taps<S> {
    shuffle(shuffle(shuffle(columns)))
}

/// A perfect shuffle: of seven in turn, the last one gives what was there before the first.
#[inline(always)]
fn shuffle<S: Simd>(v: Taps<S>) -> Taps<S> {
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
