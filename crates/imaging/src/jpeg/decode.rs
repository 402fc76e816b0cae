//! Chooses how a JPEG is decoded.

#[cfg(feature = "mozjpeg")]
use super::frame::Colours;
use super::markers::{Frame, Scans, read_frame, read_scans};
use crate::ImageError;
use crate::codec::Decoding;
use crate::rows::RowSink;

/// Decodes a JPEG, at a fraction of its size if that is asked for.
///
/// Our own decoder reads what is common. Of the rest, libjpeg decodes a fraction of a picture in less time than zune-jpeg
/// takes for all of it.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    let frame = read_frame(decoding.input)?;
    let scans = read_scans(decoding.input, &frame, decoding.limits)?;
    if scans.interleaved && super::ours::decode(decoding, &frame, sink)? {
        return Ok(());
    }
    // Neither of the others says that it filled up what is missing.
    if !scans.whole {
        sink.note_damage();
    }
    decode_rare(decoding, (&frame, scans), sink)
}

/// Decodes what is not common. libjpeg also reads what has a scan for each colour, which zune-jpeg 0.5 gets wrong without
/// noticing.
#[cfg(feature = "mozjpeg")]
fn decode_rare(
    decoding: &Decoding<'_>,
    (frame, scans): (&Frame, Scans),
    sink: &mut dyn RowSink,
) -> Result<(), ImageError> {
    // A profile for inks needs the inks, which zune-jpeg does not give.
    let is_simple = scans.interleaved && frame.colours != Colours::Inks;
    if decoding.shrink == 1 && is_simple {
        super::zune::decode(decoding, frame, sink)
    } else {
        super::libjpeg::decode(decoding, frame, sink)
    }
}

/// Decodes what is not common, at its full size. Without libjpeg, nothing is decoded wrong either.
#[cfg(not(feature = "mozjpeg"))]
fn decode_rare(
    decoding: &Decoding<'_>,
    (frame, scans): (&Frame, Scans),
    sink: &mut dyn RowSink,
) -> Result<(), ImageError> {
    if scans.interleaved {
        super::zune::decode(decoding, frame, sink)
    } else {
        Err(super::unsupported("a sequential scan for each colour"))
    }
}

#[cfg(all(test, feature = "mozjpeg"))]
mod agreement;
