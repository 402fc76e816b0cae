//! Huffman codes as tables that are looked up with the next bits.

use crate::DecodeError;

/// How many bits tell a symbol at once; longer codes take a search. Most codes are shorter, and so many entries leave room for
/// others in the fastest cache.
pub(crate) const LOOKUP_BITS: u32 = 11;
/// The same for symbols that are skipped. With one more, the tables of two colours leave the fastest cache.
pub(crate) const SKIP_BITS: u32 = 13;
/// The longest code.
const CODE_BITS_MAX: u32 = 16;

/// A Huffman code as the file describes it.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// For each length, the first code that is too large for it, as [`CODE_BITS_MAX`] bits.
    ends: [u32; 17],
    /// For each length, what is added to a code to give the index of its symbol.
    offsets: [i32; 17],
    symbols: Box<[u8; 256]>,
}

impl Code {
    /// Makes a code of the number of symbols of each length, and the symbols.
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, DecodeError> {
        let mut all = Box::new([0; 256]);
        let room = all.get_mut(..symbols.len());
        room.ok_or(DecodeError::Corrupt("a Huffman table has too many symbols"))?
            .copy_from_slice(symbols);
        let (mut ends, mut offsets) = ([0; 17], [0; 17]);
        let (mut next, mut index) = (0_u32, 0);
        for (length, &count) in (1..).zip(counts) {
            next <<= 1;
            offsets[length] = index - next as i32;
            next += u32::from(count);
            index += i32::from(count);
            if next > 1 << length {
                return Err(DecodeError::Corrupt("a Huffman table has too many codes"));
            }
            ends[length] = next << (CODE_BITS_MAX as usize - length);
        }
        Ok(Self {
            ends,
            offsets,
            symbols: all,
        })
    }

    /// Finds the code at the start of 16 bits: its symbol and its length.
    #[inline]
    pub(crate) fn find(&self, bits: u32) -> Option<(u8, u32)> {
        let length = (1..17).find(|&length| bits < self.ends[length])?;
        let code = (bits >> (CODE_BITS_MAX as usize - length)) as i32;
        let index = (code + self.offsets[length]) as usize;
        Some((*self.symbols.get(index)?, length as u32))
    }
}

/// Returns the number that `size` bits stand for: those that start with 0 are negative.
#[inline(always)]
pub(crate) const fn extend(bits: u32, size: u32) -> i32 {
    // A size of 0 comes with no bits and gives 0.
    let bits = bits as i32;
    let is_negative = (bits << 1 >> size) ^ 1;
    bits - (is_negative & 1) * ((1 << size) - 1)
}

/// What a symbol says of the bits behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry(u32);

/// What the end of a block counts, as that of all its coefficients.
const ENTRY_END: u32 = 64;

impl Entry {
    const UNKNOWN: Self = Self(0);

    const fn new(symbol: u8, length: u32) -> Self {
        let (run, size) = ((symbol >> 4) as u32, (symbol & 0x0F) as u32);
        let advance = if size == 0 && run != 15 {
            ENTRY_END
        } else {
            run + 1
        };
        Self((length + size) | (size << 8) | (advance << 16))
    }

    /// Whether the code is too long for the table.
    #[inline(always)]
    pub(crate) const fn is_unknown(self) -> bool {
        self.0 == Self::UNKNOWN.0
    }

    /// How many bits the code and the value take: 1 to 31.
    #[inline(always)]
    pub(crate) const fn bits(self) -> u32 {
        self.0 & 0x3F
    }

    /// How many of them are the value.
    #[inline(always)]
    pub(crate) const fn size(self) -> u32 {
        self.0 >> 8 & 0x0F
    }

    /// How many places it goes on in the block.
    #[inline(always)]
    pub(crate) const fn advance(self) -> usize {
        (self.0 >> 16) as usize
    }
}

/// Tells symbols by the next bits.
#[derive(Debug)]
pub(crate) struct Lookup {
    entries: Box<[Entry; 1 << LOOKUP_BITS]>,
    code: Code,
}

impl Lookup {
    pub(crate) fn new(code: &Code) -> Self {
        let mut entries = Box::new([Entry::UNKNOWN; 1 << LOOKUP_BITS]);
        for (bits, entry) in (0_u32..).zip(entries.iter_mut()) {
            let found = code.find(bits << (CODE_BITS_MAX - LOOKUP_BITS));
            if let Some((symbol, length)) = found
                && length <= LOOKUP_BITS
            {
                *entry = Entry::new(symbol, length);
            }
        }
        let code = code.clone();
        Self { entries, code }
    }

    /// Looks at [`LOOKUP_BITS`] bits.
    #[inline(always)]
    pub(crate) fn get(&self, bits: u32) -> Entry {
        self.entries[bits as usize & ((1 << LOOKUP_BITS) - 1)]
    }

    /// Looks at 16 bits, and finds codes of any length.
    #[cold]
    #[inline(never)]
    pub(crate) fn find(&self, bits: u32) -> Option<Entry> {
        let (symbol, length) = self.code.find(bits)?;
        Some(Entry::new(symbol, length))
    }
}

/// Says how many coefficients the next bits stand for, several symbols at once.
#[derive(Debug)]
pub(crate) struct Skips {
    entries: Box<[u16; 1 << SKIP_BITS]>,
}

/// What several symbols come to, if their values are of no interest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Skip(u16);

/// What the end of a block counts, more than any number of coefficients.
pub(crate) const END_OF_BLOCK: usize = 1 << 10;

impl Skip {
    /// How many bits they take; 0 if the table does not tell.
    #[inline(always)]
    pub(crate) const fn bits(self) -> u32 {
        (self.0 & 0x0F) as u32
    }

    /// How many coefficients they stand for.
    #[inline(always)]
    pub(crate) const fn count(self) -> usize {
        (self.0 >> 4) as usize
    }
}

impl Skips {
    /// A table that tells nothing, where hardly anything is skipped.
    pub(crate) fn none() -> Self {
        Self {
            entries: Box::new([0; 1 << SKIP_BITS]),
        }
    }

    pub(crate) fn new(code: &Code) -> Self {
        let mut entries = Box::new([0; 1 << SKIP_BITS]);
        for (bits, entry) in (0_u32..).zip(entries.iter_mut()) {
            *entry = skip_for(code, bits << (CODE_BITS_MAX - SKIP_BITS));
        }
        Self { entries }
    }

    #[inline(always)]
    pub(crate) fn get(&self, bits: usize) -> Skip {
        Skip(self.entries[bits & ((1 << SKIP_BITS) - 1)])
    }
}

/// Adds up all symbols that are whole within the first bits of 16.
fn skip_for(code: &Code, bits: u32) -> u16 {
    let (mut taken, mut count) = (0, 0);
    while let Some((symbol, length)) = code.find(bits << taken & 0xFFFF) {
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 0x0F));
        if taken + length + size > SKIP_BITS {
            break;
        }
        taken += length + size;
        if size == 0 && run != 15 {
            count += END_OF_BLOCK;
            break;
        }
        count += run + 1;
        if taken == SKIP_BITS {
            break;
        }
    }
    (taken | (count as u32) << 4) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_the_standard_says() {
        for (bits, size, value) in [
            (0, 0, 0),
            (0, 1, -1),
            (1, 1, 1),
            (0, 3, -7),
            (3, 3, -4),
            (4, 3, 4),
            (7, 3, 7),
        ] {
            assert_eq!(extend(bits, size), value, "{bits} in {size} bits");
        }
    }

    #[test]
    fn a_table_with_too_many_codes_is_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Code::new(&counts, &[1, 2, 3]).is_err());
    }
}
