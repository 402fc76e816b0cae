//! Compressed data as bits.
//!
//! 1. In the window are the next bytes, without the zeros that were stuffed behind each 0xFF. Where the data ends they are
//!    followed by zeros.
//! 2. Before each group of blocks there is at least as much of it as the largest group takes.

use crate::segment::find_marker;

/// How many bytes the window holds: they stay in the fastest cache.
const WINDOW_BYTES: usize = 8 << 10;
/// More than the largest group of blocks takes: 10 blocks of 64 coefficients of at most 31 bits, and what is read ahead.
const GROUP_BYTES_MAX: usize = 10 * 64 * 31 / 8 + 32;

/// The compressed data up to the next marker.
pub(crate) struct Window<'a> {
    input: &'a [u8],
    /// Where in the input the window ends.
    next: usize,
    bytes: Box<[u8; WINDOW_BYTES + GROUP_BYTES_MAX]>,
    end: usize,
    /// Whether a marker or the end of the input follows.
    is_last: bool,
}

/// The bits that come next, and where those behind them are in the window.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    /// From the highest bit on.
    buffer: u64,
    /// How many bits are sure to be there.
    count: u32,
    position: usize,
}

impl Bits {
    /// Makes sure that there are 56 bits.
    #[inline(always)]
    pub(crate) fn refill(&mut self, bytes: &[u8]) {
        if let Some(next) = bytes.get(self.position..)
            && let Some(next) = next.first_chunk()
        {
            // What lies beyond the whole bytes that are counted is the same when it is read again.
            self.buffer |= u64::from_be_bytes(*next) >> self.count;
            self.position += (63 - self.count as usize) >> 3;
            self.count |= 56;
        }
    }

    /// Looks at the next bits: 1 to 32 of those that [`Bits::refill`] gave.
    #[inline(always)]
    pub(crate) const fn peek(&self, count: u32) -> u32 {
        (self.buffer >> (64 - count)) as u32
    }

    #[inline(always)]
    pub(crate) const fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// Looks at `count` bits behind others: 0 to 16.
    #[inline(always)]
    pub(crate) const fn peek_behind(&self, others: u32, count: u32) -> u32 {
        (self.buffer << others >> 1 >> (63 - count)) as u32
    }
}

impl<'a> Window<'a> {
    pub(crate) fn new(input: &'a [u8], data: usize) -> Self {
        Self {
            input,
            next: data,
            bytes: Box::new([0; WINDOW_BYTES + GROUP_BYTES_MAX]),
            end: 0,
            is_last: false,
        }
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.bytes
    }

    /// Makes sure that there is enough for a group of blocks.
    #[inline(always)]
    pub(crate) fn prepare(&mut self, bits: &mut Bits) {
        if bits.position + GROUP_BYTES_MAX > self.end && !self.is_last {
            self.fill(bits);
        }
    }

    /// Whether more bits were taken than there are.
    #[inline(always)]
    pub(crate) const fn is_exceeded(&self, bits: &Bits) -> bool {
        self.is_last && bits.position * 8 > self.end * 8 + bits.count as usize
    }

    #[inline(never)]
    fn fill(&mut self, bits: &mut Bits) {
        let position = bits.position.min(self.end);
        self.bytes.copy_within(position..self.end, 0);
        self.end -= position;
        bits.position = 0;
        while !self.is_last && self.end < WINDOW_BYTES {
            self.copy_run();
        }
        let padding = self.end..self.end + GROUP_BYTES_MAX;
        self.bytes[padding].fill(0);
    }

    /// Copies what comes before the next 0xFF, and that if it is data.
    fn copy_run(&mut self) {
        let rest = self.input.get(self.next..).unwrap_or_default();
        let rest = &rest[..rest.len().min(WINDOW_BYTES - self.end)];
        let found = memchr::memchr(0xFF, rest);
        let run = &rest[..found.unwrap_or(rest.len())];
        self.bytes[self.end..self.end + run.len()].copy_from_slice(run);
        self.end += run.len();
        self.next += run.len();
        if found.is_none() {
            self.is_last = self.next >= self.input.len();
            return;
        }
        match self.input.get(self.next + 1) {
            Some(0) => {
                self.bytes[self.end] = 0xFF;
                self.end += 1;
                self.next += 2;
            }
            // Fill bytes may come before a marker.
            Some(0xFF) => self.next += 1,
            _ => self.is_last = true,
        }
    }

    /// Returns the marker that ends this data, and goes to it. Without one, the data ends where the file does.
    pub(crate) fn marker(&mut self) -> Option<u8> {
        let (marker, position) = find_marker(self.input, self.next)?;
        self.next = position;
        Some(marker)
    }

    /// Goes behind the marker that ends this data.
    pub(crate) fn pass_marker(&mut self) {
        self.next += 2;
    }

    /// Starts with the data at this place.
    pub(crate) fn restart(&mut self) -> Bits {
        self.end = 0;
        self.is_last = false;
        Bits::default()
    }

    /// Treats what follows as the end of the data.
    pub(crate) fn give_up(&mut self) {
        self.end = 0;
        self.is_last = true;
    }
}
