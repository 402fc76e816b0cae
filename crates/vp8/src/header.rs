//! The frame header: what holds for the whole picture (sections 9 and 19.2).

use crate::DecodeError;
use crate::bools::Bools;
use crate::tables::{DEFAULTS, FIRST_STEPS, OTHER_STEPS, Probabilities, STAYS};

/// Bytes before the first partition.
const START_BYTES: usize = 10;
/// How many settings macroblocks can choose from.
pub(crate) const SEGMENTS: usize = 4;

/// What a picture says of itself before its compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Columns of the picture.
    pub width: u32,
    /// Rows of the picture.
    pub height: u32,
    first_partition_bytes: usize,
}

impl Header {
    /// Reads the start of a key frame, which is what a `VP8 ` chunk of a WebP holds.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`] for what is none, or none that is to be seen.
    pub fn read(input: &[u8]) -> Result<Self, DecodeError> {
        let start: &[u8; START_BYTES] = input
            .first_chunk()
            .ok_or(DecodeError::Corrupt("the picture ends too early"))?;
        let [a, b, c, s0, s1, s2, w0, w1, h0, h1] = *start;
        let tag = u32::from_le_bytes([a, b, c, 0]);
        if tag & 1 != 0 || [s0, s1, s2] != [0x9D, 0x01, 0x2A] {
            return Err(DecodeError::Corrupt("the picture is no key frame"));
        }
        if tag >> 1 & 7 > 3 {
            return Err(DecodeError::Corrupt("the picture is of an unknown version"));
        }
        if tag >> 4 & 1 == 0 {
            return Err(DecodeError::Corrupt("the picture is not to be shown"));
        }
        // Above the sides are hints by how much to enlarge it, which WebP does not follow.
        let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
        let (width, height) = (side([w0, w1]), side([h0, h1]));
        if width == 0 || height == 0 {
            return Err(DecodeError::Corrupt("the picture has no pixels"));
        }
        Ok(Self {
            width,
            height,
            first_partition_bytes: (tag >> 5) as usize,
        })
    }

    /// How many macroblocks there are in a row.
    pub(crate) const fn columns(&self) -> usize {
        self.width.div_ceil(16) as usize
    }

    /// How many rows of macroblocks there are.
    pub(crate) const fn rows(&self) -> usize {
        self.height.div_ceil(16) as usize
    }
}

/// What coefficients are multiplied with: the first of a block and the others.
pub(crate) type Steps = [i32; 2];

/// The settings of a macroblock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    /// For blocks of light.
    pub(crate) light: Steps,
    /// For the block of their first coefficients.
    pub(crate) means: Steps,
    /// For blocks of colour.
    pub(crate) colour: Steps,
    /// How strongly edges are smoothed: 0 to 63, for macroblocks that are predicted at once, and block by block.
    pub(crate) smoothing: [u8; 2],
}

/// How edges between blocks are smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterKind {
    /// Not at all.
    None,
    /// Two samples on both sides, only those of light.
    Simple,
    /// Up to four samples on both sides.
    Normal,
}

/// All that is known before the first macroblock.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// The first partition, behind the frame header.
    pub(crate) modes: Bools<'a>,
    /// The other partitions, which rows of macroblocks take turns with: 1, 2, 4 or 8.
    pub(crate) tokens: Vec<Bools<'a>>,
    pub(crate) segments: [Segment; SEGMENTS],
    /// How likely the bits of the number of a segment are to be 0, if macroblocks have one.
    pub(crate) segment_tree: Option<[u8; 3]>,
    pub(crate) filter: FilterKind,
    pub(crate) sharpness: u8,
    pub(crate) probabilities: Box<Probabilities>,
    /// How likely a macroblock is to have coefficients, if some say that they have none.
    pub(crate) has_coefficients: Option<u8>,
}

impl<'a> Frame<'a> {
    pub(crate) fn read(input: &'a [u8], header: &Header) -> Result<Self, DecodeError> {
        const TOO_SHORT: DecodeError = DecodeError::Corrupt("the picture has no compressed data");
        let data = input.get(START_BYTES..).ok_or(TOO_SHORT)?;
        let (first, rest) = data
            .split_at_checked(header.first_partition_bytes)
            .ok_or(TOO_SHORT)?;
        let mut bools = Bools::new(first);
        // The colour space, of which there is only one, and whether samples need no clamping, which they do
        // not get faster by.
        bools.number(2);
        let adjustments = Adjustments::read(&mut bools);
        let smoothing = Smoothing::read(&mut bools);
        let partitions = 1 << bools.number(2);
        let quantisation = Quantisation::read(&mut bools);
        // Whether probabilities are for this frame only: there is only one.
        bools.flag();
        let mut frame = Self {
            modes: bools,
            tokens: split(rest, partitions)?,
            segments: [Segment::default(); SEGMENTS],
            segment_tree: adjustments.tree,
            filter: smoothing.kind,
            sharpness: smoothing.sharpness,
            probabilities: Box::new(DEFAULTS),
            has_coefficients: None,
        };
        for (number, segment) in frame.segments.iter_mut().enumerate() {
            *segment = quantisation.steps(adjustments.quantiser(number, quantisation.index));
            segment.smoothing = smoothing.levels(adjustments.smoothing(number, smoothing.level));
        }
        frame.read_probabilities();
        if frame.modes.is_exceeded() {
            return Err(TOO_SHORT);
        }
        Ok(frame)
    }

