//! Compressed data as bits, each with a probability (section 7).
//!
//! 1. The highest 8 bits of the window are those that are compared with the split of the range. Behind them are the
//!    bits that come next.
//! 2. Where the data ends it is followed by zeros.

/// Reads bits from one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bools<'a> {
    bytes: &'a [u8],
    /// Of the byte behind those that are counted.
    position: usize,
    window: u64,
    /// How many bits of the window are sure to be there.
    count: u32,
    /// How many values the highest bits can have: 128 to 255.
    range: u32,
}

impl<'a> Bools<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut bools = Self {
            bytes,
            position: 0,
            window: 0,
            count: 0,
            range: 255,
        };
        bools.refill();
        bools
    }

    /// Makes sure that there is enough for seven [`Bools::next`], each of which takes at most 7 bits.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if let Some(next) = self.bytes.get(self.position..)
            && let Some(next) = next.first_chunk()
        {
            // What lies beyond the whole bytes that are counted is the same when it is read again.
            self.window |= u64::from_be_bytes(*next) >> self.count;
            self.position += (63 - self.count as usize) >> 3;
            self.count |= 56;
        } else {
            self.refill_at_end();
        }
    }

    #[cold]
    #[inline(never)]
    fn refill_at_end(&mut self) {
        while self.count < 56 {
            let next = self.bytes.get(self.position).copied().unwrap_or(0);
            self.window |= u64::from(next) << (56 - self.count);
            self.position += 1;
            self.count += 8;
        }
    }

    /// Takes a bit that is 0 with a probability of so many 256ths.
    #[inline(always)]
    pub(crate) fn next(&mut self, probability: u8) -> bool {
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let edge = u64::from(split) << 56;
        let bit = self.window >= edge;
        if bit {
            self.window -= edge;
            self.range -= split;
        } else {
            self.range = split;
        }
        let shift = self.range.leading_zeros() & 7;
        self.range <<= shift;
        self.window <<= shift;
        self.count = self.count.wrapping_sub(shift);
        bit
    }

    /// Takes a bit that is 0 as often as 1, and changes the sign of `value` if it is 1.
    #[inline(always)]
    pub(crate) fn with_sign(&mut self, value: i32) -> i32 {
        // Nobody can guess this bit, so there is no branch.
        let split = (self.range + 1) >> 1;
        let edge = u64::from(split) << 56;
        let negative = self.window >= edge;
        self.window -= if negative { edge } else { 0 };
        self.range = if negative { self.range - split } else { split };
        let shift = self.range.leading_zeros() & 7;
        self.range <<= shift;
        self.window <<= shift;
        self.count = self.count.wrapping_sub(shift);
        let mask = -i32::from(negative);
        (value ^ mask) - mask
    }

    /// Takes a number of so many bits.
    pub(crate) fn number(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |number, _| {
            self.refill();
            number << 1 | u32::from(self.next(128))
        })
    }

    /// Takes a bit that is 0 as often as 1.
    pub(crate) fn flag(&mut self) -> bool {
        self.number(1) == 1
    }

    /// Takes a number of so many bits and its sign.
    pub(crate) fn signed(&mut self, bits: u32) -> i32 {
        let number = self.number(bits) as i32;
        if self.flag() { -number } else { number }
    }

    /// Takes a flag, and a number with a sign if it is set; 0 otherwise.
    pub(crate) fn optional(&mut self, bits: u32) -> i32 {
        if self.flag() { self.signed(bits) } else { 0 }
    }

    /// Whether more bits were taken than there are. The 8 that are compared need not be there.
    pub(crate) const fn is_exceeded(&self) -> bool {
        self.position * 8 - self.count as usize > self.bytes.len() * 8
    }
}
