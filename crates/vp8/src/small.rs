//! How a block of 4x4 samples is predicted (section 12.3).

use fearless_simd::{Simd, prelude::*, u8x16};

use crate::modes::Small;

/// What a block is predicted from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    /// The row above, and above to the right.
    pub(crate) above: [u8; 8],
    /// The sample above and to the left.
    pub(crate) corner: u8,
    pub(crate) left: [u8; 4],
}

/// Rows of samples.
type Samples = [[u8; 4]; 4];

/// Predicts a block.
#[inline(always)]
pub(crate) fn predict<S: Simd>(simd: S, edge: &Edge, mode: Small) -> Samples {
    let Edge {
        above,
        corner,
        left,
    } = *edge;
    let [a0, a1, a2, a3, ..] = above;
    match mode {
        Small::Mean => {
            let sum: u32 = [a0, a1, a2, a3]
                .into_iter()
                .chain(left)
                .map(u32::from)
                .sum();
            [[((sum + 4) >> 3) as u8; 4]; 4]
        }
        Small::Both => left.map(|left| {
            let step = i16::from(left) - i16::from(corner);
            [a0, a1, a2, a3].map(|above| (i16::from(above) + step).clamp(0, 255) as u8)
        }),
        Small::Above => [Line::new(simd, edge).thirds(5); 4],
        Small::Left => {
            let [d, c, b, a] = Line::new(simd, edge).thirds(0);
            [a, b, c, d].map(|sample| [sample; 4])
        }
        _ => predict_diagonally(&Line::new(simd, edge), left[3], mode),
    }
}

/// What a block is predicted from as a line: the last sample to the left twice, up to the corner at 5, and to the right until the
/// last sample twice.
struct Line {
    /// The means of two neighbours, the first of which is at this place.
    halves: u128,
    /// The means of three neighbours, the first of which is at this place; the one in the middle counts twice.
    thirds: u128,
}

impl Line {
    #[inline(always)]
    fn new<S: Simd>(simd: S, edge: &Edge) -> Self {
        let left = u64::from(u32::from_be_bytes(edge.left));
        let start = left << 8 | u64::from(edge.left[3]) | u64::from(edge.corner) << 40;
        let above = u128::from(u64::from_le_bytes(edge.above));
        let end = u128::from(edge.above[7]) << 112;
        let line = u128::from(start) | above << 48 | end;
        let at = |shift: u32| u8x16::simd_from(simd, (line >> shift).to_le_bytes());
        let (first, second, third) = (at(0), at(8), at(16));
        // Rounded down, so that the whole is rounded once.
        let outer = (first & third) + ((first ^ third) >> 1);
        let number = |samples: u8x16<S>| u128::from_le_bytes(samples.into());
        Self {
            halves: number(mean(first, second)),
            thirds: number(mean(outer, second)),
        }
    }

    #[inline(always)]
    const fn thirds(&self, at: u32) -> [u8; 4] {
        ((self.thirds >> (at * 8)) as u32).to_le_bytes()
    }

    #[inline(always)]
    const fn halves(&self, at: u32) -> [u8; 4] {
        ((self.halves >> (at * 8)) as u32).to_le_bytes()
    }
}

/// Returns the means, rounded up.
#[inline(always)]
fn mean<S: Simd>(a: u8x16<S>, b: u8x16<S>) -> u8x16<S> {
    (a | b) - ((a ^ b) >> 1)
}

/// Predicts along one of six directions.
#[inline(always)]
fn predict_diagonally(line: &Line, last: u8, mode: Small) -> Samples {
    match mode {
        Small::LeftDown => [6, 7, 8, 9].map(|at| line.thirds(at)),
        Small::RightDown => [4, 3, 2, 1].map(|at| line.thirds(at)),
        Small::VerticalRight => {
            let (first, second) = (line.halves(5), line.thirds(4));
            let [lowest, lower, ..] = line.thirds(2);
            [
                first,
                second,
                [lower, first[0], first[1], first[2]],
                [lowest, second[0], second[1], second[2]],
            ]
        }
        Small::VerticalLeft => {
            let (first, second) = (line.halves(6), line.thirds(6));
            let [third, fourth, ..] = line.thirds(10);
            [
                first,
                second,
                [first[1], first[2], first[3], third],
                [second[1], second[2], second[3], fourth],
            ]
        }
        Small::HorizontalDown => {
            let [h0, h1, h2, h3] = line.halves(1);
            let [t0, t1, t2, t3] = line.thirds(1);
            let [t4, t5, ..] = line.thirds(5);
            [
                [h3, t3, t4, t5],
                [h2, t2, h3, t3],
                [h1, t1, h2, t2],
                [h0, t0, h1, t1],
            ]
        }
        // Only the one that goes up from the left is left.
        _ => {
            let [_, h2, h1, h0] = line.halves(0);
            let [t2, t1, t0, _] = line.thirds(0);
            [
                [h0, t0, h1, t1],
                [h1, t1, h2, t2],
                [h2, t2, last, last],
                [last; 4],
            ]
        }
    }
}
