//! From a file to rows of samples, or to whole planes.

use std::ops::ControlFlow;

use crate::scan::Scan;
use crate::tables::Tables;
use crate::{DecodeError, Header, Picture, Plane, PlaneLayout, Request};

/// A file of which everything before the compressed data was read.
#[derive(Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    tables: Tables,
}

/// How the compressed data was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// As it should be, as far as one can tell.
    Sound,
    /// Damaged or incomplete.
    Damaged,
}

impl<'a> Decoder<'a> {
    /// Reads everything before the compressed data.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NotMine`] for a kind of file that is not read here, [`DecodeError::Corrupt`] for what is no JPEG.
    pub fn new(input: &'a [u8]) -> Result<Self, DecodeError> {
        let tables = Tables::read(input)?;
        Ok(Self { input, tables })
    }

    /// What the file says of its picture.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.tables.header
    }

    /// What the planes are like that this request gives: one for gray, four for inks, otherwise three.
    #[must_use]
    pub fn planes(&self, request: &Request<'_>) -> Vec<PlaneLayout> {
        let header = self.header();
        let components = header.components.iter();
        components
            .map(|component| PlaneLayout::new(header, component, component.side(header, request)))
            .collect()
    }

    /// Decodes the picture, and gives it row by row: the number of a plane, and its next row. Not much more than a row of
    /// blocks is in memory at a time.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Stopped`] if the request or whoever takes the rows says so.
    pub fn rows(
        &self,
        request: &Request<'_>,
        take: &mut dyn FnMut(usize, &[u8]) -> ControlFlow<()>,
    ) -> Result<Data, DecodeError> {
        let mut scan = Scan::new(self.input, &self.tables, request);
        if scan.decode(request.stop, take).is_break() {
            return Err(DecodeError::Stopped);
        }
        Ok(match scan.is_damaged {
            true => Data::Damaged,
            false => Data::Sound,
        })
    }
}

/// Decodes a picture to whole planes.
///
/// # Errors
///
/// [`DecodeError::NotMine`] and [`DecodeError::Corrupt`] for what is read before the compressed data, [`DecodeError::TooLarge`]
/// before anything large is allocated, and [`DecodeError::Stopped`]. Damage behind that is no error but
/// [said](Picture::is_damaged).
pub fn decode(input: &[u8], request: &Request<'_>) -> Result<Picture, DecodeError> {
    let decoder = Decoder::new(input)?;
    let layouts = decoder.planes(request);
    let bytes = |layout: &PlaneLayout| u64::from(layout.width) * u64::from(layout.height);
    let total: u64 = layouts.iter().map(bytes).sum();
    if total > request.bytes_max {
        return Err(DecodeError::TooLarge(total));
    }
    let planes = layouts.iter().map(|layout| Plane {
        width: layout.width,
        height: layout.height,
        pitch: layout.pitch,
        data: Vec::with_capacity(bytes(layout) as usize),
    });
    let mut planes: Vec<_> = planes.collect();
    let data = decoder.rows(request, &mut |plane, row| {
        planes[plane].data.extend_from_slice(row);
        ControlFlow::Continue(())
    })?;
    Ok(Picture {
        colours: decoder.header().colours,
        planes,
        is_damaged: data == Data::Damaged,
    })
}
