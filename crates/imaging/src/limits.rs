//! How much an image may ask for.

use std::fmt;

use crate::{ImageError, Size};

/// What an image may ask for. The defaults suit a server that reads what strangers send.
///
/// Everything here is checked before a pixel buffer is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The encoded input, in bytes.
    pub input_bytes_max: usize,
    /// Width times height of the source.
    pub pixels_max: u64,
    /// Each side of the source.
    pub side_max: u32,
    /// Scans in a JPEG.
    pub scans_max: u32,
    /// A colour profile, in bytes. A larger one is ignored with a [warning](crate::Warning).
    pub profile_bytes_max: usize,
    /// Each of EXIF and XMP, in bytes, if they are kept. Larger ones are dropped with a [warning](crate::Warning).
    pub metadata_bytes_max: usize,
    /// Each side of the result.
    pub output_side_max: u32,
    /// Width times height of the result.
    pub output_pixels_max: u64,
}

impl Limits {
    /// 64 MiB. A photo of quality 92 has about 0.4 bytes per pixel, so one of 100 megapixels has 40 MB.
    pub const INPUT_BYTES_MAX: usize = 64 << 20;
    /// 100 megapixels: the largest medium-format cameras. As RGBA that is 400 MB while it is worked on.
    /// imgproxy allows 50, thumbor 75, imagor 81, Pillow 179.
    pub const PIXELS_MAX: u64 = 100_000_000;
    /// What the JPEG format can express; a panorama may use it.
    pub const SIDE_MAX: u32 = 65_535;
    /// libjpeg writes progressive photos with 10 scans. Each scan visits every block again, so a small file with
    /// thousands of them would keep a core busy for minutes.
    pub const SCANS_MAX: u32 = 100;
    /// 4 MiB. Those of cameras and screens have some hundred bytes, those of presses up to 2 MB.
    pub const PROFILE_BYTES_MAX: usize = 4 << 20;
    /// 64 KiB: as much as a JPEG can have.
    pub const METADATA_BYTES_MAX: usize = 64 << 10;
    /// No thumbnail needs more, and no screen shows more.
    pub const OUTPUT_SIDE_MAX: u32 = 16_384;
    /// 100 megapixels, as for the source. A picture that is enlarged or padded could otherwise have 268.
    pub const OUTPUT_PIXELS_MAX: u64 = 100_000_000;

    pub(crate) fn check_input(&self, input: &[u8]) -> Result<(), ImageError> {
        check(
            Limit::InputBytes,
            input.len() as u64,
            self.input_bytes_max as u64,
        )
    }

    pub(crate) fn check_source(&self, source: Size) -> Result<(), ImageError> {
        let longer = source.width.max(source.height);
        check(Limit::Side, longer.into(), self.side_max.into())?;
        check(Limit::Pixels, source.pixels(), self.pixels_max)
    }

    pub(crate) fn check_scans(&self, scans: u32) -> Result<(), ImageError> {
        check(Limit::Scans, scans.into(), self.scans_max.into())
    }

    pub(crate) fn check_output(&self, output: Size) -> Result<(), ImageError> {
        let longer = output.width.max(output.height);
        check(
            Limit::OutputSide,
            longer.into(),
            self.output_side_max.into(),
        )?;
        check(Limit::OutputPixels, output.pixels(), self.output_pixels_max)
    }

    /// Returns the lower of each two limits.
    pub(crate) fn lower(self, other: Self) -> Self {
        Self {
            input_bytes_max: self.input_bytes_max.min(other.input_bytes_max),
            pixels_max: self.pixels_max.min(other.pixels_max),
            side_max: self.side_max.min(other.side_max),
            scans_max: self.scans_max.min(other.scans_max),
            profile_bytes_max: self.profile_bytes_max.min(other.profile_bytes_max),
            metadata_bytes_max: self.metadata_bytes_max.min(other.metadata_bytes_max),
            output_side_max: self.output_side_max.min(other.output_side_max),
            output_pixels_max: self.output_pixels_max.min(other.output_pixels_max),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes_max: Self::INPUT_BYTES_MAX,
            pixels_max: Self::PIXELS_MAX,
            side_max: Self::SIDE_MAX,
            scans_max: Self::SCANS_MAX,
            profile_bytes_max: Self::PROFILE_BYTES_MAX,
            metadata_bytes_max: Self::METADATA_BYTES_MAX,
            output_side_max: Self::OUTPUT_SIDE_MAX,
            output_pixels_max: Self::OUTPUT_PIXELS_MAX,
        }
    }
}

fn check(limit: Limit, actual: u64, maximum: u64) -> Result<(), ImageError> {
    if actual <= maximum {
        return Ok(());
    }
    Err(ImageError::TooLarge {
        limit,
        actual,
        maximum,
    })
}

/// Names one of the [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::input_bytes_max`].
    InputBytes,
    /// [`Limits::pixels_max`].
    Pixels,
    /// [`Limits::side_max`].
    Side,
    /// [`Limits::scans_max`].
    Scans,
    /// [`Limits::output_side_max`].
    OutputSide,
    /// [`Limits::output_pixels_max`].
    OutputPixels,
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::InputBytes => "the size of the file in bytes",
            Self::Pixels => "the number of pixels",
            Self::Side => "the longer side in pixels",
            Self::Scans => "the number of JPEG scans",
            Self::OutputSide => "the longer side of the result in pixels",
            Self::OutputPixels => "the number of pixels of the result",
        })
    }
}
