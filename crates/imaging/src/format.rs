//! The image formats, told apart by content.

use std::fmt;

const JPEG_MAGIC: &[u8] = &[0xFF, 0xD8, 0xFF];
pub(crate) const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The lengths of the headers that tell one kind of BMP from another.
const BMP_HEADERS: [u8; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

/// Where the brands of an AVIF begin.
const BRANDS_START: usize = 8;

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
    /// AVIF: photographs in fewer bytes. Read and written with the feature `avif`, and told apart without it.
    Avif,
}

impl Format {
    /// As many of the first bytes of a file as are looked at to tell its format. An AVIF may say what it is behind other brands
    /// that it goes by; for all else 18 are enough.
    pub const HEAD_BYTES: usize = 128;

    /// Tells the format by the first [`HEAD_BYTES`](Self::HEAD_BYTES) of a file.
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
            [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..] if is_avif(input, rest) => {
                Some(Self::Avif)
            }
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

/// Whether one of the brands of a file is that of AVIF. Behind the first one lies a version, then the others.
fn is_avif(input: &[u8], brands: &[u8]) -> bool {
    let length = input
        .first_chunk()
        .map_or(0, |&length| u32::from_be_bytes(length));
    let length = (length as usize)
        .min(Format::HEAD_BYTES)
        .saturating_sub(BRANDS_START);
    let (brands, _) = brands.get(..length).unwrap_or(brands).as_chunks::<4>();
    let is_avif = |brand: &[u8; 4]| matches!(brand, b"avif" | b"avis");
    match brands {
        [first, _version, others @ ..] => is_avif(first) || others.iter().any(is_avif),
        [first] => is_avif(first),
        [] => false,
    }
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
