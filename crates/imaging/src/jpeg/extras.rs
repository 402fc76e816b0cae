//! What the segments before the first scan say besides the picture.

use super::markers::Segments;
use crate::exif;
use crate::extras::Extras;

const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
pub(super) const XMP_PREFIX: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Behind it come the number of the piece, from 1, and how many there are.
const PROFILE_PREFIX: &[u8] = b"ICC_PROFILE\0";

/// There cannot be more pieces: their number is a byte.
const PIECES_MAX: usize = u8::MAX as usize;

/// Finds EXIF, XMP and a profile of at most `most` bytes.
pub(crate) fn read_extras(input: &[u8], most: usize) -> Extras<'_> {
    let mut extras = Extras::default();
    let mut pieces = Vec::new();
    for (marker, segment) in Segments::new(input) {
        if marker == APP1 {
            let exif = segment.strip_prefix(exif::PREFIX);
            let xmp = segment.strip_prefix(XMP_PREFIX);
            extras.exif = extras.exif.or(exif);
            extras.xmp = extras.xmp.or(xmp);
        } else if marker == APP2
            && pieces.len() <= PIECES_MAX
            && let Some([number, of, piece @ ..]) = segment.strip_prefix(PROFILE_PREFIX)
        {
            pieces.push((*number, *of, piece));
        }
    }
    if !pieces.is_empty() {
        match join(pieces, most) {
            Some(profile) => extras.set_profile(profile, most),
            None => extras.lost_profile = true,
        }
    }
    extras
}

/// Joins the pieces of a profile, if all are there and they are not too large together.
fn join(mut pieces: Vec<(u8, u8, &[u8])>, most: usize) -> Option<Vec<u8>> {
    pieces.sort_by_key(|&(number, _, _)| number);
    let count = pieces.len();
    let complete = pieces
        .iter()
        .zip(1_usize..)
        .all(|(&(number, of, _), expected)| {
            usize::from(number) == expected && usize::from(of) == count
        });
    let bytes: usize = pieces.iter().map(|(_, _, piece)| piece.len()).sum();
    (complete && bytes <= most).then(|| {
        pieces
            .iter()
            .flat_map(|(_, _, piece)| *piece)
            .copied()
            .collect()
    })
}
