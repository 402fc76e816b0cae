//! Chooses how a JPEG is decoded.

use super::full;
use super::markers::{check_scans, read_frame};
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
    check_scans(input, &frame, limits)?;
    let shrink = shrink(source.stored_size(), target);
    #[cfg(feature = "mozjpeg")]
    if shrink > 1 {
        return super::shrunk::decode(input, &frame, shrink);
    }
    _ = shrink;
    full::decode(input, &frame)
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
        assert_eq!(shrink_to(100), 8);
        assert_eq!(shrink_to(1), 8);
    }

    #[test]
    fn the_side_that_shrinks_less_decides() {
        assert_eq!(shrink(Size::new(1600, 10), Size::new(100, 1)), 4);
    }
}
