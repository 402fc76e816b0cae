//! Reads the chunks of a PNG that matter before it is decoded: size and orientation.

use crate::format::PNG_MAGIC;
use crate::{Format, Header, ImageError, Orientation, exif};

/// Reads size and orientation, and looks at nothing else.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let mut chunks = Chunks::new(input);
    let (width, height) = chunks
        .next()
        .filter(|chunk| chunk.name == *b"IHDR")
        .and_then(|chunk| Some((long(chunk.data, 0)?, long(chunk.data, 4)?)))
        .ok_or_else(|| ImageError::corrupt(Format::Png, "the file does not start with a header"))?;
    if width == 0 || height == 0 {
        return Err(ImageError::corrupt(
            Format::Png,
            "a side of the picture is 0",
        ));
    }
    Ok(Header {
        format: Format::Png,
        width,
        height,
        orientation: find_orientation(chunks).unwrap_or_default(),
    })
}

/// EXIF may stand before the picture data or behind it.
fn find_orientation(mut chunks: Chunks<'_>) -> Option<Orientation> {
    chunks
        .find(|chunk| chunk.name == *b"eXIf")
        .and_then(|chunk| exif::orientation(chunk.data))
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
        let length = long(self.rest, 0)? as usize;
        let name = *self.rest.get(4..)?.first_chunk()?;
        let end = length.checked_add(8)?;
        let data = self.rest.get(8..end)?;
        let checksum_bytes = 4;
        self.rest = self.rest.get(end.checked_add(checksum_bytes)?..)?;
        Some(Chunk { name, data })
    }
}

fn long(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(offset..)?.first_chunk()?))
}
