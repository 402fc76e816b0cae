//! A cursor that goes from marker to marker.

use crate::DecodeError;

/// A marker and what belongs to it.
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    pub(crate) data: &'a [u8],
}

pub(crate) struct Segments<'a> {
    input: &'a [u8],
    /// Behind what was read.
    pub(crate) position: usize,
}

impl<'a> Segments<'a> {
    pub(crate) const fn new(input: &'a [u8], position: usize) -> Self {
        Self { input, position }
    }

    /// Goes behind the next segment. Stray bytes before it are skipped.
    pub(crate) fn next(&mut self) -> Result<Segment<'a>, DecodeError> {
        const TOO_SHORT: DecodeError = DecodeError::Corrupt("the file ends too early");
        let marker = loop {
            let (marker, position) = find_marker(self.input, self.position).ok_or(TOO_SHORT)?;
            self.position = position + 2;
            if !matches!(marker, 0x01 | 0xD0..=0xD8) {
                break marker;
            }
        };
        if marker == 0xD9 {
            return Err(DecodeError::Corrupt("the file has no picture data"));
        }
        let rest = self.input.get(self.position..).unwrap_or_default();
        let length = rest.first_chunk().ok_or(TOO_SHORT)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let data = rest.get(2..length).ok_or(TOO_SHORT)?;
        self.position += length;
        Ok(Segment { marker, data })
    }
}

/// Finds the next marker from `position` on, and where its 0xFF is.
pub(crate) fn find_marker(input: &[u8], mut position: usize) -> Option<(u8, usize)> {
    loop {
        position += memchr::memchr(0xFF, input.get(position..)?)?;
        match *input.get(position + 1)? {
            0x00 => position += 2,
            // The second of two 0xFF may be the start of a marker itself.
            0xFF => position += 1,
            marker => return Some((marker, position)),
        }
    }
}
