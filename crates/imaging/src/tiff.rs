//! TIFF: the first directory of the file, which has the same form as EXIF.

use crate::exif::Directory;
use crate::extras::Extras;
use crate::{Format, Header, ImageError};

const TAG_WIDTH: u16 = 256;
const TAG_HEIGHT: u16 = 257;
const TAG_FILL_ORDER: u16 = 266;
const TAG_EXTRA_SAMPLES: u16 = 338;
const TAG_XMP: u16 = 700;
const TAG_PROFILE: u16 = 34_675;

/// The value of [`TAG_FILL_ORDER`] if the first pixel of a byte is in its lowest bits.
const LOWEST_FIRST: u32 = 2;
/// The value of [`TAG_EXTRA_SAMPLES`] if colours are multiplied with their opacity.
const WEIGHTED: u32 = 1;

/// Reads size and orientation of the first picture.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let corrupt = |reason| ImageError::corrupt(Format::Tiff, reason);
    let directory =
        Directory::first(input).ok_or_else(|| corrupt("the file does not lead to a picture"))?;
    let side = |tag| directory.number(tag);
    let (width, height) = side(TAG_WIDTH)
        .zip(side(TAG_HEIGHT))
        .ok_or_else(|| corrupt("the size of the picture is not given"))?;
    // The decoder would take the bits for those of the usual order.
    if directory.number(TAG_FILL_ORDER) == Some(LOWEST_FIRST) {
        return Err(ImageError::Unsupported {
            format: Format::Tiff,
            feature: "bits in the opposite order",
        });
    }
    Ok(Header {
        orientation: directory.orientation().unwrap_or_default(),
        animated: directory.has_next(),
        ..Header::new(Format::Tiff, width, height)?
    })
}

/// Whether the colours of the first picture are multiplied with their opacity, if they have one.
pub(crate) fn is_weighted(input: &[u8]) -> bool {
    let directory = Directory::first(input);
    directory.and_then(|directory| directory.number(TAG_EXTRA_SAMPLES)) == Some(WEIGHTED)
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
