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
    colours: [[bool; 2]; 2],
    means: bool,
}

impl Filled {
    /// Notes a macroblock without coefficients. One without a block of means says nothing of them.
    const fn clear(&mut self, has_means: bool) {
        *self = Self {
            light: [false; 4],
            colours: [[false; 2]; 2],
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
        let (blocks, extents) = (&mut self.blocks, &mut self.extents);
        let (light, colours) = blocks.split_at_mut(LIGHT_BLOCKS);
        let (light_extents, colour_extents) = extents.split_at_mut(LIGHT_BLOCKS);
        let edges = (&mut above.light, &mut left.light);
        read_square(
            (simd, bools),
            coding,
            edges,
            light.iter_mut().zip(light_extents),
        );
        let coding = tokens.coding(Kind::Colour, segment.colour);
        let colours = colours.chunks_mut(4).zip(colour_extents.chunks_mut(4));
        let edges = above.colours.iter_mut().zip(&mut left.colours);
        for ((blocks, extents), edges) in colours.zip(edges) {
            read_square((simd, bools), coding, edges, blocks.iter_mut().zip(extents));
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

/// Reads the blocks of light or of one colour, row by row.
#[inline(always)]
fn read_square<'a, S: Simd, const N: usize>(
    (simd, bools): (S, &mut Bools<'_>),
    coding: Coding<'_>,
    (above, left): (&mut [bool; N], &mut [bool; N]),
    blocks: impl Iterator<Item = (&'a mut Block, &'a mut Extent)>,
) {
    // One loop, not one for each row: processors do not foresee the end of a short one.
    for (at, (block, extent)) in blocks.enumerate().take(N * N) {
        let (above, left) = (&mut above[at % N], &mut left[at / N]);
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
}
