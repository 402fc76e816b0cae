//! The frame header: what the picture is like.

use crate::DecodeError;
use crate::segment::{Segment, Segments};
use crate::tables::Tables;

/// What the planes of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colours {
    /// One plane of light.
    Gray,
    /// Light and two differences of colour.
    YCbCr,
    /// Red, green and blue.
    Rgb,
    /// Four inks as they are stored: CMYK, YCCK, or either of them inverted.
    Inks,
}

/// How a colour is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// Its name in the file.
    pub id: u8,
    /// How many blocks it has in a row of each group of blocks.
    pub horizontal: u32,
    /// How many rows of blocks it has in each group.
    pub vertical: u32,
    pub(crate) quantisation: u8,
}

/// What a file says of its picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Columns of the picture.
    pub width: u32,
    /// Rows of the picture.
    pub height: u32,
    /// What its planes are.
    pub colours: Colours,
    /// One for gray, four for inks, otherwise three.
    pub components: Vec<Component>,
}

impl Header {
    /// Reads everything before the first scan.
    ///
    /// # Errors
    ///
    /// [`DecodeError::NotMine`] for a kind of file that is not read here, [`DecodeError::Corrupt`] for what is no JPEG.
    pub fn read(input: &[u8]) -> Result<Self, DecodeError> {
        Ok(Tables::read(input)?.header)
    }

    /// How many blocks a group is wide and high.
    pub(crate) fn group(&self) -> (u32, u32) {
        let widest = self.components.iter().map(|component| component.horizontal);
        let highest = self.components.iter().map(|component| component.vertical);
        (widest.max().unwrap_or(1), highest.max().unwrap_or(1))
    }
}

/// What is said about colours besides their names.
#[derive(Debug, Default)]
pub(crate) struct ColourHints {
    jfif: bool,
    adobe_transform: Option<u8>,
}

impl ColourHints {
    pub(crate) fn note(&mut self, segment: &Segment<'_>) {
        if segment.marker == 0xE0 && segment.data.starts_with(b"JFIF\0") {
            self.jfif = true;
        }
        if segment.marker == 0xEE && segment.data.starts_with(b"Adobe") {
            self.adobe_transform = segment.data.get(11).copied();
        }
    }

    /// Decides as libjpeg does.
    fn colours(&self, components: &[Component]) -> Colours {
        let names = components.iter().map(|component| component.id);
        match (components.len(), self.adobe_transform) {
            (1, _) => Colours::Gray,
            (4, _) => Colours::Inks,
            _ if self.jfif => Colours::YCbCr,
            (_, Some(0)) => Colours::Rgb,
            (_, Some(_)) => Colours::YCbCr,
            (_, None) if names.eq(*b"RGB") => Colours::Rgb,
            (_, None) => Colours::YCbCr,
        }
    }
}

/// Reads the data of a frame header.
pub(crate) fn read_frame(
    segment: &Segment<'_>,
    hints: &ColourHints,
) -> Result<Header, DecodeError> {
    match segment.marker {
        0xC0 | 0xC1 => {}
        0xC2 => return Err(DecodeError::NotMine("progressive files")),
        _ => return Err(DecodeError::NotMine("this kind of compression")),
    }
    let &[precision, ref rest @ ..] = segment.data else {
        return Err(DecodeError::Corrupt("the frame header is too short"));
    };
    let &[high, low, wide, narrow, count, ref rest @ ..] = rest else {
        return Err(DecodeError::Corrupt("the frame header is too short"));
    };
    if precision != 8 {
        return Err(DecodeError::NotMine("samples of other than 8 bits"));
    }
    if !matches!(count, 1 | 3 | 4) {
        return Err(DecodeError::NotMine(
            "other than one, three or four colours",
        ));
    }
    let (width, height) = (
        u16::from_be_bytes([wide, narrow]).into(),
        u16::from_be_bytes([high, low]).into(),
    );
    if width == 0 || height == 0 {
        return Err(DecodeError::NotMine("sides of 0"));
    }
    let described = rest.as_chunks::<3>().0.get(..count.into());
    let described = described.ok_or(DecodeError::Corrupt("a colour is not described"))?;
    let components: Vec<_> = described.iter().map(|&bytes| component(bytes)).collect();
    let mut header = Header {
        width,
        height,
        colours: hints.colours(&components),
        components,
    };
    check_sampling(&mut header)?;
    Ok(header)
}

fn component([id, factors, quantisation]: [u8; 3]) -> Component {
    Component {
        id,
        horizontal: (factors >> 4).into(),
        vertical: (factors & 0x0F).into(),
        quantisation,
    }
}

/// How many blocks a group may have (ITU T.81, B.2.3).
const BLOCKS_MAX: u32 = 10;

fn check_sampling(header: &mut Header) -> Result<(), DecodeError> {
    if let [only] = header.components.as_mut_slice() {
        // Where there is nothing to group with, a group is a block.
        (only.horizontal, only.vertical) = (1, 1);
    }
    let factors = header
        .components
        .iter()
        .map(|component| (component.horizontal, component.vertical));
    if factors.clone().any(|(x, y)| x == 0 || y == 0) {
        return Err(DecodeError::Corrupt("a colour has no samples"));
    }
    let (widest, highest) = header.group();
    let is_whole = |(x, y)| widest % x == 0 && highest % y == 0;
    if !factors.clone().all(is_whole) || factors.map(|(x, y)| x * y).sum::<u32>() > BLOCKS_MAX {
        return Err(DecodeError::NotMine("such subsampling"));
    }
    Ok(())
}

/// Walks the segments before the first scan.
pub(crate) fn segments(input: &[u8]) -> Result<Segments<'_>, DecodeError> {
    if !input.starts_with(&[0xFF, 0xD8]) {
        return Err(DecodeError::Corrupt("the file is no JPEG"));
    }
    Ok(Segments::new(input, 2))
}
