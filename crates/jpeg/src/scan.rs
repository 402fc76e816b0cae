//! The scan: groups of blocks in rows, from compressed data to planes.

use fearless_simd::{Level, Simd, dispatch};

use crate::bits::{Bits, Window};
use crate::block::{Block, Codes, Damaged, read_first, read_others, skip_others};
use crate::header::{Component, Header};
use crate::huffman::{Lookup, Skips};
use crate::inverse::{to_eight, to_four, to_one, to_two};
use crate::tables::{Assigned, Tables};
use crate::{DecodeError, Picture, Plane, Request};

/// What samples are where nothing is known.
const GRAY: u8 = 128;

/// Decodes a picture.
///
/// # Errors
///
/// [`DecodeError::NotMine`] and [`DecodeError::Corrupt`] for what is read before the compressed data, [`DecodeError::TooLarge`]
/// before anything large is allocated, and [`DecodeError::Stopped`]. Damage behind that is no error but
/// [said](Picture::is_damaged).
pub fn decode(input: &[u8], request: &Request<'_>) -> Result<Picture, DecodeError> {
    let tables = Tables::read(input)?;
    let mut scan = Scan::new(input, &tables, request)?;
    let level = Level::new();
    for row in 0..scan.rows {
        if (request.stop)() {
            return Err(DecodeError::Stopped);
        }
        dispatch!(level, simd => scan.decode_row(simd, row));
    }
    Ok(Picture {
        colours: tables.header.colours,
        planes: scan.lanes.into_iter().map(Lane::into_plane).collect(),
        is_damaged: scan.is_damaged,
    })
}

/// How large the planes and their blocks are.
struct Lane {
    /// What [`Plane`] says.
    size: (u32, u32),
    pitch: (u32, u32),
    /// Blocks in a group.
    blocks: (usize, usize),
    /// Samples on each side of a block: 1, 2, 4 or 8.
    side: usize,
    /// Samples in a row, with those of groups that reach beyond the edge.
    stride: usize,
    data: Vec<u8>,
    codes: Codes,
    steps: [i32; 64],
    /// The first coefficient of the block before.
    first: i32,
}

impl Lane {
    fn new(header: &Header, (component, assigned): (&Component, &Assigned), side: u32) -> Self {
        let (widest, highest) = header.group();
        let (x, y) = (component.horizontal, component.vertical);
        let side = component_side((x, y), (widest, highest), side);
        let size =
            |length: u32, factor: u32, most: u32| (length * factor * side).div_ceil(most * 8);
        let groups = |length: u32, most: u32| length.div_ceil(most * 8);
        let stride = groups(header.width, widest) * x * side;
        Self {
            size: (
                size(header.width, x, widest),
                size(header.height, y, highest),
            ),
            pitch: (8 * widest / (x * side), 8 * highest / (y * side)),
            blocks: (x as usize, y as usize),
            side: side as usize,
            stride: stride as usize,
            data: Vec::new(),
            codes: Codes {
                first: Lookup::new(&assigned.first),
                others: Lookup::new(&assigned.others),
                skips: match side {
                    8 => Skips::none(),
                    _ => Skips::new(&assigned.others),
                },
            },
            steps: assigned.steps,
            first: 0,
        }
    }

    /// Samples in a row of groups.
    const fn row_bytes(&self) -> usize {
        self.stride * self.blocks.1 * self.side
    }

    fn into_plane(mut self) -> Plane {
        let (width, height) = self.size;
        let row = width as usize;
        if row < self.stride {
            for at in 1..height as usize {
                let from = at * self.stride;
                self.data.copy_within(from..from + row, at * row);
            }
        }
        self.data.truncate(row * height as usize);
        Plane {
            width,
            height,
            pitch: self.pitch,
            data: self.data,
        }
    }
}

/// Returns how many samples a side of a block becomes. Coarser colours are not made coarser than the finest.
fn component_side(factors: (u32, u32), most: (u32, u32), side: u32) -> u32 {
    let fits = |side: u32, least: u32| {
        (most.0 * least).is_multiple_of(factors.0 * side)
            && (most.1 * least).is_multiple_of(factors.1 * side)
    };
    let mut own = side;
    while own < 8 && fits(own * 2, side) {
        own *= 2;
    }
    own
}

struct Scan<'a> {
    lanes: Vec<Lane>,
    /// Groups of blocks in a row.
    groups: usize,
    rows: usize,
    window: Window<'a>,
    bits: Bits,
    interval: u32,
    /// Groups before the next restart marker; counts on below it if there is none.
    left: u32,
    /// The last digit of the next restart marker.
    restart: u8,
    /// Whether the data of this interval came to its end too early.
    is_empty: bool,
    is_damaged: bool,
}

