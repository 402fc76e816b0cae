//! Chooses how a JPEG is decoded.

use super::markers::{Frame, Scans, read_frame, read_scans};
use crate::pixels::Decoded;
use crate::{Header, ImageError, Limits, Size};

/// Decodes a JPEG, at a fraction of its size if `target` is small enough.
pub(crate) fn decode(
    input: &[u8],
    source: &Header,
    target: Size,
    limits: &Limits,
) -> Result<Decoded, ImageError> {
    let frame = read_frame(input)?;
    let scans = read_scans(input, &frame, limits)?;
    let shrink = shrink(source.stored_size(), target);
    decode_frame(input, &frame, scans, shrink)
}

/// libjpeg decodes a fraction of a picture in less time than zune-jpeg takes for all of it. It also decodes
/// what has a scan for each colour, which zune-jpeg 0.5 gets wrong without noticing.
#[cfg(feature = "mozjpeg")]
fn decode_frame(
    input: &[u8],
    frame: &Frame,
    scans: Scans,
    shrink: u32,
) -> Result<Decoded, ImageError> {
    if shrink == 1 && scans.interleaved {
        super::zune::decode(input, frame)
    } else {
        super::libjpeg::decode(input, frame, shrink)
    }
}

/// Without libjpeg, everything is decoded at its full size, and nothing is decoded wrong.
#[cfg(not(feature = "mozjpeg"))]
fn decode_frame(
    input: &[u8],
    frame: &Frame,
    scans: Scans,
    _shrink: u32,
) -> Result<Decoded, ImageError> {
    if scans.interleaved {
        super::zune::decode(input, frame)
    } else {
        Err(super::unsupported("a sequential scan for each colour"))
    }
}

/// Returns by how much a decoder may divide the sides: 1, 2, 4 or 8.
///
/// The rule of libvips (`vips_thumbnail_find_jpegshrink`): leave at least a factor of two to the final
/// scaling, as the decoder's own shrinking is no more than an average over blocks.
fn shrink(stored: Size, target: Size) -> u32 {
    let common = (stored.width / target.width).min(stored.height / target.height);
    match common {
        0..4 => 1,
        4..8 => 2,
        8..16 => 4,
        16.. => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_leaves_a_factor_of_two() {
        let shrink_to = |side| shrink(Size::new(1600, 1600), Size::new(side, side));
        assert_eq!(shrink_to(401), 1);
        assert_eq!(shrink_to(400), 2);
        assert_eq!(shrink_to(201), 2);
        assert_eq!(shrink_to(200), 4);
        assert_eq!(shrink_to(101), 4);
        assert_eq!(shrink_to(100), 8);
        assert_eq!(shrink_to(1), 8);
    }

    #[test]
    fn the_side_that_shrinks_less_decides() {
        assert_eq!(shrink(Size::new(1600, 10), Size::new(100, 1)), 4);
    }
}

#[cfg(all(test, feature = "mozjpeg"))]
mod agreement;
