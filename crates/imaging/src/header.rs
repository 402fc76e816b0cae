//! What an image says about itself before a pixel is decoded.

use crate::{Format, ImageError, Limits, Orientation, Size, jpeg, png};

/// What the header of an image says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The format, told by content.
    pub format: Format,
    /// The width as stored, before the orientation is applied.
    pub width: u32,
    /// The height as stored, before the orientation is applied.
    pub height: u32,
    /// How the picture has to be turned to be upright.
    pub orientation: Orientation,
}

impl Header {
    /// Returns the size as it is shown, after the orientation was applied.
    #[must_use]
    pub const fn upright_size(&self) -> Size {
        self.orientation.turn(self.stored_size())
    }

    pub(crate) const fn stored_size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

/// Reads the header of an image and checks it against `limits`, without decoding a pixel or allocating.
///
/// The rest of the file is not looked at: that it can be decoded is not promised.
///
/// # Errors
///
/// When the input is not an image, its header is damaged, of an unsupported kind or above a limit.
pub fn inspect(input: &[u8], limits: &Limits) -> Result<Header, ImageError> {
    limits.check_input(input)?;
    let header = match Format::detect(input).ok_or(ImageError::Unrecognised)? {
        Format::Jpeg => jpeg::read_header(input)?,
        Format::Png => png::read_header(input)?,
    };
    limits.check_source(header.stored_size())?;
    Ok(header)
}
