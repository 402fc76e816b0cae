//! The loop filter: which edges are made smooth, in which order and by how much (sections 15.1 and 15.4).

use fearless_simd::{Simd, prelude::*, u8x16};

use crate::header::FilterKind;
use crate::lines::Lines;
use crate::smooth::{Limits, Taps, inner, outer, simple, turn, turn_back};

/// How strongly the edges of a macroblock are smoothed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strength {
    /// At the edges to its neighbours.
    outer: Limits,
    /// At the edges of its blocks, if these are smoothed.
    inner: Option<Limits>,
}

impl Strength {
    /// Returns what is meant by a level of 0 to 63, at which nothing is smoothed, and a sharpness of 0 to 7.
    pub(crate) fn new(level: u8, sharpness: u8, has_inner: bool) -> Option<Self> {
        if level == 0 {
            return None;
        }
        let interior = match sharpness {
            0 => level,
            1..=4 => (level >> 1).min(9 - sharpness),
            _ => (level >> 2).min(9 - sharpness),
        };
        let interior = interior.max(1);
        let detail = match level {
            0..15 => 0,
            15..40 => 1,
            _ => 2,
        };
        let limits = |edge| Limits {
            edge,
            interior,
            detail,
        };
        Some(Self {
            outer: limits((level + 2) * 2 + interior),
            inner: has_inner.then(|| limits(level * 2 + interior)),
        })
    }
}

/// Smooths a row of macroblocks, which starts at that line of light, and the last lines of the row above.
#[inline(always)]
pub(crate) fn filter_row<S: Simd>(
    simd: S,
    lines: &mut Lines,
    (kind, strengths): (FilterKind, &[Option<Strength>]),
    (line, is_first): (usize, bool),
) {
    for (column, strength) in strengths.iter().enumerate() {
        let Some(strength) = strength else {
            continue;
        };
        let edges = Edges {
            at: (column, line),
            has_left: column > 0,
            has_above: !is_first,
            strength,
        };
        match kind {
            FilterKind::None => {}
            FilterKind::Simple => edges.smooth::<S, Simple, _>(simd, &mut edges.light(lines)),
            FilterKind::Normal => {
                edges.smooth::<S, Normal, _>(simd, &mut edges.light(lines));
                edges.smooth::<S, Normal, _>(simd, &mut edges.colours(lines));
            }
        }
    }
}

/// The edges that a macroblock is responsible for.
struct Edges<'a> {
    /// The column of the macroblock, and its first line of light.
    at: (usize, usize),
    has_left: bool,
    has_above: bool,
    strength: &'a Strength,
}

impl Edges<'_> {
    #[inline(always)]
    fn light<'a>(&self, lines: &'a mut Lines) -> Light<'a> {
        let (x, y) = (self.at.0 * 16, self.at.1);
        Light { lines, x, y }
    }

    #[inline(always)]
    fn colours<'a>(&self, lines: &'a mut Lines) -> Colours<'a> {
        let (x, y) = (self.at.0 * 8, self.at.1 / 2);
        Colours { lines, x, y }
    }

    /// Smooths the edges in the order of the standard: to the left, those within from left to right, and the same downwards.
    #[inline(always)]
    fn smooth<S: Simd, F: Filter, A: Samples>(&self, simd: S, samples: &mut A) {
        let Strength { outer, inner } = *self.strength;
        if self.has_left {
            samples.across(
                simd,
                0,
                #[inline(always)]
                |taps| F::outer(simd, taps, outer),
            );
        }
        if let Some(inner) = inner {
            for at in A::WITHIN {
                samples.across(
                    simd,
                    *at,
                    #[inline(always)]
                    |taps| F::inner(simd, taps, inner),
                );
            }
        }
        if self.has_above {
            samples.down(
                simd,
                0,
                #[inline(always)]
                |taps| F::outer(simd, taps, outer),
            );
        }
        if let Some(inner) = inner {
            for at in A::WITHIN {
                samples.down(
                    simd,
                    *at,
                    #[inline(always)]
                    |taps| F::inner(simd, taps, inner),
                );
            }
        }
    }
}

/// How the samples on both sides of an edge are changed.
trait Filter {
    /// Between macroblocks.
    fn outer<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S>;

    /// Between the blocks of one.
    fn inner<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S>;
}

struct Simple;

impl Filter for Simple {
    #[inline(always)]
    fn outer<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
        simple(simd, taps, limits)
    }

    #[inline(always)]
    fn inner<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
        simple(simd, taps, limits)
    }
}

struct Normal;

impl Filter for Normal {
    #[inline(always)]
    fn outer<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
        outer(simd, taps, limits)
    }

    #[inline(always)]
    fn inner<S: Simd>(simd: S, taps: Taps<S>, limits: Limits) -> Taps<S> {
        inner(simd, taps, limits)
    }
}

