//! The coded pieces of a picture: AV1, decoded by `oxideav-av1`.

use std::borrow::Cow;

use oxideav_av1::decoder::{SpecDecodeSession, SpecFrame};
use oxideav_av1::{Error, ObuIter, ObuType, SequenceHeader, parse_sequence_header};

use super::container::{corrupt, unsupported};
use super::properties::Coding;
use super::units::with_sizes;
use crate::{Format, ImageError, Limit, Limits, Size};

/// How many frames the data of a picture may have: AV1 has four layers, of which the last one is shown.
const FRAMES_MAX: usize = 4;

/// The pixels of one coded piece. The largest level of AV1 (6.x) has no more, and neither has a picture of either profile of AVIF: larger
/// ones are grids. While it is worked on, a piece takes 14 bytes of memory for each pixel, or 20 without subsampling: at most
/// half a gigabyte and some.
const PIXELS_MAX: u64 = 35_651_584;

/// What the samples of a piece are like. All pieces of a picture are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// Bits of a sample: 8, 10 or 12.
    pub(super) depth: u8,
    pub(super) is_gray: bool,
    /// How many columns and rows a sample of colour stands for.
    pub(super) pitch: (u32, u32),
    pub(super) coding: Coding,
}

/// The data of a piece, of which only the sequence header was read.
pub(super) struct Stream<'a> {
    data: Cow<'a, [u8]>,
    /// Where the sequence header is if the data has none.
    configuration: Cow<'a, [u8]>,
    sequence: SequenceHeader,
}

impl<'a> Stream<'a> {
    pub(super) fn read(data: Cow<'a, [u8]>, configuration: &'a [u8]) -> Result<Self, ImageError> {
        let data = with_sizes(data);
        let (configuration, sequence) = match read_sequence(&data)? {
            Some(sequence) => (Cow::default(), Some(sequence)),
            None => {
                let configuration = with_sizes(configuration.into());
                let sequence = read_sequence(&configuration)?;
                (configuration, sequence)
            }
        };
        let sequence = sequence.ok_or_else(|| corrupt("coded data has no sequence header"))?;
        Ok(Self {
            data,
            configuration,
            sequence,
        })
    }

    pub(super) fn kind(&self) -> Kind {
        let config = &self.sequence.color_config;
        let pitch = |halved: bool| 1 + u32::from(halved);
        Kind {
            depth: config.bit_depth,
            is_gray: config.mono_chrome,
            pitch: (pitch(config.subsampling_x), pitch(config.subsampling_y)),
            coding: Coding {
                primaries: config.color_primaries,
                transfer: config.transfer_characteristics,
                matrix: config.matrix_coefficients,
                is_full: config.color_range,
            },
        }
    }

    /// Decodes the picture, which must have this size, in one go.
    pub(super) fn decode(self, size: Size, limits: &Limits) -> Result<SpecFrame, ImageError> {
        let coded = Size::new(
            self.sequence.max_frame_width_minus_1.saturating_add(1),
            self.sequence.max_frame_height_minus_1.saturating_add(1),
        );
        limits.check_source(coded)?;
        check_piece(coded)?;
        if coded.width < size.width || coded.height < size.height {
            return Err(other_size());
        }
        let mut session = SpecDecodeSession::new();
        // Frames may be smaller than the sequence says, and no larger than the boxes do.
        session.set_max_picture_size(u32::try_from(size.pixels()).unwrap_or(u32::MAX));
        session
            .decode_temporal_unit(&self.configuration)
            .map_err(failed)?;
        let mut frames = session.decode_temporal_unit(&self.data).map_err(failed)?;
        let frame = frames
            .pop()
            .ok_or_else(|| corrupt("coded data shows no picture"))?;
        let planes = if self.kind().is_gray { 1 } else { 3 };
        match Size::new(frame.width, frame.height) == size && frame.planes.len() == planes {
            true => Ok(frame),
            false => Err(other_size()),
        }
    }
}

