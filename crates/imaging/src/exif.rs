//! Reads the orientation out of EXIF data, and nothing else.
//!
//! Cameras write EXIF with entries out of order, wrong types and lengths that point nowhere. Whatever cannot
//! be understood is skipped: a picture with broken EXIF is shown as it is stored.

use crate::Orientation;

const TAG_ORIENTATION: u16 = 0x0112;
const TYPE_BYTE: u16 = 1;
const TYPE_SHORT: u16 = 3;
const TYPE_LONG: u16 = 4;
const ENTRY_BYTES: usize = 12;
const TIFF_MAGIC: u16 = 42;

/// Finds the orientation in a TIFF structure, the payload of EXIF.
///
/// Only the first directory is read, once and from front to back; so the work is bounded by its 65 535
/// entries, and nothing is allocated.
pub(crate) fn orientation(tiff: &[u8]) -> Option<Orientation> {
    let reader = Reader::new(tiff)?;
    if reader.short(2)? != TIFF_MAGIC {
        return None;
    }
    let directory = reader.long(4)? as usize;
    let entries = usize::from(reader.short(directory)?);
    (0..entries)
        .map_while(|index| directory.checked_add(2 + index * ENTRY_BYTES))
        .find(|&entry| reader.short(entry) == Some(TAG_ORIENTATION))
        .and_then(|entry| reader.value(entry))
        .and_then(Orientation::from_exif)
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

    /// Reads the value of a directory entry, which should be one SHORT but is not always.
    fn value(&self, entry: usize) -> Option<u16> {
        let field = entry.checked_add(8)?;
        match self.short(entry.checked_add(2)?)? {
            TYPE_BYTE => self.tiff.get(field).map(|&byte| byte.into()),
            TYPE_SHORT => self.short(field),
            TYPE_LONG => self.long(field)?.try_into().ok(),
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
