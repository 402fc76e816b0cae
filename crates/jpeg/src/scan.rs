//! The scan: groups of blocks in rows, from compressed data to bands of samples.

use std::ops::ControlFlow;
use std::rc::Rc;

use fearless_simd::{Level, Simd, dispatch};

use crate::bits::{Bits, Window};
use crate::block::Codes;
use crate::lane::Lane;
use crate::tables::Tables;
use crate::{Request, Shrink};

/// What is decoded, band by band: a band is a row of groups of blocks.
pub(crate) struct Scan<'a> {
    lanes: Vec<Lane>,
    /// Groups of blocks in a row.
    groups: usize,
    bands: usize,
    window: Window<'a>,
    bits: Bits,
    interval: u32,
    /// Groups before the next restart marker; counts on below it if there is none.
    left: u32,
    /// The last digit of the next restart marker.
    restart: u8,
    /// Whether the data of this interval came to its end too early.
    is_empty: bool,
    pub(crate) is_damaged: bool,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(input: &'a [u8], tables: &Tables, request: &Request<'_>) -> Self {
        let header = &tables.header;
        let (widest, highest) = header.group();
        // Colours mostly share their tables.
        let mut known: Vec<((u8, u8), Rc<Codes>)> = Vec::new();
        let components = header.components.iter().zip(&tables.assigned);
        let lanes = components.map(|(component, assigned)| {
            let found = known
                .iter()
                .find(|(numbers, _)| *numbers == assigned.numbers);
            let codes = found.map(|(_, codes)| Rc::clone(codes)).unwrap_or_else(|| {
                let codes = Rc::new(Codes::new(assigned, request.shrink != Shrink::None));
                known.push((assigned.numbers, Rc::clone(&codes)));
                codes
            });
            Lane::new((header, component), request, (codes, assigned.steps))
        });
        Self {
            lanes: lanes.collect(),
            groups: header.width.div_ceil(widest * 8) as usize,
            bands: header.height.div_ceil(highest * 8) as usize,
            window: Window::new(input, tables.data),
            bits: Bits::default(),
            interval: tables.restart_interval,
            left: tables.restart_interval,
            restart: 0,
            is_empty: false,
            is_damaged: false,
        }
    }

    /// Decodes all bands and gives their rows, unless whoever takes them has enough.
    pub(crate) fn decode(
        &mut self,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(usize, &[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let level = Level::new();
        for band in 0..self.bands {
            if stop() {
                return ControlFlow::Break(());
            }
            dispatch!(level, simd => self.decode_band(simd));
            for (plane, lane) in self.lanes.iter().enumerate() {
                lane.rows(band).try_for_each(|row| take(plane, row))?;
            }
        }
        ControlFlow::Continue(())
    }

    #[inline(always)]
    fn decode_band<S: Simd>(&mut self, simd: S) {
        for group in 0..self.groups {
            if self.interval != 0 {
                if self.left == 0 {
                    self.pass_restart();
                }
                self.left -= 1;
            }
            if self.is_empty {
                self.fill_group(group);
                continue;
            }
            self.window.prepare(&mut self.bits);
            let mut bits = self.bits;
            let bytes = self.window.bytes();
            let mut result = Ok(());
            for lane in &mut self.lanes {
                result = result.and(lane.decode_group(simd, (&mut bits, bytes), group));
            }
            self.bits = bits;
            if result.is_err() {
                self.fill_group(group);
            }
            if result.is_err() || self.window.is_exceeded(&self.bits) {
                self.is_damaged = true;
                self.is_empty = true;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn fill_group(&mut self, group: usize) {
        for lane in &mut self.lanes {
            lane.fill_group(group);
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
