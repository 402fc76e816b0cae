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
    // By value, so that the fields can stay in registers.
    let mut here = *bools;
    let mut modes = [[Small::Mean; 4]; 4];
    // One loop, not one for each row: processors do not foresee the end of a loop of four.
    for (at, mode) in modes.as_flattened_mut().iter_mut().enumerate() {
        let (above, left) = (&mut above.modes[at % 4], &mut left.modes[at / 4]);
        *mode = read_small(&mut here, &SUBBLOCK_MODES[*above as usize][*left as usize]);
        (*above, *left) = (*mode, *mode);
    }
    *bools = here;
    modes
}

/// Reads how a block is predicted. Each bit has a branch of its own, so that the next probability is known before the bit is.
#[inline(always)]
fn read_small(bools: &mut Bools<'_>, probabilities: &[u8; 9]) -> Small {
    let [
        mean,
        both,
        above,
        side,
        left,
        right_down,
        left_down,
        vertical,
        horizontal,
    ] = *probabilities;
    bools.ensure(3);
    if !bools.next(mean) {
        return Small::Mean;
    }
    if !bools.next(both) {
        return Small::Both;
    }
    if !bools.next(above) {
        return Small::Above;
    }
    bools.ensure(4);
    if !bools.next(side) {
        if !bools.next(left) {
            Small::Left
        } else if !bools.next(right_down) {
            Small::RightDown
        } else {
            Small::VerticalRight
        }
    } else if !bools.next(left_down) {
        Small::LeftDown
    } else if !bools.next(vertical) {
        Small::VerticalLeft
    } else if !bools.next(horizontal) {
        Small::HorizontalDown
    } else {
        Small::HorizontalUp
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
