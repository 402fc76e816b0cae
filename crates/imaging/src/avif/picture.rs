//! Of which coded pieces a picture consists: of one, or of those of a grid (ISO/IEC 23008-12, 6.6.2.3).

use super::boxes::Fields;
use super::container::{Container, Id, corrupt, unsupported};
use super::properties::Properties;
use crate::{ImageError, Size};

/// How many pieces a grid may have. Phones write pieces of 512x512: those are 268 megapixels.
const PIECES_MAX: usize = 1024;

/// A picture, or the opacity of one.
pub(super) struct Picture<'a> {
    pub(super) id: Id,
    pub(super) size: Size,
    pub(super) properties: Properties<'a>,
    pub(super) grid: Grid,
}

/// How the pieces lie.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl<'a> Picture<'a> {
    /// Finds out what an item is. What it is made of is not looked at.
    pub(super) fn find(container: &Container<'a>, id: Id) -> Result<Self, ImageError> {
        let item = container.item(id).ok_or_else(|| {
            corrupt("the item of the picture is missing from `iinf`, incomplete or encrypted")
        })?;
        let properties = container.properties_of(id)?;
        let size = properties
            .size
            .ok_or_else(|| corrupt("the size of the picture (`ispe`) is not given"))?;
        let grid = match &item.kind {
            b"av01" => Grid {
                columns: 1,
                rows: 1,
            },
            b"grid" => read_grid(&container.data_of(id)?, size)?,
            _ => {
                return Err(unsupported(
                    "a picture that is neither AV1 nor a grid of such",
                ));
            }
        };
        Ok(Self {
            id,
            size,
            properties,
            grid,
        })
    }

    /// Finds the items of its pieces, row by row, and the size that they have.
    pub(super) fn pieces(&self, container: &Container<'a>) -> Result<(Vec<Id>, Size), ImageError> {
        let Grid { columns, rows } = self.grid;
        let count = columns * rows;
        if count == 1 && self.is_coded(container) {
            return Ok((vec![self.id], self.size));
        }
        if count > PIECES_MAX {
            return Err(unsupported("a grid of more than 1024 pieces"));
        }
        let ids: Vec<_> = container
            .referred_by(*b"dimg", self.id)
            .take(count + 1)
            .collect();
        let (Some(&first), true) = (ids.first(), ids.len() == count) else {
            return Err(corrupt("a grid does not have as many pieces as it says"));
        };
        let size = container
            .properties_of(first)?
            .size
            .ok_or_else(|| corrupt("the size of the pieces of a grid (`ispe`) is not given"))?;
        let fits = |side: u32, pieces: usize, piece: u32| {
            let (side, pieces, piece) = (u64::from(side), pieces as u64, u64::from(piece));
            side <= pieces * piece && side > (pieces - 1) * piece
        };
        match fits(self.size.width, columns, size.width)
            && fits(self.size.height, rows, size.height)
        {
            true => Ok((ids, size)),
            false => Err(corrupt("the pieces of a grid do not cover it")),
        }
    }

    fn is_coded(&self, container: &Container<'a>) -> bool {
        container
            .item(self.id)
            .is_some_and(|item| item.kind == *b"av01")
    }
}

/// Reads how a grid is divided.
fn read_grid(data: &[u8], size: Size) -> Result<Grid, ImageError> {
    let mut fields = Fields::new(data);
    let mut read = || {
        let [_version, flags, rows, columns] = fields.array()?;
        let mut side = || fields.short_or_long(flags & 1 != 0);
        let size = Size::new(side()?, side()?);
        let [columns, rows] = [columns, rows].map(|less_one| usize::from(less_one) + 1);
        Some((Grid { columns, rows }, size))
    };
    match read() {
        Some((grid, written)) if written == size => Ok(grid),
        Some(_) => Err(corrupt("the file has two different sizes")),
        None => Err(corrupt("the description of a grid is incomplete")),
    }
}
