//! How a picture goes from a decoder to whatever is made of it: row by row, so that nobody has to hold it whole.
//!
//! A decoder says once what its rows are like, then gives those of each plane from the top. It may give them in any
//! number at a time; planes should advance together, because rows that wait for those of other planes are kept.
//!
//! ```text
//! sink.begin(&Form::Planes { planes: [luma, blue, red], matrix: Matrix::VIDEO })?;
//! for band in bands {                          // say, a row of macroblocks
//!     for row in band.luma { sink.take(0, row)?; }
//!     for row in band.blue { sink.take(1, row)?; }
//!     for row in band.red  { sink.take(2, row)?; }
//! }
//! ```
//!
//! All rows that the form promises have to come, none more. What a decoder gave before it failed is thrown away, so an
//! error that is found at the end of the file is early enough.

use crate::pixels::{Channels, Pixels};
use crate::{ImageError, Size};

/// What takes the rows of a picture.
pub(crate) trait RowSink {
    /// Whether colours that are stored coarser than light may stay so much coarser when both are shrunk by the decoder, because
    /// nobody makes pixels of them. May be asked before the picture begins, if it is one of light and colours.
    fn wants_coarse_colours(&mut self) -> bool {
        false
    }

    /// Is told what the rows are like, before the first one.
    ///
    /// # Errors
    ///
    /// If they cannot be worked with.
    fn begin(&mut self, form: &Form) -> Result<(), ImageError>;

    /// Takes the next row of a plane, without padding.
    ///
    /// # Errors
    ///
    /// [`ImageError::Stopped`], after which no more rows are wanted.
    fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError>;

    /// Is told, at any time, that the data is damaged or incomplete, and that the decoder makes up what is missing.
    fn note_damage(&mut self) {}
}

/// What the rows of a decoder are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One plane, whose pixels have all channels.
    Whole { plane: Plane, channels: Channels },
    /// The light and two differences of colour, blue before red, as the file stores them. Who scales each for itself saves
    /// the work of enlarging coarse colours and of converting pixels that nobody sees.
    Planes { planes: [Plane; 3], matrix: Matrix },
}

impl Form {
    /// A picture at its full size.
    pub(crate) const fn whole(size: Size, channels: Channels) -> Self {
        Self::shrunk(size, channels, 1)
    }

    /// A picture of which each pixel stands for so many rows and columns of the stored one.
    pub(crate) const fn shrunk(size: Size, channels: Channels, shrink: u32) -> Self {
        let pitch = (shrink, shrink);
        Self::Whole {
            plane: Plane { size, pitch },
            channels,
        }
    }

    /// Returns the channels of the picture that it becomes.
    pub(crate) const fn channels(&self) -> Channels {
        match self {
            Self::Whole { channels, .. } => *channels,
            Self::Planes { .. } => Channels::Rgb,
        }
    }
}

/// The samples of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plane {
    /// How many there are in a row, and how many rows.
    pub(crate) size: Size,
    /// How many columns and rows of the stored picture each stands for. The last ones may reach beyond its edge.
    pub(crate) pitch: (u32, u32),
}

/// What the numbers of light and colours mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Matrix {
    pub(crate) weights: Weights,
    pub(crate) range: Range,
}

impl Matrix {
    /// What JPEG stores: ITU-T T.871 (JFIF).
    pub(crate) const JFIF: Self = Self {
        weights: Weights::Bt601,
        range: Range::Full,
    };
    /// What VP8 stores.
    pub(crate) const VIDEO: Self = Self {
        weights: Weights::Bt601,
        range: Range::Studio,
    };
}

/// How much red, green and blue are in the light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "avif"),
    expect(dead_code, reason = "only AVIF has the others")
)]
pub(crate) enum Weights {
    Bt601,
    Bt709,
    Bt2020,
}

impl Weights {
    /// Returns the shares of red and of blue; the rest is green.
    pub(crate) const fn red_and_blue(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// Which numbers are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// All of them.
    Full,
    /// As video has it: light from 16 to 235, colours from 16 to 240.
    Studio,
}

/// Gives a picture that is in memory as a whole.
pub(crate) fn give(pixels: &Pixels, shrink: u32, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    sink.begin(&Form::shrunk(pixels.size, pixels.channels, shrink))?;
    let row_bytes = pixels.size.width as usize * pixels.channels.count();
    pixels
        .data
        .chunks_exact(row_bytes)
        .try_for_each(|row| sink.take(0, row))
}
