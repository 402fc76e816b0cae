//! Reads the chunks of a WebP that matter before it is decoded.

use crate::bytes::little;
use crate::{Format, Header, ImageError, Orientation, Size, exif};

/// Bits in the flags of an extended header.
const ANIMATED: u8 = 0x02;
const HAS_EXIF: u8 = 0x08;

/// Where the chunks of a frame begin, behind its place, size and duration.
const FRAME_HEADER_BYTES: usize = 16;

/// A chunk: its name and what is in it.
pub(crate) struct Chunk<'a> {
    pub(crate) name: [u8; 4],
    pub(crate) data: &'a [u8],
}

/// Goes from chunk to chunk, and ends where one is incomplete.
pub(crate) struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        let header_bytes = 12;
        Self {
            rest: input.get(header_bytes..).unwrap_or_default(),
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let name = *self.rest.first_chunk()?;
        let length = little::<4>(self.rest, 4)? as usize;
        let end = length.checked_add(8)?;
        let data = self.rest.get(8..end)?;
        // Chunks begin at even places; the last one may lack the byte that makes it so.
        let even = end.checked_next_multiple_of(2)?;
        self.rest = self.rest.get(even..).unwrap_or_default();
        Some(Chunk { name, data })
    }
}

/// What the data of a picture says of itself.
struct Picture {
    size: Size,
    lossless: bool,
}

/// Reads size, orientation, and how the picture is stored.
///
/// The picture must have the size that the file claims, or less in an animation: a decoder would find out too late.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let corrupt = |reason| ImageError::corrupt(Format::WebP, reason);
    let picture = find_picture(Chunks::new(input))
        .ok_or_else(|| corrupt("the file has no picture, or not all of it"))?;
    let first = Chunks::new(input).next();
    let extended = first.filter(|chunk| chunk.name == *b"VP8X");
    let (size, flags) = match extended.and_then(|chunk| read_extended(chunk.data)) {
        Some(extended) => extended,
        None => (picture.size, 0),
    };
    let animated = flags & ANIMATED != 0;
    let agrees = if animated {
        picture.size.width <= size.width && picture.size.height <= size.height
    } else {
        picture.size == size
    };
    if !agrees {
        return Err(corrupt("the file has two different sizes"));
    }
    let tagged = flags & HAS_EXIF != 0;
    Ok(Header {
        orientation: tagged
            .then(|| find_orientation(input))
            .flatten()
            .unwrap_or_default(),
        lossless: picture.lossless,
        animated,
        ..Header::new(Format::WebP, size.width, size.height)?
    })
}

/// Whether a picture that is no animation has an opacity of its own.
pub(crate) fn has_opacity(input: &[u8]) -> bool {
    Chunks::new(input).any(|chunk| chunk.name == *b"ALPH")
}

fn find_orientation(input: &[u8]) -> Option<Orientation> {
    let chunk = Chunks::new(input).find(|chunk| chunk.name == *b"EXIF")?;
    exif::orientation(exif::without_prefix(chunk.data))
}

/// Reads the size of the canvas and the flags.
fn read_extended(data: &[u8]) -> Option<(Size, u8)> {
    let size = Size::new(little::<3>(data, 4)? + 1, little::<3>(data, 7)? + 1);
    Some((size, *data.first()?))
}

/// Finds the first picture, which may lie in the first frame of an animation.
fn find_picture(chunks: Chunks<'_>) -> Option<Picture> {
    for chunk in chunks {
        match &chunk.name {
            b"VP8 " => return read_lossy(chunk.data),
            b"VP8L" => return read_lossless(chunk.data),
            b"ANMF" => {
                let rest = chunk.data.get(FRAME_HEADER_BYTES..)?;
                return find_picture(Chunks { rest });
            }
            _ => {}
        }
    }
    None
}

/// Reads the header of a VP8 key frame: RFC 6386, section 9.1.
fn read_lossy(data: &[u8]) -> Option<Picture> {
    let start_code = data.get(3..6)?;
    if start_code != [0x9D, 0x01, 0x2A] {
        return None;
    }
    let side = |offset| Some(little::<2>(data, offset)? & 0x3FFF);
    Some(Picture {
        size: Size::new(side(6)?, side(8)?),
        lossless: false,
    })
}

/// Reads the header of a lossless picture: a signature, then both sides less one in 14 bits each.
fn read_lossless(data: &[u8]) -> Option<Picture> {
    if *data.first()? != 0x2F {
        return None;
    }
    let bits = little::<4>(data, 1)?;
    let side = |bits: u32| (bits & 0x3FFF) + 1;
    Some(Picture {
        size: Size::new(side(bits), side(bits >> 14)),
        lossless: true,
    })
}
