//! How each macroblock is predicted (sections 10 and 11).

use crate::bools::Bools;
use crate::header::Frame;
use crate::tables::SUBBLOCK_MODES;

/// How a whole block of light or colour is predicted from its neighbours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Whole {
    /// By the mean of both.
    #[default]
    Mean,
    /// By the row above.
    Above,
    /// By the column to the left.
    Left,
    /// By the column to the left, with the differences of the row above.
    Both,
}

/// How a block of 4x4 samples is predicted, in the order of [`SUBBLOCK_MODES`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Small {
    #[default]
    Mean,
    Both,
    Above,
    Left,
    LeftDown,
    RightDown,
    VerticalRight,
    VerticalLeft,
    HorizontalDown,
    HorizontalUp,
}

/// How the light of a macroblock is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Light {
    Whole(Whole),
    /// Block by block, each as these say.
    Blocks([[Small; 4]; 4]),
}

/// What is said of a macroblock before its coefficients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Modes {
    pub(crate) segment: usize,
    /// Whether it has no coefficients.
    pub(crate) is_empty: bool,
    pub(crate) light: Light,
    pub(crate) colour: Whole,
}

/// How the blocks next to those of a macroblock are predicted: what its own are likely to be depends on it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Neighbours {
    pub(crate) modes: [Small; 4],
}

/// The tree of modes of a block: indices of pairs if positive, otherwise modes.
const SMALL_TREE: [[i8; 2]; 9] = [
    [0, 1],
    [-1, 2],
    [-2, 3],
    [4, 6],
    [-3, 5],
    [-5, -6],
    [-4, 7],
    [-7, 8],
    [-8, -9],
];

const SMALL_MODES: [Small; 10] = [
    Small::Mean,
    Small::Both,
    Small::Above,
    Small::Left,
    Small::LeftDown,
    Small::RightDown,
    Small::VerticalRight,
    Small::VerticalLeft,
    Small::HorizontalDown,
    Small::HorizontalUp,
];

/// Reads what is said of the next macroblock.
#[inline(always)]
pub(crate) fn read_modes(
    frame: &mut Frame<'_>,
    above: &mut Neighbours,
    left: &mut Neighbours,
) -> Modes {
    let bools = &mut frame.modes;
    bools.refill();
    let segment = frame.segment_tree.map_or(0, |tree| {
        let upper = usize::from(bools.next(tree[0]));
        upper * 2 + usize::from(bools.next(tree[1 + upper]))
    });
    let is_empty = (frame.has_coefficients).is_some_and(|probability| bools.next(probability));
    let light = if bools.next(145) {
        let whole = read_whole(bools);
        let small = match whole {
            Whole::Mean => Small::Mean,
            Whole::Above => Small::Above,
            Whole::Left => Small::Left,
            Whole::Both => Small::Both,
        };
        above.modes = [small; 4];
        left.modes = [small; 4];
        Light::Whole(whole)
    } else {
        Light::Blocks(read_blocks(bools, above, left))
    };
    Modes {
        segment,
        is_empty,
        light,
        colour: read_colour(&mut frame.modes),
    }
}

#[inline(always)]
fn read_whole(bools: &mut Bools<'_>) -> Whole {
    let from_left = bools.next(156);
    let second = bools.next(if from_left { 128 } else { 163 });
    match (from_left, second) {
        (false, false) => Whole::Mean,
        (false, true) => Whole::Above,
        (true, false) => Whole::Left,
        (true, true) => Whole::Both,
    }
}

#[inline(always)]
fn read_blocks(
    bools: &mut Bools<'_>,
    above: &mut Neighbours,
    left: &mut Neighbours,
) -> [[Small; 4]; 4] {
    let mut bools_here = *bools;
    let mut rows = [[Small::Mean; 4]; 4];
    for (row, left) in rows.iter_mut().zip(&mut left.modes) {
        for (mode, above) in row.iter_mut().zip(&mut above.modes) {
            *mode = read_small(&mut bools_here, *above, *left);
            *above = *mode;
            *left = *mode;
        }
    }
    *bools = bools_here;
    rows
}

#[inline(always)]
fn read_small(bools: &mut Bools<'_>, above: Small, left: Small) -> Small {
    let probabilities = &SUBBLOCK_MODES[above as usize][left as usize];
    bools.refill();
    if !bools.next(probabilities[0]) {
        return Small::Mean;
    }
    let mut at = 1;
    loop {
        // The longest way is one of seven bits.
        if at == 3 {
            bools.refill();
        }
        let next = SMALL_TREE[at][usize::from(bools.next(probabilities[at]))];
        match usize::try_from(next) {
            Ok(next) => at = next,
            Err(_) => return SMALL_MODES[usize::from(next.unsigned_abs())],
        }
    }
}

#[inline(always)]
fn read_colour(bools: &mut Bools<'_>) -> Whole {
    bools.refill();
    if !bools.next(142) {
        Whole::Mean
    } else if !bools.next(114) {
        Whole::Above
    } else if !bools.next(183) {
        Whole::Left
    } else {
        Whole::Both
    }
}