/// The samples of a macroblock, and those next to it.
trait Samples {
    /// Where its blocks meet.
    const WITHIN: &'static [usize];

    /// Changes what lies to the left and right of the edge before column `at`.
    fn across<S: Simd>(&mut self, simd: S, at: usize, change: impl Fn(Taps<S>) -> Taps<S>);

    /// Changes what lies above and below the edge before row `at`.
    fn down<S: Simd>(&mut self, simd: S, at: usize, change: impl Fn(Taps<S>) -> Taps<S>);
}

/// The light of a macroblock.
struct Light<'a> {
    lines: &'a mut Lines,
    x: usize,
    y: usize,
}

impl Samples for Light<'_> {
    const WITHIN: &'static [usize] = &[4, 8, 12];

    #[inline(always)]
    fn across<S: Simd>(&mut self, simd: S, at: usize, change: impl Fn(Taps<S>) -> Taps<S>) {
        let (x, y) = (self.x + at - 4, self.y);
        let light = &mut self.lines.light;
        let mut rows = [u8x16::splat(simd, 0); 8];
        for (at, row) in rows.iter_mut().enumerate() {
            let y = y + at * 2;
            *row = pair(simd, light.get(x, y), light.get(x, y + 1));
        }
        let rows = turn_back(change(turn(rows)));
        for (at, row) in rows.into_iter().enumerate() {
            let (first, second) = halves(row);
            light.put(x, y + at * 2, first);
            light.put(x, y + at * 2 + 1, second);
        }
    }

    #[inline(always)]
    fn down<S: Simd>(&mut self, simd: S, at: usize, change: impl Fn(Taps<S>) -> Taps<S>) {
        let (x, y) = (self.x, self.y + at - 4);
        let light = &mut self.lines.light;
        let mut taps = [u8x16::splat(simd, 0); 8];
        for (row, samples) in taps.iter_mut().enumerate() {
            *samples = u8x16::simd_from(simd, light.get(x, y + row));
        }
        // The outermost are never changed.
        for (row, samples) in change(taps).into_iter().enumerate().skip(1).take(6) {
            light.put::<16>(x, y + row, samples.into());
        }
    }
}

/// Both colours of a macroblock, side by side.
struct Colours<'a> {
    lines: &'a mut Lines,
    x: usize,
    y: usize,
}

impl Samples for Colours<'_> {
    const WITHIN: &'static [usize] = &[4];

    #[inline(always)]
    fn across<S: Simd>(&mut self, simd: S, at: usize, change: impl Fn(Taps<S>) -> Taps<S>) {
        let rows = self.rows(simd, (self.x + at - 4, self.y));
        let rows = turn_back(change(turn(rows)));
        self.put_rows(rows, (self.x + at - 4, self.y));
    }

    #[inline(always)]
    fn down<S: Simd>(&mut self, simd: S, at: usize, change: impl Fn(Taps<S>) -> Taps<S>) {
        let taps = change(self.rows(simd, (self.x, self.y + at - 4)));
        self.put_rows(taps, (self.x, self.y + at - 4));
    }
}

impl Colours<'_> {
    #[inline(always)]
    fn rows<S: Simd>(&self, simd: S, (x, y): (usize, usize)) -> Taps<S> {
        let [blue, red] = &self.lines.colours;
        let mut rows = [u8x16::splat(simd, 0); 8];
        for (at, row) in rows.iter_mut().enumerate() {
            *row = pair(simd, blue.get(x, y + at), red.get(x, y + at));
        }
        rows
    }

    #[inline(always)]
    fn put_rows<S: Simd>(&mut self, rows: Taps<S>, (x, y): (usize, usize)) {
        let [blue, red] = &mut self.lines.colours;
        for (at, row) in rows.into_iter().enumerate() {
            let (first, second) = halves(row);
            blue.put(x, y + at, first);
            red.put(x, y + at, second);
        }
    }
}

#[inline(always)]
fn pair<S: Simd>(simd: S, first: [u8; 8], second: [u8; 8]) -> u8x16<S> {
    let (first, second) = (u64::from_le_bytes(first), u64::from_le_bytes(second));
    let both = u128::from(first) | u128::from(second) << 64;
    u8x16::simd_from(simd, both.to_le_bytes())
}

#[inline(always)]
fn halves<S: Simd>(both: u8x16<S>) -> ([u8; 8], [u8; 8]) {
    let both = u128::from_le_bytes(both.into());
    (
        (both as u64).to_le_bytes(),
        ((both >> 64) as u64).to_le_bytes(),
    )
}
