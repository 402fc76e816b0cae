//! What the boxes say of a picture before its data is looked at.

use super::container::Container;
use super::picture::Picture;
use crate::{Format, Header, ImageError};

/// Reads size and orientation. EXIF has no say in it, as the format wants it: the picture is turned by `irot` and `imir` alone.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let container = Container::read(input)?;
    let picture = Picture::find(&container, container.primary)?;
    let size = picture.size;
    Ok(Header {
        orientation: picture.properties.turning.orientation(),
        lossless: false,
        animated: container.is_animated,
        ..Header::new(Format::Avif, size.width, size.height)?
    })
}
