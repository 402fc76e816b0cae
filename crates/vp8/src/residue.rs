//! What is added to the prediction of a macroblock (section 13).

use fearless_simd::Simd;

use crate::bools::Bools;
use crate::header::{Segment, Steps};
use crate::modes::{Light, Modes};
use crate::tokens::{Block, Kind, Places, Tokens, read_block};
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

    #[inline(always)]
    pub(crate) const fn light(&self, at: usize) -> (&Block, Extent) {
        (&self.blocks[at], self.extents[at])
    }

    #[inline(always)]
    pub(crate) const fn colour(&self, at: usize) -> (&Block, Extent) {
        (
            &self.blocks[LIGHT_BLOCKS + at],
            self.extents[LIGHT_BLOCKS + at],
        )
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
        simd: S,
        (bools, tokens): (&mut Bools<'_>, &Tokens),
        (modes, segment): (&Modes, &Segment),
        [above, left]: [&mut Filled; 2],
    ) {
        self.clear();
        let has_means = matches!(modes.light, Light::Whole(_));
        if modes.is_empty {
            above.clear(has_means);
            left.clear(has_means);
            return;
        }
        // A copy of its own stays in registers.
        let mut here = *bools;
        if has_means {
            let context = usize::from(above.means) + usize::from(left.means);
            let source = (tokens.of(Kind::Means), segment.means);
            let mut block = [0; 16];
            let end = read_block(
                simd,
                &mut here,
                (source.0, source.1, (0, context)),
                &mut block,
            );
            (above.means, left.means) = (end > 0, end > 0);
            if end > 0 {
                self.set_means(&transform::means(&block));
            }
            let source = (tokens.of(Kind::LightWithoutMeans), segment.light);
            self.read_light::<S, 1>(simd, &mut here, source, [above, left]);
        } else {
            let source = (tokens.of(Kind::Light), segment.light);
            self.read_light::<S, 0>(simd, &mut here, source, [above, left]);
        }
        let source = (tokens.of(Kind::Colour), segment.colour);
        self.read_colours(simd, &mut here, source, [above, left]);
        *bools = here;
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

    #[inline(always)]
    fn read_light<S: Simd, const FIRST: usize>(
        &mut self,
        simd: S,
        bools: &mut Bools<'_>,
        source: (&Places, Steps),
        [above, left]: [&mut Filled; 2],
    ) {
        for (row, left) in left.light.iter_mut().enumerate() {
            for (column, above) in above.light.iter_mut().enumerate() {
                let at = row * 4 + column;
                let context = usize::from(*above) + usize::from(*left);
                let end = read_block(
                    simd,
                    bools,
                    (source.0, source.1, (FIRST, context)),
                    &mut self.blocks[at],
                );
                let is_filled = end > FIRST;
                (*above, *left) = (is_filled, is_filled);
                if end > 1 {
                    self.extents[at] = Extent::Any;
                } else if is_filled {
                    self.extents[at] = Extent::Mean;
                }
            }
        }
    }

    #[inline(always)]
    fn read_colours<S: Simd>(
        &mut self,
        simd: S,
        bools: &mut Bools<'_>,
        source: (&Places, Steps),
        [above, left]: [&mut Filled; 2],
    ) {
        let colours = above.colours.iter_mut().zip(&mut left.colours);
        for (number, (above, left)) in colours.enumerate() {
            for (row, left) in left.iter_mut().enumerate() {
                for (column, above) in above.iter_mut().enumerate() {
                    let at = LIGHT_BLOCKS + number * 4 + row * 2 + column;
                    let context = usize::from(*above) + usize::from(*left);
                    let end = read_block(
                        simd,
                        bools,
                        (source.0, source.1, (0, context)),
                        &mut self.blocks[at],
                    );
                    (*above, *left) = (end > 0, end > 0);
                    self.extents[at] = match end {
                        0 => Extent::None,
                        1 => Extent::Mean,
                        _ => Extent::Any,
                    };
                }
            }
        }
    }
}
