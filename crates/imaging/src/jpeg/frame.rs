//! The frame header of a JPEG: its size, its colours, and how much data the picture takes at least.

use super::{corrupt, unsupported};
use crate::pixels::Channels;
use crate::{ImageError, Size};

/// The markers of the frame headers that are read.
const BASELINE: u8 = 0xC0;
const EXTENDED: u8 = 0xC1;
const PROGRESSIVE: u8 = 0xC2;

/// How the colours of a JPEG are stored, told by its number of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    Gray,
    /// YCbCr, or plain RGB if an Adobe segment says so.
    Rgb,
    /// CMYK or YCCK: with inverted inks, as Adobe writes them.
    Inks,
}

impl Colours {
    pub(crate) fn new(components: u8, adobe: bool) -> Result<Self, ImageError> {
        match components {
            1 => Ok(Self::Gray),
            3 => Ok(Self::Rgb),
            4 if adobe => Ok(Self::Inks),
            // Whether its inks are inverted is anybody's guess.
            4 => Err(unsupported("four components and no Adobe segment")),
            _ => Err(unsupported("a number of components other than 1, 3 or 4")),
        }
    }

    /// Returns the channels of the picture.
    pub(crate) const fn channels(self) -> Channels {
        match self {
            Self::Gray => Channels::Gray,
            Self::Rgb => Channels::Rgb,
            Self::Inks => Channels::Inks,
        }
    }
}

/// What a frame header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHeader {
    pub(super) size: Size,
    pub(super) components: u8,
    /// What the components are called.
    ids: [u8; 4],
    pub(super) progressive: bool,
    /// The number of 8x8 blocks of all components.
    pub(super) blocks: u64,
}

impl FrameHeader {
    /// Reads the segment of a frame header with this marker.
    pub(super) fn read(marker: u8, segment: &[u8]) -> Result<Self, ImageError> {
        match marker {
            BASELINE | EXTENDED | PROGRESSIVE => {}
            0xC3 => return Err(unsupported("lossless compression")),
            0xC5..=0xC7 => return Err(unsupported("hierarchical frames")),
            _ => return Err(unsupported("arithmetic coding")),
        }
        let &[
            precision,
            high,
            low,
            wide,
            narrow,
            components,
            ref sampling @ ..,
        ] = segment
        else {
            return Err(corrupt("the frame header is too short"));
        };
        if precision != 8 {
            return Err(unsupported("a sample depth other than 8 bits"));
        }
        let size = Size::new(
            u16::from_be_bytes([wide, narrow]).into(),
            u16::from_be_bytes([high, low]).into(),
        );
        if size.width == 0 {
            return Err(corrupt("the width is 0"));
        }
        if size.height == 0 {
            return Err(unsupported("a height that follows the first scan"));
        }
        let (sampling, _) = sampling.as_chunks::<3>();
        let sampling = sampling.get(..components.into());
        let mut ids = [0; 4];
        for (to, &[id, ..]) in ids.iter_mut().zip(sampling.unwrap_or_default()) {
            *to = id;
        }
        Ok(Self {
            size,
            components,
            ids,
            progressive: marker == PROGRESSIVE,
            blocks: sampling
                .and_then(|sampling| count_blocks(size, sampling))
                .ok_or_else(|| corrupt("the frame header does not describe its components"))?,
        })
    }
}

impl FrameHeader {
    /// Returns what the components are called.
    pub(super) fn known_ids(&self) -> &[u8] {
        &self.ids[..usize::from(self.components).min(self.ids.len())]
    }
}

/// Counts the blocks that a picture is stored in. For each component there is its name, its sampling factors
/// in the two halves of a byte, and its quantisation table.
fn count_blocks(size: Size, components: &[[u8; 3]]) -> Option<u64> {
    let factors = components
        .iter()
        .map(|&[_, factors, _]| (u32::from(factors >> 4), u32::from(factors & 0x0F)));
    let (most_x, most_y) = factors
        .clone()
        .reduce(|most, factors| (most.0.max(factors.0), most.1.max(factors.1)))?;
    let blocks = |side: u32, factor: u32, most: u32| {
        let samples = (side * factor).checked_div(most)?;
        (1..=4)
            .contains(&factor)
            .then_some(u64::from(samples.div_ceil(8)))
    };
    factors
        .map(|(x, y)| Some(blocks(size.width, x, most_x)? * blocks(size.height, y, most_y)?))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(factors: &[u8], expected: Option<u64>) {
        let components: Vec<_> = factors.iter().map(|&factors| [1, factors, 0]).collect();
        assert_eq!(count_blocks(Size::new(100, 50), &components), expected);
    }

    #[test]
    fn blocks_are_counted_per_component() {
        check(&[0x11], Some(13 * 7));
        check(&[0x11, 0x11, 0x11], Some(3 * 13 * 7));
        check(&[0x22, 0x11, 0x11], Some(13 * 7 + 2 * (7 * 4)));
        check(&[0x21, 0x11, 0x11], Some(13 * 7 + 2 * (7 * 7)));
    }

    #[test]
    fn impossible_sampling_is_noticed() {
        check(&[], None);
        check(&[0x00], None);
        check(&[0x11, 0x01, 0x11], None);
        check(&[0x51, 0x11, 0x11], None);
    }
}
