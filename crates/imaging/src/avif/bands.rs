//! The pieces of a picture, decoded a row of them at a time.

use oxideav_av1::decoder::SpecFrame;

use super::coded::{Kind, Stream, check_piece};
use super::container::{Container, Id, corrupt};
use super::picture::Picture;
use super::samples::append;
use crate::codec::Decoding;
use crate::{ImageError, Size};

/// Decodes a picture from top to bottom. A picture that is no grid is one band.
pub(super) struct Bands<'a> {
    container: &'a Container<'a>,
    decoding: &'a Decoding<'a>,
    /// What all pieces are like.
    pub(super) kind: Kind,
    pub(super) size: Size,
    configuration: &'a [u8],
    /// Those that are left.
    pieces: std::vec::IntoIter<Id>,
    piece_size: Size,
    columns: usize,
    /// How many rows of the picture were given.
    top: u32,
}

/// A row of pieces.
pub(super) struct Band {
    kind: Kind,
    /// What is seen of them.
    pub(super) size: Size,
    pieces: Vec<SpecFrame>,
}

impl<'a> Bands<'a> {
    pub(super) fn new(
        container: &'a Container<'a>,
        picture: &Picture<'a>,
        decoding: &'a Decoding<'a>,
    ) -> Result<Self, ImageError> {
        let (pieces, piece_size) = picture.pieces(container)?;
        check_piece(piece_size)?;
        let first = *pieces
            .first()
            .ok_or_else(|| corrupt("a picture has no pieces"))?;
        let configuration = container.properties_of(first)?.configuration;
        let data = container.data_of(first)?;
        let kind = Stream::read(data, configuration)?.kind();
        let is_whole = |side: u32, pitch| pieces.len() == 1 || side.is_multiple_of(pitch);
        if !is_whole(piece_size.width, kind.pitch.0) || !is_whole(piece_size.height, kind.pitch.1) {
            return Err(corrupt("colours of a grid lie across its pieces"));
        }
        Ok(Self {
            container,
            decoding,
            kind,
            size: picture.size,
            configuration,
            pieces: pieces.into_iter(),
            piece_size,
            columns: picture.grid.columns,
            top: 0,
        })
    }

    /// Decodes the next row of pieces. Asks before each of them whether to go on.
    pub(super) fn next(&mut self) -> Result<Option<Band>, ImageError> {
        let ids: Vec<_> = self.pieces.by_ref().take(self.columns).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let pieces = ids.into_iter().map(|id| self.decode(id));
        let pieces = pieces.collect::<Result<_, _>>()?;
        let height = self.piece_size.height.min(self.size.height - self.top);
        self.top += height;
        Ok(Some(Band {
            kind: self.kind,
            size: Size::new(self.size.width, height),
            pieces,
        }))
    }

    fn decode(&self, id: Id) -> Result<SpecFrame, ImageError> {
        self.decoding.watch.check()?;
        let data = self.container.data_of(id)?;
        let stream = Stream::read(data, self.configuration)?;
        if stream.kind() != self.kind {
            return Err(corrupt("the pieces of a grid are not alike"));
        }
        stream.decode(self.piece_size, self.decoding.limits)
    }
}

impl Band {
    /// Appends a row of samples of a plane as bytes.
    pub(super) fn append(&self, (plane, y): (usize, u32), table: Option<&[u8]>, row: &mut Vec<u8>) {
        let pitch = if plane == 0 { 1 } else { self.kind.pitch.0 };
        let length = row.len() + self.size.width.div_ceil(pitch) as usize;
        let sample_bytes = if self.kind.depth == 8 { 1 } else { 2 };
        for piece in &self.pieces {
            let (Some(samples), Some(&(width, _))) =
                (piece.planes.get(plane), piece.plane_dims.get(plane))
            else {
                continue;
            };
            let bytes = width as usize * sample_bytes;
            let samples = samples.chunks_exact(bytes.max(1)).nth(y as usize);
            append(samples.unwrap_or_default(), self.kind.depth, table, row);
        }
        // Nothing of the last piece is seen behind the edge, and the rows that come are as long as was said.
        row.resize(length, 0);
    }
}
