//! TIFF: the first directory of the file, which has the same form as EXIF.

use crate::exif::Directory;
use crate::extras::Extras;
use crate::{Format, Header, ImageError};

const TAG_WIDTH: u16 = 256;
const TAG_HEIGHT: u16 = 257;
const TAG_XMP: u16 = 700;
const TAG_PROFILE: u16 = 34_675;

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

/// Finds XMP and a profile of at most `most` bytes; the file itself has the form of EXIF.
pub(crate) fn read_extras(input: &[u8], most: usize) -> Extras<'_> {
    let mut extras = Extras {
        exif: Some(input),
        is_tiff: true,
        ..Extras::default()
    };
    let Some(directory) = Directory::first(input) else {
        return extras;
    };
    extras.xmp = directory.value(TAG_XMP);
    if let Some(profile) = directory.value(TAG_PROFILE) {
        extras.set_profile(profile, most);
    }
    extras
}
