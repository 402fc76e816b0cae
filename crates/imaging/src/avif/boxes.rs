//! Boxes, of which the file consists (ISO/IEC 14496-12, 4.2), and the numbers in them.

/// A box: its kind and what is in it.
pub(super) struct Piece<'a> {
    pub(super) kind: [u8; 4],
    pub(super) data: &'a [u8],
}

/// Goes from box to box, and ends where one is incomplete.
#[derive(Clone)]
pub(super) struct Boxes<'a> {
    rest: &'a [u8],
}

impl<'a> Boxes<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Returns what is in the first box of a kind.
    pub(super) fn find(mut self, kind: [u8; 4]) -> Option<&'a [u8]> {
        let piece = Iterator::find(&mut self, |piece| piece.kind == kind)?;
        Some(piece.data)
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let mut fields = Fields::new(self.rest);
        let short = fields.long()?;
        let kind = fields.array()?;
        let length = match short {
            // The last box may reach to the end without saying how far that is.
            0 => self.rest.len(),
            1 => fields.number(8)?.try_into().ok()?,
            length => length as usize,
        };
        let head = self.rest.len() - fields.rest().len();
        let data = self.rest.get(head..length)?;
        self.rest = self.rest.get(length..)?;
        Some(Piece { kind, data })
    }
}

/// Reads numbers one after the other, most significant byte first, as far as there are any.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Reads the version and the flags that many boxes begin with.
    pub(super) fn version(&mut self) -> Option<(u8, u32)> {
        let word = self.long()?;
        Some(((word >> 24) as u8, word & 0xFF_FFFF))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads a number that has two bytes in old versions of a box and four in new ones.
    pub(super) fn short_or_long(&mut self, is_long: bool) -> Option<u32> {
        match is_long {
            true => self.long(),
            false => self.short().map(u32::from),
        }
    }

    /// Reads a number of up to eight bytes; one of none is 0.
    pub(super) fn number(&mut self, length: u8) -> Option<u64> {
        if length > 8 {
            return None;
        }
        let bytes = self.bytes(length.into())?;
        Some(
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
        )
    }

    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Reads text up to the zero behind it.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let length = memchr::memchr(0, self.rest)?;
        let text = self.bytes(length)?;
        self.byte()?;
        Some(text)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    /// Returns what was not read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &[u8], expected: &[&str]) {
        let kinds = Boxes::new(data).map(|piece| {
            let text = String::from_utf8_lossy(piece.data).into_owned();
            format!("{}:{text}", String::from_utf8_lossy(&piece.kind))
        });
        assert_eq!(kinds.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_box_says_how_long_it_is_in_three_ways() {
        check(b"\0\0\0\x0Aabcdxy\0\0\0\x08free", &["abcd:xy", "free:"]);
        check(
            b"\0\0\0\x01long\0\0\0\0\0\0\0\x12xy\0\0\0\0last:)",
            &["long:xy", "last::)"],
        );
    }

    #[test]
    fn boxes_end_where_one_makes_no_sense() {
        check(b"", &[]);
        check(b"\0\0\0\x07abcd", &[]);
        check(b"\0\0\0\x08free\0\0\0\x09abcd", &["free:"]);
        check(b"\0\0\0\x01long\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", &[]);
        check(b"\0\0\0\x01long\0\0\0\0\0\0\0\x0F", &[]);
    }

    #[test]
    fn numbers_are_read_as_far_as_there_are_any() {
        let mut fields = Fields::new(b"\x01\0\0\x02\x03text\0\xFF");
        assert_eq!(fields.version(), Some((1, 2)));
        assert_eq!((fields.number(0), fields.number(1)), (Some(0), Some(3)));
        assert_eq!((fields.text(), fields.text()), (Some(&b"text"[..]), None));
        assert_eq!(
            (fields.short(), fields.number(9), fields.rest()),
            (None, None, &b"\xFF"[..])
        );
    }
}
