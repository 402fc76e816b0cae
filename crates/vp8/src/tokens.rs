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
type Places = [[[u8; 16]; 4]; 17];

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

    /// Returns how blocks of that kind are stored, with these steps.
    #[inline(always)]
    pub(crate) const fn coding(&self, kind: Kind, steps: Steps) -> Coding<'_> {
        Coding {
            places: &self.kinds[kind as usize],
            steps,
            first: matches!(kind, Kind::LightWithoutMeans) as usize,
        }
    }
}

/// How the blocks of a kind are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coding<'a> {
    places: &'a Places,
    steps: Steps,
    /// The first place that is stored.
    pub(crate) first: usize,
}

/// Reads the coefficients of a block. Returns the place behind the last one, or [`Coding::first`] if there are none.
#[inline(always)]
pub(crate) fn read_block<S: Simd>(
    simd: S,
    bools: &mut Bools<'_>,
    (coding, context): (Coding<'_>, usize),
    block: &mut Block,
) -> usize {
    bools.ensure(4);
    if !bools.next(coding.places[coding.first & 15][context & 3][0]) {
        return coding.first;
    }
    // A function of its own: as a part of its callers it would not have enough registers.
    simd.vectorize(
        #[inline(always)]
        || {
            let mut here = *bools;
            let end = read_filled(&mut here, (coding, context), block);
            *bools = here;
            end
        },
    )
}

/// Reads the coefficients of a block that has some.
#[inline(always)]
fn read_filled(
    bools: &mut Bools<'_>,
    (coding, context): (Coding<'_>, usize),
    block: &mut Block,
) -> usize {
    let Coding { places, steps, .. } = coding;
    let (mut at, mut context) = (coding.first, context & 3);
    let mut bits = Bits::load(&places[at & 15][context]);
    loop {
        // All that may come next is loaded before it is known which of them it is.
        let mut next = Bits::load_all(&places[(at & 15) + 1]);
        while !bools.next(bits.get(1)) {
            at += 1;
            if at >= 16 {
                return 16;
            }
            (bits, context) = (next[0], 0);
            next = Bits::load_all(&places[(at & 15) + 1]);
            bools.ensure(3);
        }
        let value = if bools.next(bits.get(2)) {
            let value = read_large(bools, bits, &places[at & 15][context]);
            (bits, context) = (next[2], 2);
            value
        } else {
            (bits, context) = (next[1], 1);
            1
        };
        let value = bools.with_sign(value) * steps[usize::from(at > 0)];
        block[usize::from(ORDER[at & 15] & 15)] = value as i16;
        at += 1;
        if at >= 16 {
            return 16;
        }
        bools.ensure(4);
        if !bools.next(bits.get(0)) {
            return at;
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

    /// Loads those of all contexts.
    #[inline(always)]
    fn load_all(contexts: &[[u8; 16]; 4]) -> [Self; 3] {
        [0, 1, 2].map(|context| Self::load(&contexts[context]))
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
