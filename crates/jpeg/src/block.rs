//! The coefficients of a block, undone from their Huffman coding.
//!
//! Processors guess well which way a branch goes that nearly always goes the same way. So values are computed even where
//! there are none, and the end of a block is a coefficient that lies behind it.

use crate::bits::Bits;
use crate::huffman::{END_OF_BLOCK, Entry, LOOKUP_BITS, Lookup, SKIP_BITS, Skips, extend};
use crate::tables::{Assigned, ORDER};

/// The coefficients of a block, transposed; and room for what lies behind it.
pub(crate) type Block = [i16; 128];

/// The tables that a component uses.
#[derive(Debug)]
pub(crate) struct Codes {
    pub(crate) first: Lookup,
    pub(crate) others: Lookup,
    pub(crate) skips: Skips,
}

impl Codes {
    /// Makes the tables; that for coefficients that are skipped only if there are many of those.
    pub(crate) fn new(assigned: &Assigned, skips_many: bool) -> Self {
        Self {
            first: Lookup::new(&assigned.first),
            others: Lookup::new(&assigned.others),
            skips: match skips_many {
                true => Skips::new(&assigned.others),
                false => Skips::none(),
            },
        }
    }
}

/// Why a block is not as it should be: a code that there is none of.
pub(crate) struct Damaged;

/// Symbols that are known at once take at most 26 bits, so there are enough for two.
const SYMBOLS_PER_REFILL: usize = 2;
/// The same for entries of [`Skips`].
const SKIPS_PER_REFILL: usize = 4;

/// Returns what the next symbol says.
#[inline(always)]
fn next_entry(lookup: &Lookup, bits: &mut Bits, bytes: &[u8]) -> Result<Entry, Damaged> {
    let entry = lookup.get(bits.peek(LOOKUP_BITS));
    if !entry.is_unknown() {
        return Ok(entry);
    }
    bits.refill(bytes);
    lookup.find(bits.peek(16)).ok_or(Damaged)
}

/// Takes a symbol and returns its value; 0 if it has none.
#[inline(always)]
fn take_value(entry: Entry, bits: &mut Bits) -> i32 {
    let size = entry.size();
    let value = extend(bits.peek_behind(entry.bits() - size, size), size);
    bits.skip(entry.bits());
    value
}

/// Reads by how much the first coefficient differs from that of the block before.
#[inline(always)]
pub(crate) fn read_first(codes: &Codes, bits: &mut Bits, bytes: &[u8]) -> Result<i32, Damaged> {
    bits.refill(bytes);
    let entry = next_entry(&codes.first, bits, bytes)?;
    Ok(take_value(entry, bits))
}

/// Reads the other coefficients up to place `last`, and skips those behind it. Returns whether there are any.
#[inline(always)]
pub(crate) fn read_others(
    codes: &Codes,
    (bits, bytes): (&mut Bits, &[u8]),
    last: usize,
    block: &mut Block,
) -> Result<bool, Damaged> {
    let mut at = 0;
    'block: loop {
        bits.refill(bytes);
        for _ in 0..SYMBOLS_PER_REFILL {
            let entry = next_entry(&codes.others, bits, bytes)?;
            at += entry.advance();
            block[usize::from(ORDER[at & 127] & 127)] = take_value(entry, bits) as i16;
            if at >= last {
                break 'block;
            }
        }
    }
    if at < 63 {
        skip_others(codes, (bits, bytes), at)?;
    }
    Ok(at != 64)
}

/// Skips the coefficients behind place `at`.
#[inline(always)]
pub(crate) fn skip_others(
    codes: &Codes,
    (bits, bytes): (&mut Bits, &[u8]),
    mut at: usize,
) -> Result<(), Damaged> {
    loop {
        bits.refill(bytes);
        for _ in 0..SKIPS_PER_REFILL {
            let skip = codes.skips.get(bits.peek(SKIP_BITS) as usize);
            let next = at + skip.count();
            if next < 63 && skip.bits() != 0 {
                bits.skip(skip.bits());
                at = next;
                continue;
            }
            // All coefficients before the end of the block have to be in the block.
            if next == 63 || (END_OF_BLOCK..END_OF_BLOCK + 63).contains(&next) {
                bits.skip(skip.bits());
                return Ok(());
            }
            // Either a long code, or the block ends within those bits.
            bits.refill(bytes);
            let entry = next_entry(&codes.others, bits, bytes)?;
            bits.skip(entry.bits());
            at += entry.advance();
            if at >= 63 {
                return Ok(());
            }
            bits.refill(bytes);
        }
    }
}
