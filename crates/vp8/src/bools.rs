//! Compressed data as bits, each with a probability (section 7).
//!
//! 1. The highest 8 bits of the window are those that are compared with the split of the range, after both were
//!    shifted until the range has 8 bits. Behind them are the bits that come next.
//! 2. Where the data ends it is followed by zeros.
//!
//! Each bit waits for the range that the one before leaves, so what counts is how long that takes. Therefore the range is left as
//! it is until the next bit is asked for, and multiplied while it is being found out how far it has to be shifted. The product is
//! then added to and shifted once.

/// Reads bits from one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bools<'a> {
    /// Behind the bytes that are counted.
    rest: &'a [u8],
    window: u64,
    /// How many bits of the window are sure to be there.
    count: u32,
    /// How many values the highest bits can have: 1 to 255, and 128 or more when it is shifted.
    range: u32,
    /// How many zeros have followed the data.
    missing_bytes: u32,
}

impl<'a> Bools<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut bools = Self {
            rest: bytes,
            window: 0,
            count: 0,
            range: 255,
            missing_bytes: 0,
        };
        bools.refill();
        bools
    }

    /// Makes sure that there is enough for six [`Bools::next`], each of which takes at most 7 bits.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if let Some(next) = self.rest.first_chunk() {
            // What lies beyond the whole bytes that are counted is the same when it is read again.
            self.window |= u64::from_be_bytes(*next) >> (self.count & 63);
            let taken = (63 - self.count as usize) >> 3;
            self.rest = &self.rest[taken & 7..];
            self.count |= 56;
        } else {
            // By value, so that the fields can stay in registers.
            *self = self.refilled_at_end();
        }
    }

    /// Makes sure that there is enough for so many [`Bools::next`].
    #[inline(always)]
    pub(crate) fn ensure(&mut self, times: u32) {
        if self.count < 8 + 7 * times {
            self.refill();
        }
    }

    #[cold]
    #[inline(never)]
    fn refilled_at_end(mut self) -> Self {
        while self.count < 56 {
            let next = match self.rest.split_first() {
                Some((&next, rest)) => {
                    self.rest = rest;
                    next
                }
                None => {
                    self.missing_bytes += 1;
                    0
                }
            };
            self.window |= u64::from(next) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    /// Takes a bit that is 0 with a probability of so many 256ths.
    #[inline(always)]
    pub(crate) const fn next(&mut self, probability: u8) -> bool {
        let (range, split) = self.split(probability as u32);
        let bit = (self.window >> 56) as u32 >= split;
        if bit {
            self.window -= (split as u64) << 56;
            self.range = range - split;
        } else {
            self.range = split;
        }
        bit
    }

    /// Shifts range and window, and returns the range and the part of it that stands for 0.
    #[inline(always)]
    const fn split(&mut self, probability: u32) -> (u32, u32) {
        // 24 to 31, of which the lowest three bits are the shift.
        let zeros = self.range.leading_zeros();
        let shift = zeros & 7;
        let range = self.range << shift;
        // The same as 1 + ((range - 1) * probability >> 8): what is added is shifted the other way, beside the product.
        let rest = ((256 - probability as u64) << 24) >> zeros;
        let split = (self.range * probability + rest as u32) >> (32 - zeros);
        self.window <<= shift;
        self.count = self.count.wrapping_sub(shift);
        (range, split)
    }

    /// Takes a bit that is 0 as often as 1, and changes the sign of `value` if it is 1.
    #[inline(always)]
    pub(crate) fn with_sign(&mut self, value: i32) -> i32 {
        // Nobody can guess this bit, so there is no branch.
        let (range, split) = self.split(128);
        let edge = u64::from(split) << 56;
        let negative = self.window >= edge;
        self.window -= if negative { edge } else { 0 };
        self.range = if negative { range - split } else { split };
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
        self.missing_bytes * 8 > self.count
    }
}
