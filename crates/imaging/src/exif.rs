//! Reads what matters here out of EXIF data, and nothing else.
//!
//! Cameras write EXIF with entries out of order, wrong types and lengths that point nowhere. Whatever cannot
//! be understood is skipped: a picture with broken EXIF is shown as it is stored.

use crate::Orientation;

const TAG_ORIENTATION: u16 = 0x0112;
const TAG_ARTIST: u16 = 0x013B;
const TAG_COPYRIGHT: u16 = 0x8298;
const TYPE_BYTE: u16 = 1;
const TYPE_TEXT: u16 = 2;
const TYPE_SHORT: u16 = 3;
const TYPE_LONG: u16 = 4;
const ENTRY_BYTES: usize = 12;
const TIFF_MAGIC: u16 = 42;
/// A name or a notice that is longer is none.
const CREDIT_BYTES_MAX: usize = 4 << 10;
/// What stands before EXIF in a JPEG, and before that in some files of other formats.
pub(crate) const PREFIX: &[u8] = b"Exif\0\0";

/// Finds the orientation in a TIFF structure, the payload of EXIF.
pub(crate) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    Directory::first(tiff)?.orientation()
}

/// Returns EXIF without the name that does not belong to it.
pub(crate) fn without_prefix(exif: &[u8]) -> &[u8] {
    exif.strip_prefix(PREFIX).unwrap_or(exif)
}

/// Returns a copy of EXIF that says that the picture is stored upright, as it is after it was turned.
pub(crate) fn upright(exif: &[u8]) -> Vec<u8> {
    let mut upright = exif.to_vec();
    let field = Directory::first(exif).and_then(|directory| directory.orientation_field());
    if let Some((field, little_endian)) = field {
        // One SHORT of value 1, whatever type and number were there.
        let one_short: [u8; ENTRY_BYTES - 2] = match little_endian {
            true => [3, 0, 1, 0, 0, 0, 1, 0, 0, 0],
            false => [0, 3, 0, 0, 0, 1, 0, 1, 0, 0],
        };
        upright[field..field + one_short.len()].copy_from_slice(&one_short);
    }
    upright
}

/// Makes EXIF of nothing but the artist and the copyright notice, if there is either.
pub(crate) fn credits(exif: &[u8]) -> Option<Vec<u8>> {
    let directory = Directory::first(exif)?;
    let texts: Vec<_> = [TAG_ARTIST, TAG_COPYRIGHT]
        .into_iter()
        .filter_map(|tag| Some((tag, directory.value(tag)?)))
        .filter(|(_, text)| !text.is_empty() && text.len() <= CREDIT_BYTES_MAX)
        .collect();
    if texts.is_empty() {
        return None;
    }
    let mut head = b"II\x2A\0\x08\0\0\0".to_vec();
    head.extend(u16::try_from(texts.len()).ok()?.to_le_bytes());
    let mut tail = Vec::new();
    let tail_start = head.len() + texts.len() * ENTRY_BYTES + 4;
    for (tag, text) in texts {
        head.extend(tag.to_le_bytes());
        head.extend(TYPE_TEXT.to_le_bytes());
        head.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
        if text.len() <= 4 {
            let mut field = [0; 4];
            field[..text.len()].copy_from_slice(text);
            head.extend(field);
        } else {
            head.extend(u32::try_from(tail_start + tail.len()).ok()?.to_le_bytes());
            tail.extend(text);
            // Values begin at even places.
            tail.resize(tail.len().next_multiple_of(2), 0);
        }
    }
    let no_next_directory = [0; 4];
    Some([head, no_next_directory.to_vec(), tail].concat())
}

/// The first directory of a TIFF structure.
///
/// It is read from front to back, so the work is bounded by its 65 535 entries, and nothing is allocated.
pub(crate) struct Directory<'a> {
    reader: Reader<'a>,
    /// Where its entries begin.
    start: usize,
    entries: usize,
}

impl<'a> Directory<'a> {
    pub(crate) fn first(tiff: &'a [u8]) -> Option<Self> {
        let reader = Reader::new(tiff)?;
        if reader.short(2)? != TIFF_MAGIC {
            return None;
        }
        let directory = reader.long(4)? as usize;
        Some(Self {
            start: directory.checked_add(2)?,
            entries: reader.short(directory)?.into(),
            reader,
        })
    }

    pub(crate) fn orientation(&self) -> Option<Orientation> {
        let value = self.number(TAG_ORIENTATION)?;
        Orientation::from_exif(value.try_into().ok()?)
    }

    /// Reads a value that should be one number.
    pub(crate) fn number(&self, tag: u16) -> Option<u32> {
        let entry = self.find(tag)?;
        self.reader.number(entry)
    }

    /// Returns the bytes of a value that may lie elsewhere in the structure, if each item has one byte.
    pub(crate) fn value(&self, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(tag)?;
        let length = self.reader.long(entry.checked_add(4)?)? as usize;
        let field = entry.checked_add(8)?;
        let start = if length <= 4 {
            field
        } else {
            self.reader.long(field)? as usize
        };
        self.reader.tiff.get(start..start.checked_add(length)?)
    }

    /// Whether another directory follows.
    pub(crate) fn has_next(&self) -> bool {
        let end = self.start.checked_add(self.entries * ENTRY_BYTES);
        end.and_then(|end| self.reader.long(end)).unwrap_or(0) != 0
    }

    /// Returns where the type of the orientation lies, with its number and its value behind it, and whether numbers
    /// there begin with their least significant byte.
    fn orientation_field(&self) -> Option<(usize, bool)> {
        let entry = self.find(TAG_ORIENTATION)?;
        self.reader
            .tiff
            .get(entry..entry.checked_add(ENTRY_BYTES)?)?;
        Some((entry + 2, self.reader.little_endian))
    }

