//! The image formats, told apart by content.

use std::fmt;

const JPEG_MAGIC: &[u8] = &[0xFF, 0xD8, 0xFF];
pub(crate) const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The lengths of the headers that tell one kind of BMP from another.
const BMP_HEADERS: [u8; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

/// An image format that can be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG: photographs.
    Jpeg,
    /// PNG: graphics, transparency, lossless photographs.
    Png,
    /// WebP: both, with loss or without.
    WebP,
    /// GIF: graphics of 256 colours. Read only.
    Gif,
    /// BMP: pixels as they are. Read only.
    Bmp,
    /// TIFF: scans and prints. Read only.
    Tiff,
    /// AVIF: photographs in fewer bytes. Written only, with the feature `avif`.
    Avif,
}

impl Format {
    /// Tells the format by the first bytes of a file; 18 are enough.
    #[must_use]
    pub fn detect(input: &[u8]) -> Option<Self> {
        match input {
            _ if input.starts_with(JPEG_MAGIC) => Some(Self::Jpeg),
            _ if input.starts_with(PNG_MAGIC) => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            // Two letters are too little to go by.
            [b'B', b'M', rest @ ..] if is_bmp(rest) => Some(Self::Bmp),
            _ => None,
        }
    }

    /// Returns the format in which a picture of this one is written unless another is asked for: the same, or PNG,
    /// which loses nothing, for those that are only read.
    #[must_use]
    pub const fn written(self) -> Self {
        match self {
            Self::Jpeg => Self::Jpeg,
            Self::WebP => Self::WebP,
            Self::Avif => Self::Avif,
            Self::Png | Self::Gif | Self::Bmp | Self::Tiff => Self::Png,
        }
    }

    /// Returns the usual file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tif",
            Self::Avif => "avif",
        }
    }

    /// Returns the media type, as in `Content-Type`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Avif => "image/avif",
        }
    }
}

/// Whether what follows the two letters is the header of a BMP: its length lies behind three numbers of the file.
fn is_bmp(rest: &[u8]) -> bool {
    matches!(rest.get(12..16), Some([length, 0, 0, 0]) if BMP_HEADERS.contains(length))
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Avif => "AVIF",
        })
    }
}
