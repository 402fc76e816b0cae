//! What an image says about itself before a pixel is decoded.

#[cfg(feature = "avif")]
use crate::avif;
use crate::{Format, ImageError, Limits, Orientation, Size, bmp, gif, jpeg, png, tiff, webp};

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
    /// Whether it is stored without loss, as far as the format tells.
    pub lossless: bool,
    /// Whether there are more pictures than the one that is read: an animation or several pages.
    pub animated: bool,
}

impl Header {
    /// Makes the header of a single picture that is stored upright and without loss, or says that it has no pixels.
    pub(crate) fn new(format: Format, width: u32, height: u32) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::corrupt(format, "a side of the picture is 0"));
        }
        Ok(Self {
            format,
            width,
            height,
            orientation: Orientation::Upright,
            lossless: true,
            animated: false,
        })
    }

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
/// The picture is not looked at: that it can be decoded is not promised. But give it the whole file, not only the first bytes: of a
/// PNG the orientation may stand at the end, and a WebP or AVIF that is cut is refused. To tell the format, [`Format::detect`] needs
/// [`Format::HEAD_BYTES`] only.
///
/// # Errors
///
/// When the input is not an image, its header is damaged, of an unsupported kind or above a limit.
pub fn inspect(input: &[u8], limits: &Limits) -> Result<Header, ImageError> {
    limits.check_input(input)?;
    let header = match Format::detect(input).ok_or(ImageError::Unrecognised)? {
        Format::Jpeg => jpeg::read_header(input),
        Format::Png => png::read_header(input),
        Format::WebP => webp::read_header(input),
        Format::Gif => gif::read_header(input),
        Format::Bmp => bmp::read_header(input),
        Format::Tiff => tiff::read_header(input),
        #[cfg(feature = "avif")]
        Format::Avif => avif::read_header(input),
        #[cfg(not(feature = "avif"))]
        Format::Avif => Err(ImageError::Unsupported {
            format: Format::Avif,
            feature: "a build without the feature `avif`",
        }),
    }?;
    limits.check_source(header.stored_size())?;
    Ok(header)
}
