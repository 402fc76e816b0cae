//! All that has to be known before the compressed data is read.

use crate::DecodeError;
use crate::header::{ColourHints, Header, read_frame, segments};
use crate::huffman::Code;
use crate::segment::Segment;

/// The order in which the coefficients of a block are stored, as indices of a transposed block: columns of frequencies one after
/// the other. What lies behind the block stays there.
pub(crate) const ORDER: [u8; 128] = {
    const ROWS: [u8; 64] = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
        20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
    let mut order = [64; 128];
    let mut at = 0;
    while at < 64 {
        order[at] = ROWS[at] % 8 * 8 + ROWS[at] / 8;
        at += 1;
    }
    order
};

/// The codes and the steps that one component uses.
#[derive(Debug, Clone)]
pub(crate) struct Assigned {
    /// What the codes are called in the file.
    pub(crate) numbers: (u8, u8),
    pub(crate) first: Code,
    pub(crate) others: Code,
    /// What coefficients are multiplied with, as a transposed block.
    pub(crate) steps: [i32; 64],
}

#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) header: Header,
    /// For each component.
    pub(crate) assigned: Vec<Assigned>,
    /// After how many groups of blocks the decoder starts anew; 0 for never.
    pub(crate) restart_interval: u32,
    /// Where the compressed data starts.
    pub(crate) data: usize,
}

impl Tables {
    /// Reads everything up to the compressed data of the first scan.
    pub(crate) fn read(input: &[u8]) -> Result<Self, DecodeError> {
        let mut segments = segments(input)?;
        let mut definitions = Definitions::default();
        let mut hints = ColourHints::default();
        let mut header = None;
        loop {
            let segment = segments.next()?;
            match segment.marker {
                0xDA => {
                    let header: Header =
                        header.ok_or(DecodeError::Corrupt("the file has no frame header"))?;
                    return Ok(Self {
                        assigned: definitions.assign(&header, segment.data)?,
                        header,
                        restart_interval: definitions.restart_interval,
                        data: segments.position,
                    });
                }
                0xC4 => definitions.read_codes(segment.data)?,
                0xDB => definitions.read_steps(segment.data)?,
                0xDD => definitions.read_interval(&segment)?,
                0xC0..=0xCF if header.is_some() => {
                    return Err(DecodeError::Corrupt("the file has two frame headers"));
                }
                0xC0..=0xCF => header = Some(read_frame(&segment, &hints)?),
                _ => hints.note(&segment),
            }
        }
    }
}

/// The tables by their numbers in the file.
#[derive(Default)]
struct Definitions {
    first: [Option<Code>; 4],
    others: [Option<Code>; 4],
    steps: [Option<[i32; 64]>; 4],
    restart_interval: u32,
}

impl Definitions {
    fn read_codes(&mut self, mut data: &[u8]) -> Result<(), DecodeError> {
        const TOO_SHORT: DecodeError = DecodeError::Corrupt("a Huffman table is too short");
        while let [class, rest @ ..] = data {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(TOO_SHORT)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(total).ok_or(TOO_SHORT)?;
            let codes = match class >> 4 {
                0 => &mut self.first,
                1 => &mut self.others,
                _ => return Err(DecodeError::Corrupt("a Huffman table is of no kind")),
            };
            let slot = codes.get_mut(usize::from(class & 0x0F));
            *slot.ok_or(DecodeError::Corrupt("there are too many Huffman tables"))? =
                Some(Code::new(counts, symbols)?);
            data = rest;
        }
        Ok(())
    }

    fn read_steps(&mut self, mut data: &[u8]) -> Result<(), DecodeError> {
        const TOO_SHORT: DecodeError = DecodeError::Corrupt("a quantisation table is too short");
        while let [class, rest @ ..] = data {
            let bytes = if class >> 4 == 0 { 1 } else { 2 };
            let (values, rest) = rest.split_at_checked(64 * bytes).ok_or(TOO_SHORT)?;
            let mut steps = [0; 64];
            for (value, &at) in values.chunks_exact(bytes).zip(&ORDER) {
                let value = value
                    .iter()
                    .fold(0, |sum, &byte| sum << 8 | i32::from(byte));
                steps[usize::from(at)] = value;
            }
            let slot = self.steps.get_mut(usize::from(class & 0x0F));
            *slot.ok_or(DecodeError::Corrupt(
                "there are too many quantisation tables",
            ))? = Some(steps);
            data = rest;
        }
        Ok(())
    }

    fn read_interval(&mut self, segment: &Segment<'_>) -> Result<(), DecodeError> {
        let interval = segment.data.first_chunk();
        let interval = interval.ok_or(DecodeError::Corrupt("the restart interval is too short"))?;
        self.restart_interval = u16::from_be_bytes(*interval).into();
        Ok(())
    }

    /// Gives each component what the header of the scan says it uses.
    fn assign(&self, header: &Header, scan: &[u8]) -> Result<Vec<Assigned>, DecodeError> {
        const TOO_SHORT: DecodeError = DecodeError::Corrupt("the scan header is too short");
        let (&count, selected) = scan.split_first().ok_or(TOO_SHORT)?;
        if usize::from(count) != header.components.len() {
            return Err(DecodeError::NotMine("a scan for each colour"));
        }
        let selected = selected.as_chunks::<2>().0.get(..count.into());
        let selected = selected.ok_or(TOO_SHORT)?;
        let assigned = header.components.iter().zip(selected);
        assigned
            .map(|(component, &[id, codes])| {
                if id != component.id {
                    return Err(DecodeError::NotMine("colours in another order"));
                }
                Ok(Assigned {
                    numbers: (codes >> 4, codes & 0x0F),
                    first: defined(&self.first, codes >> 4)?,
                    others: defined(&self.others, codes & 0x0F)?,
                    steps: defined(&self.steps, component.quantisation)?,
                })
            })
            .collect()
    }
}

fn defined<T: Clone>(tables: &[Option<T>], number: u8) -> Result<T, DecodeError> {
    let table = tables.get(usize::from(number)).and_then(Option::as_ref);
    // Motion JPEG leaves out tables that everybody knows.
    table
        .cloned()
        .ok_or(DecodeError::NotMine("files without their tables"))
}
