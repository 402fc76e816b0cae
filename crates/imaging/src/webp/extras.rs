//! What a WebP says besides its picture, and how it is said again.

use super::chunks::Chunks;
use crate::exif;
use crate::extras::{Extras, Kept};
use crate::pixels::Pixels;

/// Bits in the flags of an extended header.
const HAS_ALPHA: u8 = 0x10;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

/// Finds EXIF, XMP and a profile of at most `most` bytes.
pub(crate) fn read_extras(input: &[u8], most: usize) -> Extras<'_> {
    let mut extras = Extras::default();
    for chunk in Chunks::new(input) {
        match &chunk.name {
            b"ICCP" => extras.set_profile(chunk.data, most),
            b"EXIF" => extras.exif = Some(exif::without_prefix(chunk.data)),
            b"XMP " => extras.xmp = Some(chunk.data),
            _ => {}
        }
    }
    extras
}

/// Adds what is kept to a file that has nothing but its picture, which makes it an extended one.
pub(super) fn extend(simple: &[u8], pixels: &Pixels, kept: &Kept) -> Vec<u8> {
    let flag = |present, bit| if present { bit } else { 0 };
    let flags = flag(pixels.channels.has_alpha(), HAS_ALPHA)
        | flag(kept.exif.is_some(), HAS_EXIF)
        | flag(kept.xmp.is_some(), HAS_XMP);
    let less_one = |side: u32| (side - 1).to_le_bytes();
    let [width, height] = [pixels.size.width, pixels.size.height].map(less_one);
    let header = [&[flags, 0, 0, 0], &width[..3], &height[..3]].concat();

    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    put(&mut bytes, *b"VP8X", &header);
    for chunk in Chunks::new(simple).filter(|chunk| chunk.name != *b"VP8X") {
        put(&mut bytes, chunk.name, chunk.data);
    }
    if let Some(exif) = &kept.exif {
        put(&mut bytes, *b"EXIF", exif);
    }
    if let Some(xmp) = &kept.xmp {
        put(&mut bytes, *b"XMP ", xmp);
    }
    let length = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Appends a chunk, which ends at an even place.
fn put(bytes: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    bytes.extend(name);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
}
