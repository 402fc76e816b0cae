//! Coefficients (section 13).

use fearless_simd::Simd;

use crate::bools::Bools;
use crate::header::Steps;
use crate::tables::Probabilities;

/// The coefficients of a block, row by row, each multiplied with its step.
pub(crate) type Block = [i16; 16];

/// The order in which coefficients are stored.
const ORDER: [u8; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];
/// Which band each place belongs to.
const BANDS: [usize; 16] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7];

/// The kinds of blocks, in the order of [`Probabilities`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Light whose first coefficients are in a block of their own.
    LightWithoutMeans,
    /// The first coefficients of the light.
    Means,
    Colour,
    /// Light with all of its coefficients.
    Light,
}

/// The probabilities of one kind of blocks for each place and context. The last place is behind the block; sizes are
/// powers of two.
pub(crate) type Places = [[[u8; 16]; 4]; 17];

/// The probabilities of all kinds of blocks.
#[derive(Debug)]
pub(crate) struct Tokens {
    kinds: Box<[Places; 4]>,
}

impl Tokens {
    pub(crate) fn new(probabilities: &Probabilities) -> Self {
        let mut kinds = Box::new([[[[0; 16]; 4]; 17]; 4]);
        for (places, bands) in kinds.iter_mut().zip(probabilities) {
            for (contexts, &band) in places.iter_mut().zip(&BANDS) {
                for (bits, from) in contexts.iter_mut().zip(&bands[band]) {
                    bits[..from.len()].copy_from_slice(from);
                }
            }
        }
        Self { kinds }
    }

    #[inline(always)]
    pub(crate) const fn of(&self, kind: Kind) -> &Places {
        &self.kinds[kind as usize]
    }
}

/// Reads the coefficients of a block from place `first` on. Returns the place behind the last one, or `first` if there are none.
#[inline(always)]
pub(crate) fn read_block<S: Simd>(
    simd: S,
    bools: &mut Bools<'_>,
    source: (&Places, Steps, (usize, usize)),
    block: &mut Block,
) -> usize {
    simd.vectorize(
        #[inline(always)]
        || read(bools, source, block),
    )
}

#[inline(always)]
fn read(
    to: &mut Bools<'_>,
    (places, steps, (first, context)): (&Places, Steps, (usize, usize)),
    block: &mut Block,
) -> usize {
    let mut bools = *to;
    let end = read_here(&mut bools, (places, steps), (first, context), block);
    *to = bools;
    end
}

#[inline(always)]
fn read_here(
    bools: &mut Bools<'_>,
    (places, steps): (&Places, Steps),
    (first, context): (usize, usize),
    block: &mut Block,
) -> usize {
    let mut at = first;
    let mut context = context & 3;
    let mut bits = Bits::load(&places[at & 15][context]);
    loop {
        bools.ensure(4);
        // All that may come next is loaded before it is known which of them it is.
        let mut next = &places[(at & 15) + 1];
        let [mut after_zero, mut after_one, mut after_more] = [0, 1, 2].map(|at| Bits::load(&next[at]));
        if !bools.next(bits.get(0)) {
            return at;
        }
        while !bools.next(bits.get(1)) {
            at += 1;
            if at >= 16 {
                return 16;
            }
            bits = after_zero;
            context = 0;
            next = &places[(at & 15) + 1];
            [after_zero, after_one, after_more] = [0, 1, 2].map(|at| Bits::load(&next[at]));
            bools.ensure(3);
        }
        let place = usize::from(ORDER[at & 15] & 15);
        let step = steps[usize::from(at > 0)];
        let value = if bools.next(bits.get(2)) {
            let value = read_large(bools, bits, &places[at & 15][context]);
            bits = after_more;
            context = 2;
            value
        } else {
            bits = after_one;
            context = 1;
            1
        };
        block[place] = (bools.with_sign(value) * step) as i16;
        at += 1;
        if at >= 16 {
            return 16;
        }
    }
}

/// The probabilities of the first eight bits of a token.
#[derive(Clone, Copy)]
struct Bits(u64);

impl Bits {
    #[inline(always)]
    const fn load(bits: &[u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *bits;
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    #[inline(always)]
    const fn get(self, at: u32) -> u8 {
        (self.0 >> (at * 8)) as u8
    }
}

/// Reads a value of 2 or more without its sign. Leaves enough for that one.
#[inline(always)]
fn read_large(bools: &mut Bools<'_>, bits: Bits, all: &[u8; 16]) -> i32 {
    bools.refill();
    if !bools.next(bits.get(3)) {
        if !bools.next(bits.get(4)) {
            return 2;
        }
        return 3 + i32::from(bools.next(bits.get(5)));
    }
    if !bools.next(bits.get(6)) {
        if !bools.next(bits.get(7)) {
            return 5 + i32::from(bools.next(159));
        }
        let high = i32::from(bools.next(165));
        return 7 + 2 * high + i32::from(bools.next(145));
    }
    // By value, so that the fields can stay in registers.
    let (value, behind) = read_huge(*bools, all);
    *bools = behind;
    value
}

/// Reads a value of 11 or more.
#[inline(never)]
fn read_huge<'a>(mut bools: Bools<'a>, bits: &[u8; 16]) -> (i32, Bools<'a>) {
    const EXTRA: [&[u8]; 4] = [
        &[173, 148, 140],
        &[176, 155, 140, 135],
        &[180, 157, 141, 134, 130],
        &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129],
    ];
    let high = usize::from(bools.next(bits[8]));
    let size = high * 2 + usize::from(bools.next(bits[9 + high]));
    let mut value = 0;
    for &probability in EXTRA[size] {
        bools.refill();
        value = value << 1 | i32::from(bools.next(probability));
    }
    bools.refill();
    (3 + (8 << size) + value, bools)
}
