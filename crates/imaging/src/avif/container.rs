//! The items of a file: which there are, of which kind, and how they belong together (ISO/IEC 14496-12, 8.11).
//!
//! Nothing is allocated, and whoever asks for an item goes through the list of them again. So the list has a limit.

use super::boxes::{Boxes, Fields, Piece};
use crate::{Format, ImageError};

/// How many items a file may have. A grid of a thousand pieces with opacity has two thousand and a few.
pub(super) const ITEMS_MAX: u32 = 4096;

/// The number of an item.
pub(super) type Id = u32;

/// The parts of a file that lead to its picture.
#[derive(Clone, Copy)]
pub(super) struct Container<'a> {
    pub(super) input: &'a [u8],
    /// The item that is the picture.
    pub(super) primary: Id,
    /// Whether there are other pictures, one after the other in time.
    pub(super) is_animated: bool,
    /// `iinf`: of which kind each item is.
    kinds: &'a [u8],
    /// `iloc`: where each item is.
    pub(super) places: &'a [u8],
    /// `iref`: which item belongs to which, if any does.
    references: &'a [u8],
    /// `iprp`: what the items are like.
    pub(super) properties: &'a [u8],
    /// `idat`: data of items that are small.
    pub(super) data: &'a [u8],
}

impl<'a> Container<'a> {
    /// Finds the parts, or says which one is missing.
    pub(super) fn read(input: &'a [u8]) -> Result<Self, ImageError> {
        let mut meta = None;
        let mut is_animated = false;
        for Piece { kind, data } in Boxes::new(input) {
            match &kind {
                b"meta" => meta = meta.or(data.get(4..)),
                b"moov" => is_animated = true,
                _ => {}
            }
        }
        let meta = meta.ok_or_else(|| match is_animated {
            true => unsupported("a sequence without a still picture"),
            false => corrupt("the box `meta` is missing or incomplete"),
        })?;
        let part = |kind| Boxes::new(meta).find(kind).unwrap_or_default();
        let primary = read_primary(part(*b"pitm"))
            .ok_or_else(|| corrupt("the box `pitm` does not say which item is the picture"))?;
        let container = Self {
            input,
            primary,
            is_animated,
            kinds: part(*b"iinf"),
            places: part(*b"iloc"),
            references: part(*b"iref"),
            properties: part(*b"iprp"),
            data: part(*b"idat"),
        };
        match container.item_count() {
            Some(count) if count > ITEMS_MAX => Err(unsupported("more than 4096 items")),
            Some(_) => Ok(container),
            None => Err(corrupt("the box `iinf` is missing or incomplete")),
        }
    }

    fn item_count(&self) -> Option<u32> {
        let mut fields = Fields::new(self.kinds);
        let (version, _) = fields.version()?;
        fields.short_or_long(version > 0)
    }

    /// Goes through the items.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'a>> {
        let mut fields = Fields::new(self.kinds);
        let head = fields
            .version()
            .and_then(|(version, _)| fields.short_or_long(version > 0));
        let entries = match head {
            Some(_) => fields.rest(),
            None => &[],
        };
        let infos = Boxes::new(entries).filter(|piece| piece.kind == *b"infe");
        infos
            .take(ITEMS_MAX as usize)
            .filter_map(|piece| Item::read(piece.data))
    }

    /// Finds an item by its number.
    pub(super) fn item(&self, id: Id) -> Option<Item<'a>> {
        self.items().find(|item| item.id == id)
    }

    /// Goes through the references of a kind: which item refers to which others.
    fn references(&self, kind: [u8; 4]) -> impl Iterator<Item = (Id, References<'a>)> {
        let mut fields = Fields::new(self.references);
        let is_long = fields.version().is_some_and(|(version, _)| version > 0);
        let pieces = Boxes::new(fields.rest()).filter(move |piece| piece.kind == kind);
        pieces.filter_map(move |piece| {
            let mut fields = Fields::new(piece.data);
            let from = fields.short_or_long(is_long)?;
            let left = fields.short()?;
            let to = References {
                fields,
                is_long,
                left,
            };
            Some((from, to))
        })
    }

    /// Goes through the items to which this one refers.
    pub(super) fn referred_by(&self, kind: [u8; 4], from: Id) -> impl Iterator<Item = Id> {
        let mut references = self.references(kind);
        let found = references.find(|&(by, _)| by == from);
        found.into_iter().flat_map(|(_, to)| to)
    }

    /// Goes through the items that refer to one of these, which are in order.
    pub(super) fn referring(&self, kind: [u8; 4], to: &[Id]) -> impl Iterator<Item = Id> {
        let references = self.references(kind).take(ITEMS_MAX as usize);
        references.filter_map(|(from, mut referred)| {
            let is_meant = |id| to.binary_search(&id).is_ok();
            referred.any(is_meant).then_some(from)
        })
    }
}

/// An item.
pub(super) struct Item<'a> {
    pub(super) id: Id,
    pub(super) kind: [u8; 4],
    /// The media type of one of the kind `mime`.
    pub(super) media_type: &'a [u8],
}

impl<'a> Item<'a> {
    /// Reads an entry of version 2 or 3, the only ones that name a kind.
    fn read(entry: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(entry);
        let (version, _) = fields.version()?;
        if !(2..=3).contains(&version) {
            return None;
        }
        let id = fields.short_or_long(version > 2)?;
        let protection = fields.short()?;
        let kind = fields.array()?;
        let media_type = match &kind {
            b"mime" => {
                fields.text()?;
                fields.text()?
            }
            _ => &[],
        };
        // What is encrypted is of no use.
        (protection == 0).then_some(Self {
            id,
            kind,
            media_type,
        })
    }
}

/// The items to which another one refers.
#[derive(Clone)]
struct References<'a> {
    fields: Fields<'a>,
    is_long: bool,
    left: u16,
}

impl Iterator for References<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.left = self.left.checked_sub(1)?;
        self.fields.short_or_long(self.is_long)
    }
}

fn read_primary(data: &[u8]) -> Option<Id> {
    let mut fields = Fields::new(data);
    let (version, _) = fields.version()?;
    fields.short_or_long(version > 0)
}

pub(super) fn corrupt(reason: &'static str) -> ImageError {
    ImageError::corrupt(Format::Avif, reason)
}

pub(super) const fn unsupported(feature: &'static str) -> ImageError {
    ImageError::Unsupported {
        format: Format::Avif,
        feature,
    }
}
