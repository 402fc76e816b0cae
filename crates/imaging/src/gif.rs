//! GIF: its header, and whether it is animated.

use crate::bytes::little;
use crate::{Format, Header, ImageError};

const IMAGE: u8 = 0x2C;
const EXTENSION: u8 = 0x21;
/// Set if a table of colours follows; the lowest three bits then say how many: two to the power of one more.
const HAS_TABLE: u8 = 0x80;

/// Reads the size of the screen, and goes on to the second picture if there is one.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let size = little::<2>(input, 6).zip(little::<2>(input, 8));
    let (width, height) =
        size.ok_or_else(|| ImageError::corrupt(Format::Gif, "the file ends in its header"))?;
    Ok(Header {
        animated: has_two_pictures(input).unwrap_or(false),
        ..Header::new(Format::Gif, width, height)?
    })
}

/// Goes from block to block; `None` if the file ends before a second picture. Each step moves forward.
fn has_two_pictures(input: &[u8]) -> Option<bool> {
    let mut position = 13 + table_bytes(*input.get(10)?);
    let mut pictures = 0;
    loop {
        match *input.get(position)? {
            EXTENSION => position = skip_blocks(input, position + 2)?,
            IMAGE => {
                pictures += 1;
                if pictures == 2 {
                    return Some(true);
                }
                let data = position + 10 + table_bytes(*input.get(position + 9)?);
                let code_size_bytes = 1;
                position = skip_blocks(input, data + code_size_bytes)?;
            }
            _ => return Some(false),
        }
    }
}

fn table_bytes(flags: u8) -> usize {
    if flags & HAS_TABLE == 0 {
        return 0;
    }
    3 << ((flags & 7) + 1)
}

/// Goes behind blocks that each begin with their length, of which the last is 0.
fn skip_blocks(input: &[u8], mut position: usize) -> Option<usize> {
    loop {
        let length = usize::from(*input.get(position)?);
        position += 1 + length;
        if length == 0 {
            return Some(position);
        }
    }
}
