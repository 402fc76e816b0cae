//! TIFF: the first directory of the file, which has the same form as EXIF.

use crate::exif::Directory;
use crate::extras::Extras;
use crate::{Format, Header, ImageError};

const TAG_WIDTH: u16 = 256;
const TAG_HEIGHT: u16 = 257;
const TAG_FILL_ORDER: u16 = 266;
const TAG_SAMPLES: u16 = 277;
const TAG_PLANES: u16 = 284;
const TAG_TILE_HEIGHT: u16 = 323;
const TAG_EXTRA_SAMPLES: u16 = 338;
const TAG_XMP: u16 = 700;
const TAG_PROFILE: u16 = 34_675;

/// The value of [`TAG_FILL_ORDER`] if the first pixel of a byte is in its lowest bits.
const LOWEST_FIRST: u32 = 2;
/// The value of [`TAG_PLANES`] if each colour is stored for itself.
const APART: u32 = 2;
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
    let unsupported = |feature| ImageError::Unsupported {
        format: Format::Tiff,
        feature,
    };
    // The decoder would take the bits for those of the usual order.
    if directory.number(TAG_FILL_ORDER) == Some(LOWEST_FIRST) {
        return Err(unsupported("bits in the opposite order"));
    }
    if has_odd_planes(&directory, height) {
        return Err(unsupported(
            "tiles of single colours that reach over the lower edge",
        ));
    }
    Ok(Header {
        orientation: directory.orientation().unwrap_or_default(),
        animated: directory.has_next(),
        ..Header::new(Format::Tiff, width, height)?
    })
}

/// Whether several colours are stored in tiles of their own, of which the last ones are not full. The decoder (`tiff` 0.11) knows only of the
/// first colour which tiles these are, and panics.
fn has_odd_planes(directory: &Directory<'_>, height: u32) -> bool {
    let tile_height = directory.number(TAG_TILE_HEIGHT);
    directory.number(TAG_PLANES) == Some(APART)
        && directory.number(TAG_SAMPLES).unwrap_or(1) > 1
        && tile_height.is_some_and(|tile_height| !height.is_multiple_of(tile_height))
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
