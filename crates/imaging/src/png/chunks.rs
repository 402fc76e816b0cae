//! Reads the chunks of a PNG that matter before it is decoded.

use crate::bytes::big_long;
use crate::extras::Extras;
use crate::format::PNG_MAGIC;
use crate::{Format, Header, ImageError, Orientation, exif};

/// Before XMP stand its keyword, that it is not compressed, and no language and no translation of the keyword.
const XMP_PREFIX: &[u8] = b"XML:com.adobe.xmp\0\0\0\0\0";

/// Reads size and orientation, and whether it is animated.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let mut chunks = Chunks::new(input);
    let (width, height) = chunks
        .next()
        .filter(|chunk| chunk.name == *b"IHDR")
        .and_then(|chunk| Some((big_long(chunk.data, 0)?, big_long(chunk.data, 4)?)))
        .ok_or_else(|| ImageError::corrupt(Format::Png, "the file does not start with a header"))?;
    let mut header = Header::new(Format::Png, width, height)?;
    let mut orientation = None;
    for chunk in chunks {
        match &chunk.name {
            // It may stand before the picture data or behind it.
            b"eXIf" => orientation = orientation.or_else(|| find_orientation(chunk.data)),
            b"acTL" => header.animated = true,
            _ => {}
        }
    }
    header.orientation = orientation.unwrap_or_default();
    Ok(header)
}

/// Tells how many bytes of memory a pixel takes if the picture has to be decoded whole, because it is interlaced; otherwise none.
pub(crate) fn whole_pixel_bytes(input: &[u8]) -> u64 {
    let header = Chunks::new(input).next().map(|chunk| chunk.data);
    // Behind both sides: depth, kind, compression, filter, interlacing.
    match header.and_then(|header| header.get(8..13)) {
        Some([_, _, _, _, 0]) | None => 0,
        Some([16, ..]) => 8,
        Some(_) => 4,
    }
}

fn find_orientation(exif: &[u8]) -> Option<Orientation> {
    exif::orientation(exif::without_prefix(exif))
}

/// Finds EXIF, XMP and a profile of at most `most` bytes, wherever they stand.
pub(crate) fn read_extras(input: &[u8], most: usize) -> Extras<'_> {
    let mut extras = Extras::default();
    for chunk in Chunks::new(input) {
        match &chunk.name {
            // There is to be one. A file of nothing else would take seconds to inflate.
            b"iCCP" if extras.profile.is_some() || extras.lost_profile => {}
            b"iCCP" => match inflate_profile(chunk.data, most) {
                Some(profile) => extras.set_profile(profile, most),
                None => extras.lost_profile = true,
            },
            b"eXIf" => extras.exif = extras.exif.or(Some(exif::without_prefix(chunk.data))),
            // A compressed text is left out.
            b"iTXt" => extras.xmp = extras.xmp.or(chunk.data.strip_prefix(XMP_PREFIX)),
            _ => {}
        }
    }
    extras
}

/// Behind a name that ends with 0 and the number of the method, 0, the profile is compressed.
fn inflate_profile(data: &[u8], most: usize) -> Option<Vec<u8>> {
    let name_end = memchr::memchr(0, data)?;
    let compressed = data.get(name_end + 1..)?.strip_prefix(&[0])?;
    fdeflate::decompress_to_vec_bounded(compressed, most).ok()
}

struct Chunk<'a> {
    name: [u8; 4],
    data: &'a [u8],
}

/// Goes from chunk to chunk, and ends where one is incomplete. Checksums are left to the decoder.
struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            rest: input.strip_prefix(PNG_MAGIC).unwrap_or_default(),
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let length = big_long(self.rest, 0)? as usize;
        let name = *self.rest.get(4..)?.first_chunk()?;
        let end = length.checked_add(8)?;
        let data = self.rest.get(8..end)?;
        let checksum_bytes = 4;
        self.rest = self.rest.get(end.checked_add(checksum_bytes)?..)?;
        Some(Chunk { name, data })
    }
}
