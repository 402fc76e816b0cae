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
    let [s1, s0, t0, t1] = [p1, p0, q0, q1].map(signed);
    let step = kept(chosen, steep(s1.saturating_sub(t1), s0, t0));
    let [s0, t0, _] = pull(s0, t0, step);
    [p3, p2, p1, unsigned(s0), unsigned(t0), q1, q2, q3]
}

/// Smooths an edge within a macroblock: p1 to q1.
#[inline(always)]
pub(crate) fn inner<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let (chosen, detailed) = choose(simd, taps, limits);
    let [s1, s0, t0, t1] = [p1, p0, q0, q1].map(signed);
    let outer = kept(detailed, s1.saturating_sub(t1));
    let step = kept(chosen, steep(outer, s0, t0));
    let [s0, t0, pulled] = pull(s0, t0, step);
    let half = kept(!detailed, (pulled + 1) >> 1);
    let (s1, t1) = (s1.saturating_add(half), t1.saturating_sub(half));
    let [p1, p0, q0, q1] = [s1, s0, t0, t1].map(unsigned);
    [p3, p2, p1, p0, q0, q1, q2, q3]
}

/// Smooths an edge between macroblocks: p2 to q2.
#[inline(always)]
pub(crate) fn outer<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let (chosen, detailed) = choose(simd, taps, limits);
    let [s2, s1, s0, t0, t1, t2] = [p2, p1, p0, q0, q1, q2].map(signed);
    let step = kept(chosen, steep(s1.saturating_sub(t1), s0, t0));
    let [s0, t0, _] = pull(s0, t0, kept(detailed, step));
    let (low, high) = kept(!detailed, step).widen();
    let part = |share: i16| {
        let of = |step: i16x8<S>| (step * share + 63) >> 7;
        of(low).saturating_narrow(of(high))
    };
    let (near, middle, far) = (part(27), part(18), part(9));
    let samples = [
        s2.saturating_add(far),
        s1.saturating_add(middle),
        s0.saturating_add(near),
        t0.saturating_sub(near),
        t1.saturating_sub(middle),
        t2.saturating_sub(far),
    ];
    let [p2, p1, p0, q0, q1, q2] = samples.map(unsigned);
    [p3, p2, p1, p0, q0, q1, q2, q3]
}

/// Says where an edge is smoothed, and where it has detail on a side.
#[inline(always)]
fn choose<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> (mask8x16<S>, mask8x16<S>) {
    let [p3, p2, p1, p0, q0, q1, q2, q3] = taps;
    let near = difference(p1, p0).max(difference(q1, q0));
    let far = [(p3, p2), (p2, p1), (q3, q2), (q2, q1)].map(|(a, b)| difference(a, b));
    let most = near.max(far[0].max(far[1])).max(far[2].max(far[3]));
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
