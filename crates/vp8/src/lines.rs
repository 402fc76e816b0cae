//! The rows of samples that are decoded, and how they are handed out.

use crate::header::Header;
use crate::work::Work;

/// Rows of one plane.
#[derive(Debug)]
pub(crate) struct Plane {
    data: Vec<u8>,
    stride: usize,
}

impl Plane {
    fn new(stride: usize, lines: usize) -> Self {
        Self {
            data: vec![0; stride * lines],
            stride,
        }
    }

    #[inline(always)]
    pub(crate) fn get<const N: usize>(&self, x: usize, y: usize) -> [u8; N] {
        let samples = self.data.get(y * self.stride + x..);
        let samples = samples.and_then(|samples| samples.first_chunk());
        samples.copied().unwrap_or([0; N])
    }

    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, x: usize, y: usize, samples: [u8; N]) {
        let to = self.data.get_mut(y * self.stride + x..);
        if let Some(to) = to.and_then(|to| to.first_chunk_mut()) {
            *to = samples;
        }
    }

    /// Moves `count` lines from `line` on to the start.
    fn keep(&mut self, line: usize, count: usize) {
        let from = line * self.stride..(line + count) * self.stride;
        self.data.copy_within(from, 0);
    }

    fn rows(&self, first: usize, size: (usize, usize)) -> Rows<'_> {
        Rows {
            data: &self.data[first * self.stride..(first + size.1) * self.stride],
            stride: self.stride,
            width: size.0,
        }
    }
}

/// A row of macroblocks, and before it as many lines of the row above as may still be changed.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) light: Plane,
    pub(crate) colours: [Plane; 2],
    /// Lines of light before those of the row.
    pub(crate) before: usize,
    size: (usize, usize),
    /// The first line of the next band in the picture.
    next: usize,
}

impl Lines {
    /// Makes room for a row with that many lines of light before it, which is an even number.
    pub(crate) fn new(header: &Header, before: usize) -> Self {
        let columns = header.columns();
        let colour = || Plane::new(columns * 8, 8 + before / 2);
        Self {
            light: Plane::new(columns * 16, 16 + before),
            colours: [colour(), colour()],
            before,
            size: (header.width as usize, header.height as usize),
            next: 0,
        }
    }

    /// Writes a macroblock.
    #[inline(always)]
    pub(crate) fn write(&mut self, column: usize, work: &Work) {
        for (at, row) in work.light().enumerate() {
            self.light.put(column * 16, self.before + at, row);
        }
        let [blue, red] = &mut self.colours;
        for (at, [first, second]) in work.colours().enumerate() {
            blue.put(column * 8, self.before / 2 + at, first);
            red.put(column * 8, self.before / 2 + at, second);
        }
    }

    /// Keeps the last lines of a row for when the next one has been decoded.
    pub(crate) fn go_down(&mut self) {
        if self.before > 0 {
            self.light.keep(16, self.before);
            for colour in &mut self.colours {
                colour.keep(8, self.before / 2);
            }
        }
    }

    /// Returns the lines that will not be changed again, after the row of that number was decoded.
    pub(crate) fn finished(&mut self, row: usize, is_last: bool) -> Band<'_> {
        let first = self.next;
        // Of the first row, there is nothing before it.
        let start = if row == 0 { self.before } else { 0 };
        let held_back = if is_last { 0 } else { self.before };
        let end = (row * 16 + 16 - held_back).min(self.size.1);
        let count = end - first;
        self.next = end;
        let colour_count = end.div_ceil(2) - first / 2;
        let colour_size = (self.size.0.div_ceil(2), colour_count);
        let [blue, red] = &self.colours;
        Band {
            first_row: first as u32,
            planes: [
                self.light.rows(start, (self.size.0, count)),
                blue.rows(start / 2, colour_size),
                red.rows(start / 2, colour_size),
            ],
        }
    }
}

/// Finished rows of the picture, from the left to the right.
#[derive(Debug, Clone, Copy)]
pub struct Band<'a> {
    /// Which row of the picture the first one is: an even number.
    pub first_row: u32,
    /// Light, and the two differences of colour with half as many columns and rows, rounded up.
    pub planes: [Rows<'a>; 3],
}

/// Rows of one plane.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    /// Returns how many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.data.len() / self.stride
    }

    /// Returns the rows from the top, each exactly as wide as its plane.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let width = self.width;
        self.data
            .chunks_exact(self.stride)
            .map(move |row| &row[..width])
    }
}
