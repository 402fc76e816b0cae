//! BMP: its header.

use crate::bytes::little;
use crate::{Format, Header, ImageError};

/// Where the second header begins; its own length comes first.
const INFO: usize = 14;
/// The length of the oldest kind of header, with sides of two bytes.
const CORE_BYTES: u32 = 12;

/// Reads the size.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let (width, height) = read_size(input)
        .ok_or_else(|| ImageError::corrupt(Format::Bmp, "the file ends in its header"))?;
    Header::new(Format::Bmp, width, height)
}

fn read_size(input: &[u8]) -> Option<(u32, u32)> {
    if little::<4>(input, INFO)? == CORE_BYTES {
        return Some((little::<2>(input, INFO + 4)?, little::<2>(input, INFO + 6)?));
    }
    // Rows are stored from the bottom, or from the top if their number is negative.
    let signed = |offset| Some(little::<4>(input, offset)?.cast_signed().unsigned_abs());
    Some((signed(INFO + 4)?, signed(INFO + 8)?))
}
