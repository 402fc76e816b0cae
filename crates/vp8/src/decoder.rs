//! Rows of macroblocks, from compressed data to samples.

use std::fmt;

use fearless_simd::{Level, Simd, dispatch};

use crate::filter::{Strength, filter_row};
use crate::header::{FilterKind, Frame, Header};
use crate::lines::{Band, Lines};
use crate::modes::{Light, Modes, Neighbours, read_modes};
use crate::residue::{Filled, Residue};
use crate::tokens::Tokens;
use crate::work::{Around, Bottom, Work};
use crate::{DecodeError, Filtering};

/// Lines of light that the filter of the next row still needs or changes, rounded up so that lines of colour are whole.
const FILTER_REACH: usize = 8;

/// Decodes a picture row by row, and holds no more than two rows of macroblocks of it.
///
/// ```
/// use vp8::{Decoder, Filtering};
///
/// # let file = webp::Encoder::from_rgb(&[99; 100 * 60 * 3], 100, 60).encode(75.0);
/// # let chunk = &file[20..];
/// let mut decoder = Decoder::new(chunk, Filtering::Full)?;
/// let mut rows = 0;
/// while let Some(band) = decoder.next_band()? {
///     let [light, blue, red] = band.planes;
///     assert!(light.iter().all(|row| row.len() == 100));
///     assert!(blue.count() == red.count());
///     rows += light.count();
/// }
/// assert_eq!(rows, 60);
/// # Ok::<(), vp8::DecodeError>(())
/// ```
pub struct Decoder<'a> {
    header: Header,
    frame: Frame<'a>,
    tokens: Tokens,
    level: Level,
    work: Work,
    residue: Residue,
    lines: Lines,
    /// For each column, what the macroblock above has left.
    above: Vec<Above>,
    /// For each macroblock of this row, how its edges are smoothed; none if they are not.
    strengths: Vec<Option<Strength>>,
    row: usize,
}

/// What a macroblock leaves for the one below.
#[derive(Clone, Copy)]
struct Above {
    bottom: Bottom,
    neighbours: Neighbours,
    filled: Filled,
}

impl fmt::Debug for Decoder<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("header", &self.header)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

impl<'a> Decoder<'a> {
    /// Reads the headers of a key frame, which is what a `VP8 ` chunk of a WebP holds, and gets ready for its first row.
    ///
    /// It takes memory for two rows of macroblocks: less than 2 MB for the widest picture that there can be.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`] for what is no key frame, or a damaged one.
    pub fn new(input: &'a [u8], filtering: Filtering) -> Result<Self, DecodeError> {
        let header = Header::read(input)?;
        let mut frame = Frame::read(input, &header)?;
        if filtering == Filtering::Skip {
            frame.filter = FilterKind::None;
        }
        let (before, strengths) = match frame.filter {
            FilterKind::None => (0, 0),
            _ => (FILTER_REACH, header.columns()),
        };
        let outside = Above {
            bottom: Bottom::OUTSIDE,
            neighbours: Neighbours::default(),
            filled: Filled::default(),
        };
        Ok(Self {
            header,
            tokens: Tokens::new(&frame.probabilities),
            frame,
            level: Level::new(),
            work: Work::new(),
            residue: Residue::new(),
            lines: Lines::new(&header, before),
            above: vec![outside; header.columns()],
            strengths: vec![None; strengths],
            row: 0,
        })
    }

    /// Returns what the picture says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Decodes a row of macroblocks and returns the rows of samples that are finished by it, or `None` behind the last one.
    ///
    /// All bands together are the picture, from the top to the bottom. Most have 16 rows.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`] if the compressed data ends too early.
    pub fn next_band(&mut self) -> Result<Option<Band<'_>>, DecodeError> {
        if self.row == self.header.rows() {
            return Ok(None);
        }
        if self.row > 0 {
            self.lines.go_down();
        }
        let level = self.level;
        dispatch!(level, simd => self.decode_row(simd));
        let tokens = self.row % self.frame.tokens.len();
        if self.frame.modes.is_exceeded() || self.frame.tokens[tokens].is_exceeded() {
            return Err(DecodeError::Corrupt("the compressed data ends too early"));
        }
        let row = self.row;
        self.row += 1;
        let is_last = self.row == self.header.rows();
        Ok(Some(self.lines.finished(row, is_last)))
    }

    #[inline(always)]
    fn decode_row<S: Simd>(&mut self, simd: S) {
        let partition = self.row % self.frame.tokens.len();
        let mut bools = self.frame.tokens[partition];
        let mut neighbours = Neighbours::default();
        let mut filled = Filled::default();
        self.work.start_row(self.row == 0);
        for column in 0..self.header.columns() {
            let above = &mut self.above[column];
            let modes = read_modes(&mut self.frame, &mut above.neighbours, &mut neighbours);
            let segment = &self.frame.segments[modes.segment];
            self.residue.read(
                (simd, &mut bools),
                (&self.tokens, segment, &modes),
                [&mut above.filled, &mut filled],
            );
            self.note_strength(column, &modes);
            self.fill(simd, column, &modes);
        }
        self.frame.tokens[partition] = bools;
        if self.frame.filter != FilterKind::None {
            let how = (self.frame.filter, self.strengths.as_slice());
            let place = (self.lines.before, self.row == 0);
            filter_row(simd, &mut self.lines, how, place);
        }
    }

    /// Notes how the edges of the macroblock in that column are smoothed, if any are.
    #[inline(always)]
    fn note_strength(&mut self, column: usize, modes: &Modes) {
        if let Some(strength) = self.strengths.get_mut(column) {
            let by_blocks = matches!(modes.light, Light::Blocks(_));
            let level = self.frame.segments[modes.segment].smoothing[usize::from(by_blocks)];
            let has_inner = by_blocks || !self.residue.is_empty();
            *strength = Strength::new(level, self.frame.sharpness, has_inner);
        }
    }

    /// Makes the samples of the macroblock in that column.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, column: usize, modes: &Modes) {
        let above = self.above[column].bottom;
        let right = match self.above.get(column + 1) {
            Some(right) => right.bottom,
            // Above the first row there is the same everywhere.
            None => above.continued(),
        };
        self.work.set_above(&above, &right);
        let around = Around {
            above: self.row > 0,
            left: column > 0,
        };
        self.work.fill(simd, (modes, &self.residue), around);
        self.above[column].bottom = self.work.bottom();
        self.lines.write(column, &self.work);
        self.work.go_right();
    }
}
