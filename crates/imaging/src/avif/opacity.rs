//! The opacity of a picture, which is a picture of its own.

use super::bands::Bands;
use super::container::{Container, Id, corrupt, unsupported};
use super::picture::Picture;
use super::samples::{Role, table};
use crate::ImageError;
use crate::codec::Decoding;
use crate::mixing::Opacities;

/// How many items that say they belong to the picture are looked at: depths, and others that are not its opacity.
const CANDIDATES_MAX: usize = 16;

/// The opacity of a picture, before it is decoded.
pub(super) struct Opacity<'a> {
    picture: Picture<'a>,
    is_premultiplied: bool,
}

/// Finds an item that is the opacity of one of these, which are in order.
fn opacity_of(container: &Container<'_>, ids: &[Id]) -> Option<Id> {
    let candidates = container.referring(*b"auxl", ids);
    let mut candidates = candidates.take(CANDIDATES_MAX);
    candidates.find(|&id| container.is_opacity(id))
}

/// Refuses a grid of which pieces have opacity, each for itself: it would be lost.
fn refuse_opacity_of_pieces(
    container: &Container<'_>,
    picture: &Picture<'_>,
) -> Result<(), ImageError> {
    let (mut pieces, _) = picture.pieces(container)?;
    pieces.sort_unstable();
    match opacity_of(container, &pieces) {
        Some(_) => Err(unsupported(
            "a grid whose pieces have opacity, each for itself",
        )),
        None => Ok(()),
    }
}

impl<'a> Opacity<'a> {
    /// Finds the item that is the opacity of `picture`, if there is one.
    pub(super) fn find(
        container: &Container<'a>,
        picture: &Picture<'a>,
    ) -> Result<Option<Self>, ImageError> {
        let Some(id) = opacity_of(container, &[picture.id]) else {
            refuse_opacity_of_pieces(container, picture)?;
            return Ok(None);
        };
        let found = Picture::find(container, id)?;
        if found.size != picture.size {
            return Err(corrupt("the opacity has another size than the picture"));
        }
        let mut premultiplied = container.referred_by(*b"prem", picture.id);
        Ok(Some(Self {
            picture: found,
            is_premultiplied: premultiplied.any(|by| by == id),
        }))
    }

    /// Decodes all of it: a byte for each pixel.
    pub(super) fn decode(
        &self,
        container: &Container<'a>,
        decoding: &Decoding<'_>,
    ) -> Result<Opacities, ImageError> {
        let mut bands = Bands::new(container, &self.picture, decoding)?;
        let kind = bands.kind;
        let is_full = self
            .picture
            .properties
            .coding
            .unwrap_or(kind.coding)
            .is_full;
        let table = table(kind.depth, Role::Alone, is_full);
        let mut data = Vec::with_capacity(bands.size.pixels() as usize);
        while let Some(band) = bands.next()? {
            for y in 0..band.size.height {
                band.append((0, y), table.as_deref(), &mut data);
            }
        }
        Ok(Opacities {
            data,
            is_premultiplied: self.is_premultiplied,
        })
    }
}
