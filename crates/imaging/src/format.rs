//! The image formats, told apart by content.

use std::fmt;

const JPEG_MAGIC: &[u8] = &[0xFF, 0xD8, 0xFF];
pub(crate) const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// An image format that can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG: photographs.
    Jpeg,
    /// PNG: graphics, transparency, lossless photographs.
    Png,
}

impl Format {
    /// Tells the format by the first bytes of a file; 8 are enough.
    #[must_use]
    pub fn detect(input: &[u8]) -> Option<Self> {
        if input.starts_with(JPEG_MAGIC) {
            Some(Self::Jpeg)
        } else if input.starts_with(PNG_MAGIC) {
            Some(Self::Png)
        } else {
            None
        }
    }

    /// Returns the usual file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// Returns the media type, as in `Content-Type`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}