impl<'a> Scan<'a> {
    fn new(input: &'a [u8], tables: &Tables, request: &Request<'_>) -> Result<Self, DecodeError> {
        let header = &tables.header;
        let (widest, highest) = header.group();
        let rows = header.height.div_ceil(highest * 8) as usize;
        let side = 8 / request.shrink.divisor();
        let components = header.components.iter().zip(&tables.assigned);
        let mut lanes: Vec<_> = components
            .map(|described| Lane::new(header, described, side))
            .collect();
        let bytes: u64 = lanes
            .iter()
            .map(|lane| (lane.row_bytes() * rows) as u64)
            .sum();
        if bytes > request.bytes_max {
            return Err(DecodeError::TooLarge(bytes));
        }
        for lane in &mut lanes {
            lane.data = vec![0; lane.row_bytes() * rows];
        }
        Ok(Self {
            lanes,
            groups: header.width.div_ceil(widest * 8) as usize,
            rows,
            window: Window::new(input, tables.data),
            bits: Bits::default(),
            interval: tables.restart_interval,
            left: tables.restart_interval,
            restart: 0,
            is_empty: false,
            is_damaged: false,
        })
    }

    #[inline(always)]
    fn decode_row<S: Simd>(&mut self, simd: S, row: usize) {
        for group in 0..self.groups {
            if self.interval != 0 {
                if self.left == 0 {
                    self.pass_restart();
                }
                self.left -= 1;
            }
            if self.is_empty {
                self.fill_group(row, group);
                continue;
            }
            self.window.prepare(&mut self.bits);
            let mut bits = self.bits;
            let bytes = self.window.bytes();
            let mut result = Ok(());
            for lane in &mut self.lanes {
                result = result.and(lane.decode_group(simd, (&mut bits, bytes), (row, group)));
            }
            self.bits = bits;
            if result.is_err() || self.window.is_exceeded(&self.bits) {
                self.is_damaged = true;
                self.is_empty = true;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_group(&mut self, row: usize, group: usize) {
        for lane in &mut self.lanes {
            let (x, y) = (lane.blocks.0 * lane.side, lane.blocks.1 * lane.side);
            let start = row * lane.row_bytes() + group * x;
            for line in lane.data[start..].chunks_mut(lane.stride).take(y) {
                let length = line.len().min(x);
                line[..length].fill(GRAY);
            }
        }
    }

    /// Goes on behind the next restart marker, as libjpeg does if it is another one than expected.
    #[inline(never)]
    fn pass_restart(&mut self) {
        self.left = self.interval;
        self.is_empty = false;
        for lane in &mut self.lanes {
            lane.first = 0;
        }
        loop {
            let ahead = match self.window.marker() {
                Some(marker @ 0xD0..=0xD7) => (marker.wrapping_sub(self.restart)) & 7,
                _ => 1,
            };
            match ahead {
                // One or two too far on: what is missing stays gray.
                1 | 2 => {
                    self.window.give_up();
                    self.is_empty = true;
                    self.is_damaged = true;
                    break;
                }
                // An old one.
                6 | 7 => self.window.pass_marker(),
                _ => {
                    self.window.pass_marker();
                    break;
                }
            }
        }
        self.restart = (self.restart + 1) & 7;
        if !self.is_empty {
            self.bits = self.window.restart();
        }
    }
}

impl Lane {
    #[inline(always)]
    fn decode_group<S: Simd>(
        &mut self,
        simd: S,
        (bits, bytes): (&mut Bits, &[u8]),
        (row, group): (usize, usize),
    ) -> Result<(), Damaged> {
        let (across, down) = self.blocks;
        for y in 0..down {
            for x in 0..across {
                let start = row * self.row_bytes()
                    + y * self.side * self.stride
                    + (group * across + x) * self.side;
                self.decode_block(simd, (&mut *bits, bytes), start)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn decode_block<S: Simd>(
        &mut self,
        simd: S,
        (bits, bytes): (&mut Bits, &[u8]),
        start: usize,
    ) -> Result<(), Damaged> {
        let difference = read_first(&self.codes, bits, bytes)?;
        self.first = i32::from(self.first.wrapping_add(difference) as i16);
        if self.side == 1 {
            skip_others(&self.codes, (bits, bytes), 0)?;
            let sample = to_one(self.first, self.steps[0]);
            if let Some(at) = self.data.get_mut(start) {
                *at = sample;
            }
            return Ok(());
        }
        let mut block: Block = [0; 128];
        block[0] = self.first as i16;
        // The places of the last coefficients of the lowest 2x2 and 4x4.
        match self.side {
            2 => {
                read_others(&self.codes, (bits, bytes), 4, &mut block)?;
                self.write(start, to_two(&block, &self.steps));
            }
            4 => {
                read_others(&self.codes, (bits, bytes), 24, &mut block)?;
                self.write(start, to_four(&block, &self.steps));
            }
            _ => {
                if read_others(&self.codes, (bits, bytes), 63, &mut block)? {
                    self.write(start, to_eight(simd, &block, &self.steps));
                } else {
                    let sample = to_one(self.first, self.steps[0]);
                    self.write(start, [[sample; 8]; 8]);
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn write<const N: usize>(&mut self, start: usize, samples: [[u8; N]; N]) {
        let Some(to) = self.data.get_mut(start..) else {
            return;
        };
        for (to, row) in to.chunks_mut(self.stride).zip(samples) {
            if let Some(to) = to.first_chunk_mut() {
                *to = row;
            }
        }
    }
}