    fn find(&self, tag: u16) -> Option<usize> {
        (0..self.entries)
            .map_while(|index| self.start.checked_add(index * ENTRY_BYTES))
            .find(|&entry| self.reader.short(entry) == Some(tag))
    }
}

/// Reads numbers in the byte order that the structure declares. Every read is checked.
struct Reader<'a> {
    tiff: &'a [u8],
    little_endian: bool,
}

impl<'a> Reader<'a> {
    fn new(tiff: &'a [u8]) -> Option<Self> {
        let little_endian = match tiff.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        Some(Self {
            tiff,
            little_endian,
        })
    }

    /// Reads the value of a directory entry, which should be one SHORT or LONG but is not always.
    fn number(&self, entry: usize) -> Option<u32> {
        let field = entry.checked_add(8)?;
        match self.short(entry.checked_add(2)?)? {
            TYPE_BYTE => self.tiff.get(field).map(|&byte| byte.into()),
            TYPE_SHORT => self.short(field).map(Into::into),
            TYPE_LONG => self.long(field),
            _ => None,
        }
    }

    fn short(&self, offset: usize) -> Option<u16> {
        let bytes = self.bytes(offset)?;
        Some(if self.little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, offset: usize) -> Option<u32> {
        let bytes = self.bytes(offset)?;
        Some(if self.little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    fn bytes<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.tiff.get(offset..)?.first_chunk().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a TIFF structure, most significant byte first, with these directory entries: tag, type, value field.
    fn tiff(entries: &[(u16, u16, [u8; 4])]) -> Vec<u8> {
        let mut tiff = b"MM\0\x2A\0\0\0\x08".to_vec();
        tiff.extend((entries.len() as u16).to_be_bytes());
        for (tag, kind, value) in entries {
            tiff.extend(tag.to_be_bytes());
            tiff.extend(kind.to_be_bytes());
            tiff.extend(1_u32.to_be_bytes());
            tiff.extend(value);
        }
        tiff
    }

    const LARGER_TAG: (u16, u16, [u8; 4]) = (0x8769, TYPE_LONG, [0, 0, 0, 26]);

    #[test]
    fn entries_may_be_out_of_order() {
        let found = orientation(&tiff(&[
            LARGER_TAG,
            (TAG_ORIENTATION, TYPE_SHORT, [0, 6, 0, 0]),
        ]));
        assert_eq!(found, Some(Orientation::Rotate90));
    }

    #[test]
    fn the_value_may_be_a_byte_or_a_long() {
        for (kind, value) in [(TYPE_BYTE, [8, 0, 0, 0]), (TYPE_LONG, [0, 0, 0, 8])] {
            let found = orientation(&tiff(&[(TAG_ORIENTATION, kind, value)]));
            assert_eq!(found, Some(Orientation::Rotate270));
        }
        let text = orientation(&tiff(&[(TAG_ORIENTATION, 2, *b"8\0\0\0")]));
        assert_eq!(text, None);
    }

    #[test]
    fn both_byte_orders_are_read() {
        let little = b"II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0";
        assert_eq!(orientation(little), Some(Orientation::Rotate180));
    }

    #[test]
    fn a_directory_that_claims_more_entries_than_there_are_is_read_as_far_as_it_goes() {
        let mut claims = tiff(&[(TAG_ORIENTATION, TYPE_SHORT, [0, 6, 0, 0])]);
        claims[8..10].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(orientation(&claims), Some(Orientation::Rotate90));

        let mut nothing = tiff(&[LARGER_TAG]);
        nothing[8..10].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(orientation(&nothing), None);
    }

    #[test]
    fn an_upright_copy_differs_in_nothing_else() {
        for (kind, value) in [(TYPE_SHORT, [0, 6, 0, 0]), (TYPE_LONG, [0, 0, 0, 8])] {
            let turned = tiff(&[LARGER_TAG, (TAG_ORIENTATION, kind, value), LARGER_TAG]);
            let expected = [
                LARGER_TAG,
                (TAG_ORIENTATION, TYPE_SHORT, [0, 1, 0, 0]),
                LARGER_TAG,
            ];
            assert_eq!(upright(&turned), tiff(&expected));
        }
        assert_eq!(upright(b"no EXIF"), b"no EXIF");
    }

    #[test]
    fn credits_are_read_as_they_are_written() {
        let notice = b"(c) somebody\0";
        let mut exif = tiff(&[LARGER_TAG, (TAG_COPYRIGHT, TYPE_TEXT, [0, 0, 0, 38])]);
        let number = 8 + 2 + ENTRY_BYTES + 4;
        exif[number..number + 4].copy_from_slice(&(notice.len() as u32).to_be_bytes());
        exif.extend([0; 4]);
        exif.extend(notice);
        let credits = credits(&exif).expect("there is a notice");
        let directory = Directory::first(&credits).expect("our own");
        assert_eq!(directory.value(TAG_COPYRIGHT), Some(&notice[..]));
        assert_eq!(directory.value(TAG_ARTIST), None);
        assert_eq!(super::credits(&tiff(&[LARGER_TAG])), None);
    }

    #[test]
    fn every_piece_of_a_structure_is_harmless() {
        let whole = tiff(&[LARGER_TAG, (TAG_ORIENTATION, TYPE_SHORT, [0, 6, 0, 0])]);
        for length in 0..whole.len() - 2 {
            assert_eq!(orientation(&whole[..length]), None, "cut at {length}");
        }
    }
}
