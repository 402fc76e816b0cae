//! One colour of the scan: its blocks, from compressed data to a band of samples.

use std::rc::Rc;

use fearless_simd::Simd;

use crate::bits::Bits;
use crate::block::{Block, Codes, Damaged, read_first, read_others, skip_others};
use crate::header::{Component, Header};
use crate::inverse::{to_eight, to_four, to_one, to_two};
use crate::{Detail, PlaneLayout, Request};

/// What samples are where nothing is known.
const GRAY: u8 = 128;

/// How large a plane and its blocks are, and a row of groups of them.
pub(crate) struct Lane {
    pub(crate) layout: PlaneLayout,
    /// Blocks in a group.
    blocks: (usize, usize),
    /// Samples on each side of a block: 1, 2, 4 or 8.
    side: usize,
    /// Samples in a row, with those of groups that reach beyond the edge.
    stride: usize,
    band: Vec<u8>,
    codes: Rc<Codes>,
    steps: [i32; 64],
    /// The first coefficient of the block before.
    pub(crate) first: i32,
}

impl Lane {
    pub(crate) fn new(
        (header, component): (&Header, &Component),
        request: &Request<'_>,
        (codes, steps): (Rc<Codes>, [i32; 64]),
    ) -> Self {
        let (widest, _) = header.group();
        let (x, y) = (component.horizontal, component.vertical);
        let side = component.side(header, request);
        let layout = PlaneLayout::new(header, component, side);
        let stride = (header.width.div_ceil(widest * 8) * x * side) as usize;
        Self {
            layout,
            blocks: (x as usize, y as usize),
            side: side as usize,
            stride,
            band: vec![GRAY; stride * (y * side) as usize],
            codes,
            steps,
            first: 0,
        }
    }

    /// Returns the rows of the band with this number, without what is beyond the edges.
    pub(crate) fn rows(&self, band: usize) -> impl Iterator<Item = &[u8]> {
        let height = self.blocks.1 * self.side;
        let rows = (self.layout.height as usize).saturating_sub(band * height);
        let width = self.layout.width as usize;
        let all = self.band.chunks_exact(self.stride).take(rows);
        all.map(move |row| &row[..width])
    }

    /// Makes a group of blocks gray.
    #[cold]
    #[inline(never)]
    pub(crate) fn fill_group(&mut self, group: usize) {
        let x = self.blocks.0 * self.side;
        for row in self.band.chunks_exact_mut(self.stride) {
            row[group * x..][..x].fill(GRAY);
        }
    }
}

impl PlaneLayout {
    /// What becomes of a colour if its blocks become so many samples on each side.
    pub(crate) fn new(header: &Header, component: &Component, side: u32) -> Self {
        let (widest, highest) = header.group();
        let (x, y) = (component.horizontal, component.vertical);
        let size =
            |length: u32, factor: u32, most: u32| (length * factor * side).div_ceil(most * 8);
        Self {
            width: size(header.width, x, widest),
            height: size(header.height, y, highest),
            pitch: (8 * widest / (x * side), 8 * highest / (y * side)),
        }
    }
}

impl Component {
    /// Returns how many samples a side of a block becomes.
    pub(crate) fn side(&self, header: &Header, request: &Request<'_>) -> u32 {
        let least = request.shrink.side();
        let (widest, highest) = header.group();
        let is_coarser = |side: u32| {
            (widest * least).is_multiple_of(self.horizontal * side)
                && (highest * least).is_multiple_of(self.vertical * side)
        };
        let mut side = least;
        while request.detail == Detail::AsFine && side < 8 && is_coarser(side * 2) {
            side *= 2;
        }
        side
    }
}

impl Lane {
    #[inline(always)]
    pub(crate) fn decode_group<S: Simd>(
        &mut self,
        simd: S,
        (bits, bytes): (&mut Bits, &[u8]),
        group: usize,
    ) -> Result<(), Damaged> {
        let (across, down) = self.blocks;
        for y in 0..down {
            for x in 0..across {
                let start = y * self.side * self.stride + (group * across + x) * self.side;
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
            if let Some(at) = self.band.get_mut(start) {
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
                self.write(start, to_four(simd, &block, &self.steps));
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
        let Some(to) = self.band.get_mut(start..) else {
            return;
        };
        for (to, row) in to.chunks_mut(self.stride).zip(samples) {
            if let Some(to) = to.first_chunk_mut() {
                *to = row;
            }
        }
    }
}