    fn read_probabilities(&mut self) {
        let bools = &mut self.modes;
        let all = self.probabilities.iter_mut().flatten().flatten().flatten();
        for (probability, &stays) in all.zip(STAYS.iter().flatten().flatten().flatten()) {
            bools.refill();
            if bools.next(stays) {
                *probability = bools.number(8) as u8;
            }
        }
        self.has_coefficients = bools.flag().then(|| bools.number(8) as u8);
    }
}

/// Splits what follows the first partition: a table of sizes, and the partitions. One that is cut short is read as far as
/// it goes.
fn split(data: &[u8], partitions: usize) -> Result<Vec<Bools<'_>>, DecodeError> {
    let (sizes, mut rest) = data
        .split_at_checked(3 * (partitions - 1))
        .ok_or(DecodeError::Corrupt("the picture has no coefficients"))?;
    let mut bools: Vec<_> = (sizes.as_chunks().0.iter())
        .map(|&[a, b, c]| {
            let size = u32::from_le_bytes([a, b, c, 0]) as usize;
            let (partition, behind) = rest.split_at(size.min(rest.len()));
            rest = behind;
            Bools::new(partition)
        })
        .collect();
    bools.push(Bools::new(rest));
    Ok(bools)
}

/// What segments have in place of the settings of the frame (section 9.3).
#[derive(Default)]
struct Adjustments {
    is_enabled: bool,
    /// Whether values replace those of the frame, instead of being added to them.
    is_absolute: bool,
    quantisers: [i32; SEGMENTS],
    smoothing: [i32; SEGMENTS],
    tree: Option<[u8; 3]>,
}

impl Adjustments {
    fn read(bools: &mut Bools<'_>) -> Self {
        let mut adjustments = Self::default();
        if !bools.flag() {
            return adjustments;
        }
        adjustments.is_enabled = true;
        // In a key frame without values they are 0. libwebp takes them for those of the frame then, so everybody does.
        adjustments.is_absolute = true;
        let (has_tree, has_values) = (bools.flag(), bools.flag());
        if has_values {
            adjustments.is_absolute = bools.flag();
            adjustments.quantisers = [(); SEGMENTS].map(|()| bools.optional(7));
            adjustments.smoothing = [(); SEGMENTS].map(|()| bools.optional(6));
        }
        adjustments.tree = has_tree.then(|| {
            [(); 3].map(|()| match bools.flag() {
                true => bools.number(8) as u8,
                false => 255,
            })
        });
        adjustments
    }

    fn quantiser(&self, segment: usize, frame: i32) -> i32 {
        self.adjust(self.quantisers[segment], frame)
    }

    fn smoothing(&self, segment: usize, frame: i32) -> i32 {
        self.adjust(self.smoothing[segment], frame)
    }

    const fn adjust(&self, value: i32, frame: i32) -> i32 {
        match (self.is_enabled, self.is_absolute) {
            (false, _) => frame,
            (true, false) => frame + value,
            (true, true) => value,
        }
    }
}

/// How edges are smoothed (section 9.4).
struct Smoothing {
    kind: FilterKind,
    level: i32,
    sharpness: u8,
    /// What is added to the level of all macroblocks of a key frame, and of those that are predicted block by block.
    deltas: [i32; 2],
}

impl Smoothing {
    fn read(bools: &mut Bools<'_>) -> Self {
        let is_simple = bools.flag();
        let level = bools.number(6) as i32;
        let sharpness = bools.number(3) as u8;
        let mut deltas = [0; 2];
        let has_deltas = bools.flag();
        if has_deltas && bools.flag() {
            // Four for kinds of frames, of which the first is ours; and four for kinds of prediction, likewise.
            for delta in &mut deltas {
                *delta = bools.optional(6);
                for _ in 0..3 {
                    bools.optional(6);
                }
            }
        }
        Self {
            kind: match (level, is_simple) {
                (0, _) => FilterKind::None,
                (_, true) => FilterKind::Simple,
                (_, false) => FilterKind::Normal,
            },
            level,
            sharpness,
            deltas,
        }
    }

    /// Returns the levels of a segment: section 15.7 of the reference decoder clamps them twice.
    fn levels(&self, level: i32) -> [u8; 2] {
        let whole = level.clamp(0, 63) + self.deltas[0];
        [whole, whole + self.deltas[1]].map(|level| level.clamp(0, 63) as u8)
    }
}

/// How coarse coefficients are stored (section 9.6).
struct Quantisation {
    index: i32,
    light_first: i32,
    means: [i32; 2],
    colour: [i32; 2],
}

impl Quantisation {
    fn read(bools: &mut Bools<'_>) -> Self {
        Self {
            index: bools.number(7) as i32,
            light_first: bools.optional(4),
            means: [(); 2].map(|()| bools.optional(4)),
            colour: [(); 2].map(|()| bools.optional(4)),
        }
    }

    /// Returns the steps of a segment, without its smoothing (section 14.1).
    fn steps(&self, index: i32) -> Segment {
        let at = |offset: i32| (index + offset).clamp(0, 127) as usize;
        let first = |offset| i32::from(FIRST_STEPS[at(offset)]);
        let other = |offset| i32::from(OTHER_STEPS[at(offset)]);
        Segment {
            light: [first(self.light_first), other(0)],
            means: [
                first(self.means[0]) * 2,
                (other(self.means[1]) * 155 / 100).max(8),
            ],
            colour: [first(self.colour[0]).min(132), other(self.colour[1])],
            smoothing: [0; 2],
        }
    }
}
