//! A picture in one piece.

use std::fmt;

use crate::{Band, DecodeError, Decoder, Header};

/// Whether edges between blocks are made smooth, as the format wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Filtering {
    /// They are: the picture is exactly that of the standard.
    #[default]
    Full,
    /// They are not: for a picture that is to be made smaller anyway. libwebp does so for those that become less than three
    /// quarters as wide and high.
    Skip,
}

/// How a picture is decoded.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Whether edges between blocks are made smooth.
    pub filtering: Filtering,
    /// How much memory the planes may take.
    pub bytes_max: u64,
    /// Asked before each row of macroblocks, so several times in a millisecond; `true` ends the work with
    /// [`DecodeError::Stopped`].
    pub stop: &'a dyn Fn() -> bool,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("filtering", &self.filtering)
            .field("bytes_max", &self.bytes_max)
            .finish_non_exhaustive()
    }
}

impl Default for Request<'_> {
    /// Exactly what the standard says, of any size, without a stop.
    fn default() -> Self {
        Self {
            filtering: Filtering::Full,
            bytes_max: u64::MAX,
            stop: &|| false,
        }
    }
}

/// The samples of light or of a difference of colour: rows from the top without padding, so that `data` has exactly
/// `width * height` bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Plane {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The samples.
    pub data: Vec<u8>,
}

impl fmt::Debug for Plane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plane")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

/// Decodes a picture in one piece: light, and two differences of colour with half as many columns and rows, rounded up.
///
/// # Errors
///
/// [`DecodeError::Corrupt`] for what is no key frame or a damaged one, [`DecodeError::TooLarge`] before anything large is
/// allocated, and [`DecodeError::Stopped`].
pub fn decode(input: &[u8], request: &Request<'_>) -> Result<[Plane; 3], DecodeError> {
    let mut decoder = Decoder::new(input, request.filtering)?;
    let Header { width, height, .. } = *decoder.header();
    let sizes = [
        (width, height),
        halved(width, height),
        halved(width, height),
    ];
    let bytes = sizes.map(|(width, height)| u64::from(width) * u64::from(height));
    let total = bytes.iter().sum();
    if total > request.bytes_max {
        return Err(DecodeError::TooLarge(total));
    }
    let mut planes = sizes.map(|(width, height)| Plane {
        width,
        height,
        data: Vec::with_capacity(width as usize * height as usize),
    });
    loop {
        if (request.stop)() {
            return Err(DecodeError::Stopped);
        }
        let Some(band) = decoder.next_band()? else {
            return Ok(planes);
        };
        append(&mut planes, &band);
    }
}

const fn halved(width: u32, height: u32) -> (u32, u32) {
    (width.div_ceil(2), height.div_ceil(2))
}

fn append(planes: &mut [Plane; 3], band: &Band<'_>) {
    for (plane, rows) in planes.iter_mut().zip(&band.planes) {
        for row in rows.iter() {
            plane.data.extend_from_slice(row);
        }
    }
}
