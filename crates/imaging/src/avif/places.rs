//! Where the data of an item is: the box `iloc` (ISO/IEC 14496-12, 8.11.3).

use std::borrow::Cow;

use super::boxes::Fields;
use super::container::{Container, ITEMS_MAX, Id, corrupt, unsupported};
use crate::ImageError;

impl<'a> Container<'a> {
    /// Returns the data of an item. It is copied only if it lies in several pieces.
    pub(super) fn data_of(&self, id: Id) -> Result<Cow<'a, [u8]>, ImageError> {
        let place = Place::find(self.places, id)
            .ok_or_else(|| corrupt("the box `iloc` does not say where an item is"))?;
        if place.is_elsewhere {
            return Err(unsupported("data in another file"));
        }
        let source = match place.method {
            0 => self.input,
            1 => self.data,
            _ => return Err(unsupported("items made of other items")),
        };
        let mut extents = place.extents;
        let mut next = || {
            let extent = extents.next()?;
            Some(extent.and_then(|extent| extent.within(source)))
        };
        let first = next().ok_or_else(|| corrupt("an item has no data"))?;
        let mut data = Cow::Borrowed(first.ok_or_else(outside)?);
        while let Some(more) = next() {
            let more = more.ok_or_else(outside)?;
            // Pieces that overlap could make much of little.
            if data.len() + more.len() > source.len() {
                return Err(outside());
            }
            data.to_mut().extend_from_slice(more);
        }
        Ok(data)
    }
}

fn outside() -> ImageError {
    corrupt("an item is not within the file, or not all of it")
}

/// An entry of `iloc`.
struct Place<'a> {
    /// 0 if it counts from the start of the file, 1 if from that of `idat`.
    method: u16,
    is_elsewhere: bool,
    extents: Extents<'a>,
}

impl<'a> Place<'a> {
    fn find(places: &'a [u8], id: Id) -> Option<Self> {
        let mut fields = Fields::new(places);
        let (version, _) = fields.version()?;
        let sizes = fields.short()?;
        let size = |at: u32| (sizes >> (12 - 4 * at)) as u8 & 15;
        let count = fields.short_or_long(version > 1)?;
        for _ in 0..count.min(ITEMS_MAX) {
            let found = fields.short_or_long(version > 1)?;
            let method = match version {
                0 => 0,
                _ => fields.short()? & 15,
            };
            let is_elsewhere = fields.short()? != 0;
            let base = fields.number(size(2))?;
            let left = fields.short()?;
            let index_bytes = if version > 0 { size(3) } else { 0 };
            let lengths = [index_bytes, size(0), size(1)];
            let bytes: u32 = lengths.into_iter().map(u32::from).sum();
            let extents = Extents {
                fields: Fields::new(fields.bytes((u32::from(left) * bytes) as usize)?),
                base,
                lengths,
                left,
            };
            if found == id {
                return Some(Self {
                    method,
                    is_elsewhere,
                    extents,
                });
            }
        }
        None
    }
}

/// The pieces of an item.
struct Extents<'a> {
    fields: Fields<'a>,
    base: u64,
    /// How many bytes an index, an offset and a length have.
    lengths: [u8; 3],
    left: u16,
}

impl Iterator for Extents<'_> {
    type Item = Option<Extent>;

    fn next(&mut self) -> Option<Option<Extent>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read())
    }
}

impl Extents<'_> {
    fn read(&mut self) -> Option<Extent> {
        let [index, offset, length] = self.lengths;
        self.fields.number(index)?;
        Some(Extent {
            start: self.base.checked_add(self.fields.number(offset)?)?,
            length: self.fields.number(length)?,
        })
    }
}

struct Extent {
    start: u64,
    /// 0 if it goes on to the end.
    length: u64,
}

impl Extent {
    fn within<'a>(&self, source: &'a [u8]) -> Option<&'a [u8]> {
        let rest = source.get(usize::try_from(self.start).ok()?..)?;
        match self.length {
            0 => Some(rest),
            length => rest.get(..usize::try_from(length).ok()?),
        }
    }
}
