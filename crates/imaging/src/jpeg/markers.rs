//! Reads the structure of a JPEG file: its markers, and nothing of the compressed data between them.
//!
//! This comes before any decoder. It tells the size, so that limits hold before anything is allocated; it
//! finds the orientation; it refuses what no decoder here reads, with the same words for all of them; and it
//! walks to the end, because decoders fill up what is missing from a truncated file with gray.
//!
//! Invariants:
//! 1. Every step moves forward, so the work is linear in the length of the file.
//! 2. Nothing is allocated.

use super::Colours;
use crate::{Format, Header, ImageError, Limits, Orientation, Size, exif};

const SOF_BASELINE: u8 = 0xC0;
const SOF_EXTENDED: u8 = 0xC1;
const SOF_PROGRESSIVE: u8 = 0xC2;
const DHT: u8 = 0xC4;
const JPG: u8 = 0xC8;
const DAC: u8 = 0xCC;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP1: u8 = 0xE1;
const APP14: u8 = 0xEE;

const EXIF_PREFIX: &[u8] = b"Exif\0\0";
const ADOBE_PREFIX: &[u8] = b"Adobe";

/// What the markers before the first scan say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) size: Size,
    pub(crate) colours: Colours,
    orientation: Orientation,
    components: u8,
    progressive: bool,
    /// Where the first scan starts: the offset of its marker.
    scan: usize,
}

/// What the scans say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scans {
    /// Whether every sequential scan has all colours, as nearly all files do. Progressive files always count
    /// as interleaved: decoders are used to their scans of single colours.
    pub(crate) interleaved: bool,
}

/// Reads everything before the first scan.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let frame = read_frame(input)?;
    Ok(Header {
        format: Format::Jpeg,
        width: frame.size.width,
        height: frame.size.height,
        orientation: frame.orientation,
    })
}

/// Reads everything before the first scan.
pub(crate) fn read_frame(input: &[u8]) -> Result<Frame, ImageError> {
    let mut markers = Markers::new(input);
    let mut sof = None;
    let mut orientation = None;
    let mut adobe = false;
    loop {
        let marker = markers.next_marker()?;
        match marker {
            SOS => break,
            EOI => return Err(corrupt("the file has no picture data")),
            SOI => {}
            DHT | JPG | DAC => _ = markers.segment()?,
            SOF_BASELINE..=0xCF => {
                if sof.replace(read_sof(marker, markers.segment()?)?).is_some() {
                    return Err(corrupt("the file has two frame headers"));
                }
            }
            APP1 => orientation = orientation.or(read_exif(markers.segment()?)),
            APP14 => adobe |= markers.segment()?.starts_with(ADOBE_PREFIX),
            _ => _ = markers.segment()?,
        }
    }
    let (progressive, size, components) =
        sof.ok_or_else(|| corrupt("the file has no frame header"))?;
    Ok(Frame {
        size,
        colours: colours(components, adobe)?,
        orientation: orientation.unwrap_or_default(),
        components,
        progressive,
        scan: markers.position - 2,
    })
}

/// Walks the scans from the first one to the end of the image. It is an error if there is no end, or if
/// there are too many scans.
pub(crate) fn read_scans(
    input: &[u8],
    frame: &Frame,
    limits: &Limits,
) -> Result<Scans, ImageError> {
    let mut markers = Markers {
        input,
        position: frame.scan,
    };
    let mut scans = 0;
    let mut interleaved = true;
    loop {
        match markers.next_marker()? {
            EOI => return Ok(Scans { interleaved }),
            SOI => {}
            SOS => {
                scans += 1;
                limits.check_scans(scans)?;
                let components = markers.segment()?.first();
                interleaved &= frame.progressive || components == Some(&frame.components);
            }
            _ => _ = markers.segment()?,
        }
    }
}

fn read_sof(marker: u8, segment: &[u8]) -> Result<(bool, Size, u8), ImageError> {
    match marker {
        SOF_BASELINE | SOF_EXTENDED | SOF_PROGRESSIVE => {}
        0xC3 => return Err(unsupported("lossless compression")),
        0xC5..=0xC7 => return Err(unsupported("hierarchical frames")),
        _ => return Err(unsupported("arithmetic coding")),
    }
    let &[precision, high, low, wide, narrow, components, ..] = segment else {
        return Err(corrupt("the frame header is too short"));
    };
    let size = Size::new(
        u16::from_be_bytes([wide, narrow]).into(),
        u16::from_be_bytes([high, low]).into(),
    );
    if precision != 8 {
        return Err(unsupported("a sample depth other than 8 bits"));
    }
    if size.width == 0 {
        return Err(corrupt("the width is 0"));
    }
    if size.height == 0 {
        return Err(unsupported("a height that follows the first scan"));
    }
    Ok((marker == SOF_PROGRESSIVE, size, components))
}

fn colours(components: u8, adobe: bool) -> Result<Colours, ImageError> {
    match components {
        1 => Ok(Colours::Gray),
        3 => Ok(Colours::Rgb),
        4 if adobe => Ok(Colours::Inks),
        // Whether its inks are inverted is anybody's guess.
        4 => Err(unsupported("four components and no Adobe segment")),
        _ => Err(unsupported("a number of components other than 1, 3 or 4")),
    }
}

fn read_exif(segment: &[u8]) -> Option<Orientation> {
    exif::orientation(segment.strip_prefix(EXIF_PREFIX)?)
}

/// A cursor that goes from marker to marker.
struct Markers<'a> {
    input: &'a [u8],
    position: usize,
}

impl<'a> Markers<'a> {
    const fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0 }
    }

    /// Goes behind the next marker and returns it. What lies before it is skipped: compressed data, fill
    /// bytes, restart markers, and the stray bytes that some cameras leave.
    fn next_marker(&mut self) -> Result<u8, ImageError> {
        loop {
            let rest = self.input.get(self.position..).unwrap_or_default();
            let found = memchr::memchr(0xFF, rest).ok_or_else(truncated)?;
            let code = *rest.get(found + 1).ok_or_else(truncated)?;
            // The second of two 0xFF may be the start of a marker itself.
            self.position += found + if code == 0xFF { 1 } else { 2 };
            if !matches!(code, 0x00 | 0x01 | 0xD0..=0xD7 | 0xFF) {
                return Ok(code);
            }
        }
    }

    /// Goes behind the segment of the marker just read, and returns what is in it.
    fn segment(&mut self) -> Result<&'a [u8], ImageError> {
        let rest = self.input.get(self.position..).unwrap_or_default();
        let length = usize::from(u16::from_be_bytes(
            *rest.first_chunk().ok_or_else(truncated)?,
        ));
        if length < 2 {
            return Err(corrupt("a segment is shorter than its own length field"));
        }
        let segment = rest.get(2..length).ok_or_else(truncated)?;
        self.position += length;
        Ok(segment)
    }
}

fn truncated() -> ImageError {
    corrupt("the file ends too early")
}

fn corrupt(reason: &'static str) -> ImageError {
    ImageError::corrupt(Format::Jpeg, reason)
}

const fn unsupported(feature: &'static str) -> ImageError {
    ImageError::Unsupported {
        format: Format::Jpeg,
        feature,
    }
}
