//! The macroblock that is decoded, with the samples around it that it is predicted from (section 12).

use fearless_simd::{Simd, i16x8};

use crate::modes::{Light, Modes, Small, Whole};
use crate::residue::Residue;
use crate::small::{Edge, predict};
use crate::transform::{add, add_pair, split_differences};

/// The row above and those of the macroblock.
pub(crate) type Rows<const N: usize> = [[u8; ROW]; N];

/// Samples in a row: the one to the left, those of the macroblock, and for light those above and to the right of it.
const ROW: usize = 32;
/// Where in a row the light begins, and the first of the colours.
const START: usize = 8;
/// Where in a row the second of the colours begins.
const SECOND: usize = 24;
/// What samples to the left of the picture count as.
const OUTSIDE_LEFT: u8 = 129;
/// What samples above the picture count as.
const OUTSIDE_ABOVE: u8 = 127;

/// The samples of a macroblock, and around it.
#[derive(Debug)]
pub(crate) struct Work {
    light: Rows<17>,
    colour: Rows<9>,
}

/// The last row of a macroblock, for those below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bottom {
    light: [u8; 16],
    colours: [[u8; 8]; 2],
}

impl Bottom {
    /// What is above the picture.
    pub(crate) const OUTSIDE: Self = Self {
        light: [OUTSIDE_ABOVE; 16],
        colours: [[OUTSIDE_ABOVE; 8]; 2],
    };

    /// What counts as the macroblock to the right of the last one.
    pub(crate) const fn continued(&self) -> Self {
        Self {
            light: [self.light[15]; 16],
            ..*self
        }
    }
}

/// Which neighbours a macroblock has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) above: bool,
    pub(crate) left: bool,
}

impl Work {
    pub(crate) const fn new() -> Self {
        Self {
            light: [[0; ROW]; 17],
            colour: [[0; ROW]; 9],
        }
    }

    /// Goes to the first macroblock of a row.
    pub(crate) fn start_row(&mut self, is_first: bool) {
        for row in &mut self.light {
            row[START - 1] = OUTSIDE_LEFT;
        }
        for row in &mut self.colour {
            (row[START - 1], row[SECOND - 1]) = (OUTSIDE_LEFT, OUTSIDE_LEFT);
        }
        if is_first {
            self.light[0][START - 1] = OUTSIDE_ABOVE;
            self.colour[0][START - 1] = OUTSIDE_ABOVE;
            self.colour[0][SECOND - 1] = OUTSIDE_ABOVE;
        }
    }

    /// Goes to the macroblock to the right.
    #[inline(always)]
    pub(crate) fn go_right(&mut self) {
        for row in &mut self.light {
            row[START - 1] = row[START + 15];
        }
        for row in &mut self.colour {
            (row[START - 1], row[SECOND - 1]) = (row[START + 7], row[SECOND + 7]);
        }
    }

    /// Sets what is above, and above to the right.
    #[inline(always)]
    pub(crate) fn set_above(&mut self, above: &Bottom, right: &Bottom) {
        put(&mut self.light[0], START, above.light);
        let [a, b, c, d, ..] = right.light;
        // All blocks at the right edge take it from there.
        for row in [0, 4, 8, 12] {
            put(&mut self.light[row], START + 16, [a, b, c, d]);
        }
        put(&mut self.colour[0], START, above.colours[0]);
        put(&mut self.colour[0], SECOND, above.colours[1]);
    }

    pub(crate) fn bottom(&self) -> Bottom {
        Bottom {
            light: get(&self.light[16], START),
            colours: [START, SECOND].map(|at| get(&self.colour[8], at)),
        }
    }

    /// Returns the rows of light.
    pub(crate) fn light(&self) -> impl Iterator<Item = [u8; 16]> {
        self.light[1..].iter().map(|row| get(row, START))
    }

    /// Returns the rows of both colours.
    pub(crate) fn colours(&self) -> impl Iterator<Item = [[u8; 8]; 2]> {
        (self.colour[1..].iter()).map(|row| [START, SECOND].map(|at| get(row, at)))
    }

