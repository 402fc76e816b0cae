//! Chooses how a JPEG is decoded.

#[cfg(feature = "mozjpeg")]
use super::frame::Colours;
use super::markers::{read_frame, read_scans};
use crate::ImageError;
use crate::codec::Decoding;
use crate::pixels::Decoded;

/// Decodes a JPEG, at a fraction of its size if that is asked for.
///
/// libjpeg decodes a fraction of a picture in less time than zune-jpeg takes for all of it. It also decodes
/// what has a scan for each colour, which zune-jpeg 0.5 gets wrong without noticing.
#[cfg(feature = "mozjpeg")]
pub(crate) fn decode(decoding: &Decoding<'_>) -> Result<Decoded, ImageError> {
    let frame = read_frame(decoding.input)?;
    let scans = read_scans(decoding.input, &frame, decoding.limits)?;
    // A profile for inks needs the inks, which zune-jpeg does not give.
    let is_common = scans.interleaved && frame.colours != Colours::Inks;
    if decoding.shrink == 1 && is_common {
        super::zune::decode(decoding, &frame)
    } else {
        super::libjpeg::decode(decoding, &frame)
    }
}

/// Decodes a JPEG at its full size. Without libjpeg, nothing is decoded wrong either.
#[cfg(not(feature = "mozjpeg"))]
pub(crate) fn decode(decoding: &Decoding<'_>) -> Result<Decoded, ImageError> {
    let frame = read_frame(decoding.input)?;
    let scans = read_scans(decoding.input, &frame, decoding.limits)?;
    if scans.interleaved {
        super::zune::decode(decoding, &frame)
    } else {
        Err(super::unsupported("a sequential scan for each colour"))
    }
}

#[cfg(all(test, feature = "mozjpeg"))]
mod agreement;
