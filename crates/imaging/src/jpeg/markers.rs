//! Reads the structure of a JPEG file: its markers, and nothing of the compressed data between them.
//!
//! This comes before any decoder. It tells the size, so that limits hold before anything is allocated; it
//! finds the orientation; it refuses what no decoder here reads, with the same words for all of them; and it
//! walks to the end, because decoders fill up what is missing from a truncated file with gray.
//!
//! Invariants:
//! 1. Every step moves forward, so the work is linear in the length of the file.
//! 2. Nothing is allocated.

use super::corrupt;
use super::coverage::Coverage;
use super::frame::{Colours, FrameHeader};
use super::joined::Inks;
use crate::{Format, Header, ImageError, Limits, Orientation, Size, exif};

const DHT: u8 = 0xC4;
const JPG: u8 = 0xC8;
const DAC: u8 = 0xCC;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP1: u8 = 0xE1;
const APP14: u8 = 0xEE;

const ADOBE_PREFIX: &[u8] = b"Adobe";

const TWO_FRAMES: &str = "the file has two frame headers";

/// What the markers before the first scan say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) colours: Colours,
    /// How its inks are stored, if it has any.
    pub(crate) inks: Inks,
    header: FrameHeader,
    orientation: Orientation,
    /// Where the first scan starts: the offset of its marker.
    scan: usize,
}

impl Frame {
    /// Returns the size as stored.
    pub(crate) const fn size(&self) -> Size {
        self.header.size
    }
}

/// What the scans say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scans {
    /// Whether every sequential scan has all colours, as nearly all files do. Progressive files always count
    /// as interleaved: decoders are used to their scans of single colours.
    pub(crate) interleaved: bool,
    /// Whether they bring all coefficients of all colours.
    pub(crate) whole: bool,
}

/// Reads everything before the first scan.
pub(crate) fn read_header(input: &[u8]) -> Result<Header, ImageError> {
    let frame = read_frame(input)?;
    Ok(Header {
        orientation: frame.orientation,
        lossless: false,
        ..Header::new(Format::Jpeg, frame.size().width, frame.size().height)?
    })
}

/// Reads everything before the first scan.
pub(crate) fn read_frame(input: &[u8]) -> Result<Frame, ImageError> {
    let mut markers = Markers { input, position: 0 };
    let mut header = None;
    let mut orientation = None;
    let mut adobe = None;
    loop {
        let marker = markers.next_marker()?;
        match marker {
            SOS => break,
            EOI => return Err(corrupt("the file has no picture data")),
            SOI => {}
            _ if is_frame_header(marker) => {
                let read = FrameHeader::read(marker, markers.segment()?)?;
                if header.replace(read).is_some() {
                    return Err(corrupt(TWO_FRAMES));
                }
            }
            APP1 => orientation = orientation.or(read_exif(markers.segment()?)),
            APP14 => adobe = read_adobe(markers.segment()?).or(adobe),
            _ => _ = markers.segment()?,
        }
    }
    let header = header.ok_or_else(|| corrupt("the file has no frame header"))?;
    Ok(Frame {
        colours: Colours::new(header.components, adobe.is_some())?,
        inks: adobe.unwrap_or(Inks::Plain),
        header,
        orientation: orientation.unwrap_or_default(),
        scan: markers.position - 2,
    })
}

/// Tells how much memory a picture takes that does not come in rows: one with several scans. Its coefficients are kept, and some
/// decoders give it whole.
pub(crate) fn whole_bytes(input: &[u8]) -> Result<u64, ImageError> {
    let frame = read_frame(input)?;
    let header = &frame.header;
    let mut markers = Markers {
        input,
        position: frame.scan,
    };
    markers.next_marker()?;
    let has_all = markers.segment()?.first() == Some(&header.components);
    if has_all && !header.progressive {
        return Ok(0);
    }
    let block_bytes = 64 * 2;
    let pixel_bytes = u64::from(header.components);
    Ok(header.blocks * block_bytes + header.size.pixels() * pixel_bytes)
}

/// Walks the scans from the first one to the end of the image.
///
/// It is an error if there is no end, if there are too many scans, or if they have less data than the picture
/// takes at least. So a small file cannot claim a large picture.
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
    let mut coverage = Coverage::new(&frame.header);
    loop {
        let marker = markers.next_marker()?;
        match marker {
            EOI => break,
            SOI => {}
            SOS => {
                scans += 1;
                limits.check_scans(scans)?;
                let segment = markers.segment()?;
                interleaved &=
                    frame.header.progressive || segment.first() == Some(&frame.header.components);
                coverage.note(segment);
            }
            _ if is_frame_header(marker) => return Err(corrupt(TWO_FRAMES)),
            _ => _ = markers.segment()?,
        }
    }
    // No code is shorter than a bit, and every block has at least one.
    let bits = 8 * (markers.position - frame.scan) as u64;
    if bits < frame.header.blocks {
        return Err(corrupt("the file has too little data for its picture"));
    }
    Ok(Scans {
        interleaved,
        whole: coverage.is_whole(),
    })
}

const fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, DHT | JPG | DAC)
}

/// Reads how inks are stored, if it is a segment of Adobe. Like libjpeg, one that is too short says nothing of it.
fn read_adobe(segment: &[u8]) -> Option<Inks> {
    segment
        .starts_with(ADOBE_PREFIX)
        .then(|| match segment.get(11) {
            None | Some(0) => Inks::Plain,
            Some(_) => Inks::Light,
        })
}

fn read_exif(segment: &[u8]) -> Option<Orientation> {
    exif::orientation(segment.strip_prefix(exif::PREFIX)?)
}

/// Goes through the segments before the first scan, and ends early where one is broken.
pub(super) struct Segments<'a> {
    markers: Markers<'a>,
}

impl<'a> Segments<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self {
            markers: Markers { input, position: 0 },
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    /// A marker and what is in its segment.
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.markers.next_marker().ok()? {
                SOS | EOI => return None,
                SOI => {}
                marker => return Some((marker, self.markers.segment().ok()?)),
            }
        }
    }
}

/// A cursor that goes from marker to marker.
struct Markers<'a> {
    input: &'a [u8],
    position: usize,
}

impl<'a> Markers<'a> {
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