/// Refuses a piece that is too large for one.
pub(super) fn check_piece(size: Size) -> Result<(), ImageError> {
    match size.pixels() {
        0..=PIXELS_MAX => Ok(()),
        actual => Err(ImageError::TooLarge {
            limit: Limit::Pixels,
            actual,
            maximum: PIXELS_MAX,
        }),
    }
}

/// Says why the decoder gave up. Its only limit is the size that the boxes state.
fn failed(error: Error) -> ImageError {
    match error {
        Error::PictureSizeExceedsLimit => other_size(),
        // The only legal data that it is known not to read.
        Error::TemporalPointInfoUnsupported => {
            unsupported("times at which frames are to be shown (`temporal_point_info`)")
        }
        error => ImageError::corrupt(Format::Avif, error),
    }
}

fn other_size() -> ImageError {
    corrupt("the file has two different sizes")
}

/// Finds the sequence header, and sees to it that there are not too many frames behind it.
fn read_sequence(data: &[u8]) -> Result<Option<SequenceHeader>, ImageError> {
    let mut sequence = None;
    let mut frames = 0;
    for unit in ObuIter::new(data) {
        let unit = unit.map_err(failed)?;
        match unit.obu_type {
            ObuType::SequenceHeader => {
                let read = parse_sequence_header(unit.payload).map_err(failed)?;
                if sequence.as_ref().is_some_and(|first| *first != read) {
                    return Err(corrupt("coded data has two different sequence headers"));
                }
                sequence = Some(read);
            }
            ObuType::Frame | ObuType::FrameHeader => frames += 1,
            _ => {}
        }
    }
    match frames {
        0..=FRAMES_MAX => Ok(sequence),
        _ => Err(unsupported("more than four frames in one picture")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts numbers of so many bits one after the other, and the bit that ends them.
    fn packed(numbers: &[(u32, u32)]) -> Vec<u8> {
        let mut bits: Vec<u8> = Vec::new();
        for &(number, length) in numbers {
            bits.extend((0..length).rev().map(|at| (number >> at) as u8 & 1));
        }
        bits.push(1);
        bits.resize(bits.len().next_multiple_of(8), 0);
        let bytes = bits.chunks(8);
        bytes
            .map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit))
            .collect()
    }

    /// The header of a sequence of 64x48 pixels that says when each frame is to be decoded and shown (AV1, 5.5).
    fn timed_sequence() -> Vec<u8> {
        let profile_and_kind = [(0, 3), (0, 1), (0, 1)];
        let timing = [(1, 1), (1, 32), (25, 32), (0, 1)];
        let decoder_model = [(1, 1), (0, 5), (1, 32), (0, 5), (0, 5)];
        let operating_points = [(0, 1), (0, 5), (0, 12), (0, 5), (0, 1)];
        let size = [(5, 4), (5, 4), (63, 6), (47, 6)];
        // None but the choice of tools for screens and of whole steps.
        let tools = [(0, 9), (1, 1), (1, 1), (0, 3)];
        let colours = [(0, 3), (1, 1), (0, 3), (0, 1)];
        let parts: [&[(u32, u32)]; 7] = [
            &profile_and_kind,
            &timing,
            &decoder_model,
            &operating_points,
            &size,
            &tools,
            &colours,
        ];
        packed(&parts.concat())
    }

    #[test]
    fn times_of_frames_are_refused_by_name() {
        let sequence = timed_sequence();
        let frame = packed(&[(0, 1), (0, 2), (1, 1), (0, 24)]);
        let head = |kind: u8, data: &[u8]| vec![kind << 3 | 2, data.len() as u8];
        let data = [head(1, &sequence), sequence, head(6, &frame), frame].concat();
        let stream = Stream::read(data.into(), &[]).expect("a good header");
        assert_eq!((stream.kind().depth, stream.kind().pitch), (8, (2, 2)));
        let decoded = stream.decode(Size::new(64, 48), &Limits::default());
        let error = decoded.map(|_| ()).expect_err("of a kind that is not read");
        assert_eq!(
            error.to_string(),
            "AVIF with times at which frames are to be shown (`temporal_point_info`) is not supported"
        );
    }
}
