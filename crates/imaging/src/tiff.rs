//! TIFF: the first directory of the file, which has the same form as EXIF.

use crate::exif::Directory;
use crate::{Format, Header, ImageError};

const TAG_WIDTH: u16 = 256;
const TAG_HEIGHT: u16 = 257;

/// Reads size and orientation of the first picture.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let corrupt = |reason| ImageError::corrupt(Format::Tiff, reason);
    let directory =
        Directory::first(input).ok_or_else(|| corrupt("the file does not lead to a picture"))?;
    let side = |tag| directory.number(tag);
    let (width, height) = side(TAG_WIDTH)
        .zip(side(TAG_HEIGHT))
        .ok_or_else(|| corrupt("the size of the picture is not given"))?;
    Ok(Header {
        orientation: directory.orientation().unwrap_or_default(),
        animated: directory.has_next(),
        ..Header::new(Format::Tiff, width, height)?
    })
}