    /// Predicts all samples and adds the differences.
    #[inline(always)]
    pub(crate) fn fill<S: Simd>(
        &mut self,
        simd: S,
        (modes, residue): (&Modes, &Residue),
        around: Around,
    ) {
        match &modes.light {
            Light::Whole(mode) => {
                predict_whole::<16, 17>(&mut self.light, START, *mode, around);
                for pair in 0..8 {
                    let start = (START + pair % 2 * 8, 1 + pair / 2 * 4);
                    add_pair(simd, &mut self.light, start, residue.pair(pair));
                }
            }
            Light::Blocks(modes) => {
                let pairs = modes.as_flattened().as_chunks().0;
                for (pair, &[left, right]) in pairs.iter().enumerate() {
                    let (column, row) = (START + pair % 2 * 8, 1 + pair / 2 * 4);
                    let [first, second] = split_differences(simd, residue.pair(pair));
                    self.fill_block((column, row), left, first);
                    self.fill_block((column + 4, row), right, second);
                }
            }
        }
        for column in [START, SECOND] {
            predict_whole::<8, 9>(&mut self.colour, column, modes.colour, around);
        }
        for pair in 0..4 {
            let start = ([START, SECOND][pair / 2], 1 + pair % 2 * 4);
            add_pair(simd, &mut self.colour, start, residue.pair(8 + pair));
        }
    }

    /// Predicts a block of light and adds its differences.
    #[inline(always)]
    fn fill_block<S: Simd>(
        &mut self,
        (column, row): (usize, usize),
        mode: Small,
        differences: [i16x8<S>; 2],
    ) {
        let samples = predict(differences[0].simd, &self.edge(column, row), mode);
        let samples: [u8; 16] = add(samples, differences).into();
        let rows = samples.as_chunks::<4>().0;
        for (row, &samples) in self.light[row..].iter_mut().zip(rows) {
            put(row, column, samples);
        }
    }

    /// Returns what the block at that place is predicted from.
    #[inline(always)]
    fn edge(&self, column: usize, row: usize) -> Edge {
        Edge {
            above: get(&self.light[row - 1], column),
            corner: self.light[row - 1][column - 1],
            left: [0, 1, 2, 3].map(|at| self.light[row + at][column - 1]),
        }
    }
}

#[inline(always)]
pub(crate) fn put<const N: usize>(row: &mut [u8; ROW], at: usize, samples: [u8; N]) {
    if let Some(to) = row.get_mut(at..).and_then(|row| row.first_chunk_mut()) {
        *to = samples;
    }
}

#[inline(always)]
pub(crate) fn get<const N: usize>(row: &[u8; ROW], at: usize) -> [u8; N] {
    let samples = row.get(at..).and_then(|row| row.first_chunk());
    samples.copied().unwrap_or([0; N])
}

/// Predicts a block of `N` columns that starts at `column`.
#[inline(always)]
fn predict_whole<const N: usize, const ROWS: usize>(
    rows: &mut Rows<ROWS>,
    column: usize,
    mode: Whole,
    around: Around,
) {
    let (first, rows) = rows.split_at_mut(1);
    let above: [u8; N] = get(&first[0], column);
    let corner = first[0][column - 1];
    match mode {
        Whole::Mean => {
            let left = rows.iter().map(|row| row[column - 1]);
            let mean = mean(above, left, around);
            for row in rows {
                put(row, column, [mean; N]);
            }
        }
        Whole::Above => {
            for row in rows {
                put(row, column, above);
            }
        }
        Whole::Left => {
            for row in rows {
                put(row, column, [row[column - 1]; N]);
            }
        }
        Whole::Both => {
            for row in rows {
                let step = i16::from(row[column - 1]) - i16::from(corner);
                let sum = |above: u8| (i16::from(above) + step).clamp(0, 255) as u8;
                put(row, column, above.map(sum));
            }
        }
    }
}

/// Returns the mean of the neighbours that are there.
#[inline(always)]
fn mean<const N: usize>(above: [u8; N], left: impl Iterator<Item = u8>, around: Around) -> u8 {
    let above = above.into_iter().map(u32::from).sum();
    let left: u32 = left.map(u32::from).sum();
    let (sum, count) = match (around.above, around.left) {
        (true, true) => (above + left, 2 * N as u32),
        (true, false) => (above, N as u32),
        (false, true) => (left, N as u32),
        (false, false) => (128, 1),
    };
    ((sum + count / 2) / count) as u8
}
