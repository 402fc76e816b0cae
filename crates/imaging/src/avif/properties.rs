//! What an item is like: the box `iprp` (ISO/IEC 23008-12, 6.5 and 9.3).

use super::boxes::{Boxes, Fields, Piece};
use super::container::{Container, Id, corrupt, unsupported};
use super::turn::Turning;
use crate::{ImageError, Size};

/// How many properties a file may have; items that are alike share them.
const PROPERTIES_MAX: usize = 4096;

/// What means that an item is the opacity of another.
const OPACITY: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
];

/// What an item is like.
#[derive(Default)]
pub(super) struct Properties<'a> {
    pub(super) size: Option<Size>,
    pub(super) turning: Turning,
    /// What its numbers mean, if not only its coded data says so.
    pub(super) coding: Option<Coding>,
    pub(super) profile: Option<&'a [u8]>,
    /// Where a sequence header may be that its data lacks.
    pub(super) configuration: &'a [u8],
}

/// What the numbers of a picture mean: code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coding {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
    pub(crate) matrix: u8,
    /// Whether all numbers are used.
    pub(crate) is_full: bool,
}

impl<'a> Container<'a> {
    /// Reads the properties of an item.
    pub(super) fn properties_of(&self, id: Id) -> Result<Properties<'a>, ImageError> {
        let mut properties = Properties::default();
        let pieces = Boxes::new(self.properties).find(*b"ipco");
        for association in self.associations(id) {
            let piece = Boxes::new(pieces.unwrap_or_default())
                .take(PROPERTIES_MAX)
                .nth(association.index)
                .ok_or_else(|| corrupt("an item has a property that is not in `ipco`"))?;
            match properties.take(&piece) {
                Some(Use::Known) => {}
                Some(Use::Unknown) if association.is_essential => {
                    return Err(unsupported("an essential property that is not known"));
                }
                Some(Use::Unknown) => {}
                Some(Use::Refused(feature)) => return Err(unsupported(feature)),
                None => return Err(corrupt("a property of an item is incomplete")),
            }
        }
        Ok(properties)
    }

    /// Whether an item is the opacity of another. What else it is like does not matter.
    pub(super) fn is_opacity(&self, id: Id) -> bool {
        let pieces = Boxes::new(self.properties).find(*b"ipco");
        self.associations(id).any(|association| {
            let mut pieces = Boxes::new(pieces.unwrap_or_default()).take(PROPERTIES_MAX);
            let piece = pieces.nth(association.index);
            piece.is_some_and(|piece| {
                piece.kind == *b"auxC" && is_kind_of_opacity(Fields::new(piece.data)) == Some(true)
            })
        })
    }

    /// Goes through what `ipma` says of an item. There may be several of these boxes.
    fn associations(&self, id: Id) -> impl Iterator<Item = Association> {
        let pieces = Boxes::new(self.properties).filter(|piece| piece.kind == *b"ipma");
        let mut found = pieces.filter_map(move |piece| Associations::find(piece.data, id));
        found.next().into_iter().flatten()
    }
}

/// What becomes of a property.
enum Use {
    Known,
    Unknown,
    /// It changes the picture in a way that is not followed here.
    Refused(&'static str),
}

impl<'a> Properties<'a> {
    /// Takes a property in, or returns `None` if it is incomplete.
    fn take(&mut self, piece: &Piece<'a>) -> Option<Use> {
        let mut fields = Fields::new(piece.data);
        match &piece.kind {
            b"ispe" => {
                fields.version()?;
                self.size = Some(Size::new(fields.long()?, fields.long()?));
            }
            b"irot" => self.turning.rotate(fields.byte()? & 3),
            b"imir" => match fields.byte()? & 1 {
                0 => self.turning.flip(),
                _ => self.turning.mirror(),
            },
            b"colr" => return self.take_colours(fields),
            b"av1C" => {
                fields.bytes(4)?;
                self.configuration = fields.rest();
            }
            b"clap" => return Some(Use::Refused("a part that is cut out (`clap`)")),
            // Depths, shapes of pixels and brightnesses: said again in the data, or nothing that a thumbnail shows. What an item is
            // to another is asked for apart.
            b"auxC" | b"pixi" | b"pasp" | b"clli" | b"mdcv" | b"cclv" | b"amve" | b"ndwt" => {}
            // All layers, which is what is decoded anyway.
            b"lsel" if fields.short()? == u16::MAX => {}
            b"a1op" if fields.byte()? == 0 => {}
            _ => return Some(Use::Unknown),
        }
        Some(Use::Known)
    }

    fn take_colours(&mut self, mut fields: Fields<'a>) -> Option<Use> {
        match &fields.array()? {
            b"nclx" => {
                let [primaries, transfer, matrix] =
                    [fields.short()?, fields.short()?, fields.short()?]
                        // All that is not reserved has a byte.
                        .map(|code| u8::try_from(code).unwrap_or(u8::MAX));
                self.coding = Some(Coding {
                    primaries,
                    transfer,
                    matrix,
                    is_full: fields.byte()? & 0x80 != 0,
                });
            }
            b"prof" | b"rICC" => self.profile = Some(fields.rest()),
            _ => return Some(Use::Unknown),
        }
        Some(Use::Known)
    }
}

/// Reads what an item is to another, and whether that is its opacity.
fn is_kind_of_opacity(mut fields: Fields<'_>) -> Option<bool> {
    fields.version()?;
    let kind = fields.text().unwrap_or_else(|| fields.rest());
    Some(OPACITY.contains(&kind))
}

/// That an item has a property.
struct Association {
    is_essential: bool,
    /// Which box of `ipco` it is, counted from 0.
    index: usize,
}

/// The properties of one item.
struct Associations<'a> {
    fields: Fields<'a>,
    is_long: bool,
    left: u8,
}

impl<'a> Associations<'a> {
    fn find(data: &'a [u8], id: Id) -> Option<Self> {
        let mut fields = Fields::new(data);
        let (version, flags) = fields.version()?;
        let is_long = flags & 1 != 0;
        let count = fields.long()?;
        for _ in 0..count {
            let found = fields.short_or_long(version > 0)?;
            let left = fields.byte()?;
            let bytes = usize::from(left) << u32::from(is_long);
            let fields = Fields::new(fields.bytes(bytes)?);
            if found == id {
                return Some(Self {
                    fields,
                    is_long,
                    left,
                });
            }
        }
        None
    }
}

impl Iterator for Associations<'_> {
    type Item = Association;

    fn next(&mut self) -> Option<Association> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let (word, essential) = match self.is_long {
                true => (self.fields.short()?, 0x8000),
                false => (self.fields.byte()?.into(), 0x80),
            };
            // 0 stands for no property.
            if let Some(index) = usize::from(word & (essential - 1)).checked_sub(1) {
                return Some(Association {
                    is_essential: word & essential != 0,
                    index,
                });
            }
        }
    }
}
