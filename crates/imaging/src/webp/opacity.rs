//! The opacity of a lossy WebP: a chunk of its own (`ALPH`), with a byte for each pixel, stored as it is or as the green of a
//! picture without loss.

use image_webp::{DecodingError, WebPDecoder};

use crate::codec::Decoding;
use crate::watch::WatchedReader;
use crate::{Format, ImageError, Size};

/// How a byte is foretold from those before it; what is stored is the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    Left,
    Above,
    Gradient,
}

/// Decodes the opacity of a picture: a byte for each pixel.
pub(super) fn decode(chunk: &[u8], decoding: &Decoding<'_>) -> Result<Vec<u8>, ImageError> {
    let corrupt = |reason| ImageError::corrupt(Format::WebP, reason);
    let size = decoding.source.stored_size();
    let (&kind, data) = chunk
        .split_first()
        .ok_or_else(|| corrupt("the opacity is empty"))?;
    let count = size.pixels() as usize;
    let mut opacities = match kind & 3 {
        0 => data.get(..count).map(<[u8]>::to_vec),
        1 => Some(decode_green(data, size, decoding)?),
        _ => None,
    }
    .ok_or_else(|| corrupt("the opacity is incomplete, or stored in no known way"))?;
    let filter = match (kind >> 2) & 3 {
        0 => Filter::None,
        1 => Filter::Left,
        2 => Filter::Above,
        _ => Filter::Gradient,
    };
    filter.undo(&mut opacities, size.width as usize);
    Ok(opacities)
}

/// Decodes a picture without loss, and returns its green.
fn decode_green(data: &[u8], size: Size, decoding: &Decoding<'_>) -> Result<Vec<u8>, ImageError> {
    let file = lossless_file(data, size);
    let read = || -> Result<_, DecodingError> {
        let mut decoder = WebPDecoder::new(WatchedReader::new(&file, decoding.watch))?;
        let mut pixels = vec![0; size.pixels() as usize * 4];
        decoder.read_image(&mut pixels)?;
        Ok(pixels)
    };
    let pixels = read().map_err(|error| ImageError::corrupt(Format::WebP, error))?;
    let (pixels, _) = pixels.as_chunks::<4>();
    Ok(pixels.iter().map(|&[_, green, _, _]| green).collect())
}

/// Puts what the chunk leaves out around the data of a picture without loss: its size, and what makes it a file.
///
/// It is said to have an opacity of its own, because the decoder takes twice the memory for pictures that have none.
fn lossless_file(data: &[u8], size: Size) -> Vec<u8> {
    let sides = (size.width - 1) | (size.height - 1) << 14;
    let has_opacity = 1 << 28;
    let length = (data.len() + 5) as u32;
    let mut file = Vec::with_capacity(data.len() + 26);
    file.extend(b"RIFF");
    file.extend((length + 12).to_le_bytes());
    file.extend(b"WEBPVP8L");
    file.extend(length.to_le_bytes());
    file.push(0x2F);
    file.extend((sides | has_opacity).to_le_bytes());
    file.extend(data);
    file
}

impl Filter {
    /// Makes bytes of differences, in rows of `width`.
    ///
    /// What has nothing above it is foretold from the left, what has nothing to its left from above, and the first from nothing.
    fn undo(self, data: &mut [u8], width: usize) {
        if self == Self::None {
            return;
        }
        let mut rows = data.chunks_exact_mut(width);
        let Some(mut above) = rows.next() else {
            return;
        };
        add_left(above, 0);
        for row in rows {
            match self {
                Self::None => {}
                Self::Left => add_left(row, above[0]),
                Self::Above => {
                    let pairs = row.iter_mut().zip(&*above);
                    pairs.for_each(|(byte, &above)| *byte = byte.wrapping_add(above));
                }
                Self::Gradient => add_gradient(row, above),
            }
            above = row;
        }
    }
}

/// Adds to each byte the one before it, and to the first one `first`.
fn add_left(row: &mut [u8], first: u8) {
    let mut left = first;
    for byte in row {
        left = byte.wrapping_add(left);
        *byte = left;
    }
}

/// Adds to each byte what goes on from its neighbours as they do.
fn add_gradient(row: &mut [u8], above: &[u8]) {
    let first = above.first().copied().unwrap_or_default();
    let (mut left, mut corner) = (first, first);
    for (byte, &above) in row.iter_mut().zip(above) {
        let foretold = i16::from(left) + i16::from(above) - i16::from(corner);
        left = byte.wrapping_add(foretold.clamp(0, 255) as u8);
        *byte = left;
        corner = above;
    }
}
