//! What is added to the prediction of a macroblock (section 13).

use fearless_simd::Simd;

use crate::bools::Bools;
use crate::header::Segment;
use crate::modes::{Light, Modes};
use crate::tokens::{Block, Coding, Kind, Tokens, read_block};
use crate::transform;

/// Blocks of a macroblock: of light, and behind them of both colours.
const BLOCKS: usize = 24;
const LIGHT_BLOCKS: usize = 16;

/// Which coefficients of a block there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent {
    #[default]
    None,
    /// The first one only.
    Mean,
    Any,
}

/// The coefficients of a macroblock.
#[derive(Debug)]
pub(crate) struct Residue {
    blocks: [Block; BLOCKS],
    extents: [Extent; BLOCKS],
}

/// Which blocks at the edge of a macroblock have coefficients: what those next to them are likely to have depends on it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Filled {
    light: [bool; 4],
    /// Two of the first colour, and two of the second.
    colours: [bool; 4],
    means: bool,
}

impl Filled {
    /// Notes a macroblock without coefficients. One without a block of means says nothing of them.
    const fn clear(&mut self, has_means: bool) {
        *self = Self {
            light: [false; 4],
            colours: [false; 4],
            means: self.means && !has_means,
        };
    }
}

impl Residue {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: [[0; 16]; BLOCKS],
            extents: [Extent::None; BLOCKS],
        }
    }

    /// Whether there is nothing to add.
    pub(crate) fn is_empty(&self) -> bool {
        self.extents == [Extent::None; BLOCKS]
    }

    /// Returns two blocks that are side by side: of light, from 8 on of the first colour, and from 10 on of the second.
    #[inline(always)]
    pub(crate) fn pair(&self, at: usize) -> [(&Block, Extent); 2] {
        [2 * at, 2 * at + 1].map(|at| (&self.blocks[at], self.extents[at]))
    }

    /// Forgets the macroblock before.
    #[inline(always)]
    fn clear(&mut self) {
        if !self.is_empty() {
            *self = Self::new();
        }
    }

    /// Reads the coefficients of a macroblock.
    #[inline(always)]
    pub(crate) fn read<S: Simd>(
        &mut self,
        (simd, bools): (S, &mut Bools<'_>),
        (tokens, segment, modes): (&Tokens, &Segment, &Modes),
        [above, left]: [&mut Filled; 2],
    ) {
        self.clear();
        let has_means = matches!(modes.light, Light::Whole(_));
        if modes.is_empty {
            above.clear(has_means);
            left.clear(has_means);
            return;
        }
        let mut kind = Kind::Light;
        if has_means {
            kind = Kind::LightWithoutMeans;
            let coding = tokens.coding(Kind::Means, segment.means);
            let context = usize::from(above.means) + usize::from(left.means);
            let mut block = [0; 16];
            let end = read_block(simd, bools, (coding, context), &mut block);
            (above.means, left.means) = (end > 0, end > 0);
            if end > 0 {
                self.set_means(&transform::means(&block));
            }
        }
        let coding = tokens.coding(kind, segment.light);
        let mut blocks = self.blocks.iter_mut().zip(&mut self.extents);
        // One loop, not one for each row: processors do not foresee the end of a short one.
        for (at, block) in blocks.by_ref().take(LIGHT_BLOCKS).enumerate() {
            let filled = (&mut above.light[at % 4], &mut left.light[at / 4]);
            read_one((simd, bools), coding, filled, block);
        }
        let coding = tokens.coding(Kind::Colour, segment.colour);
        for (at, block) in blocks.enumerate() {
            let first = at / 4 * 2;
            let (column, row) = (first + at % 2, first + at / 2 % 2);
            let filled = (&mut above.colours[column], &mut left.colours[row]);
            read_one((simd, bools), coding, filled, block);
        }
    }

    fn set_means(&mut self, means: &Block) {
        let blocks = self.blocks.iter_mut().zip(&mut self.extents);
        for ((block, extent), &mean) in blocks.zip(means) {
            block[0] = mean;
            if mean != 0 {
                *extent = Extent::Mean;
            }
        }
    }
}

/// Reads a block between those above and to the left.
#[inline(always)]
fn read_one<S: Simd>(
    (simd, bools): (S, &mut Bools<'_>),
    coding: Coding<'_>,
    (above, left): (&mut bool, &mut bool),
    (block, extent): (&mut Block, &mut Extent),
) {
    let context = usize::from(*above) + usize::from(*left);
    let end = read_block(simd, bools, (coding, context), block);
    let is_filled = end > coding.first;
    (*above, *left) = (is_filled, is_filled);
    if end > 1 {
        *extent = Extent::Any;
    } else if is_filled {
        *extent = Extent::Mean;
    }
}
