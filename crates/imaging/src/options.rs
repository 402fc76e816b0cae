//! What is asked of a picture.

use crate::{Bounds, Format, Limits};

/// The JPEG quality unless told otherwise. 80 is the default of sharp, imgproxy and thumbor; thumbnails are
/// small, so a little more costs little.
pub const QUALITY_DEFAULT: u8 = 82;

/// How to resize. [`Options::new`] has the defaults, and each field may be set after that.
///
/// ```
/// use imaging::{Gravity, Mode, Options, Output, Size};
///
/// let avatar = Options {
///     mode: Mode::Fill(Gravity::North),
///     output: Output::Jpeg,
///     ..Options::new(Size::new(96, 96))
/// };
/// # let photo = testkit::images::gradient_png(300, 200);
/// let made = imaging::resize(&photo, &avatar)?;
/// assert_eq!((made.width, made.height), (96, 96));
/// # Ok::<(), imaging::ImageError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The width and height that are asked for.
    pub bounds: Bounds,
    /// What happens if the picture has other proportions. Default: [`Mode::Fit`].
    pub mode: Mode,
    /// Whether a small picture grows. Default: [`Enlarge::Never`].
    pub enlarge: Enlarge,
    /// Whether the picture is turned as its EXIF tag says. Default: [`Turn::Upright`].
    pub turn: Turn,
    /// The format of the result. Default: [`Output::Same`].
    pub output: Output,
    /// The quality of lossy formats, from 1 to 100; what lies outside is brought inside. `None`, the default, is 82
    /// ([`QUALITY_DEFAULT`]) for JPEG, 78 for WebP and 63 for AVIF.
    pub quality: Option<u8>,
    /// What lies around a padded picture, and behind a transparent one that becomes a JPEG: red, green, blue and
    /// opacity. Default: white.
    pub background: [u8; 4],
    /// What is kept of the text that cameras and people added. Default: [`Metadata::None`].
    pub metadata: Metadata,
    /// Whether light is averaged, or the numbers that stand for it. Default: [`Light::Encoded`].
    pub light: Light,
    /// How much of the shrinking is left to the decoder. Default: [`Shrink::Safe`].
    pub shrink: Shrink,
    /// What the image may ask for.
    pub limits: Limits,
}

impl Options {
    /// Fits into `bounds`, and leaves everything else at its default.
    #[must_use]
    pub fn new(bounds: impl Into<Bounds>) -> Self {
        Self {
            bounds: bounds.into(),
            mode: Mode::default(),
            enlarge: Enlarge::default(),
            turn: Turn::default(),
            output: Output::default(),
            quality: None,
            background: [u8::MAX; 4],
            metadata: Metadata::default(),
            light: Light::default(),
            shrink: Shrink::default(),
            limits: Limits::default(),
        }
    }
}

/// What happens to a picture whose proportions are not those of the box. With an open side, all modes are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// The whole picture is seen; one side of the result may be shorter than that of the box.
    #[default]
    Fit,
    /// The box is filled, and what sticks out is cut off on the sides opposite to where the picture is held.
    /// A picture that is smaller than the box, and is not enlarged, is cut but does not fill it.
    Fill(Gravity),
    /// The picture is stretched or squeezed. A side that is shorter than that of the box stays so, unless it may grow.
    Exact,
    /// The whole picture is seen, and what it leaves free of the box is background.
    Pad(Gravity),
}

/// Which part of a picture is kept when it is cut, and where it lies when it is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "their names say all")]
pub enum Gravity {
    #[default]
    Centre,
    North,
    NorthEast,
    East,
    SouthEast,
    South,
    SouthWest,
    West,
    NorthWest,
}

impl Gravity {
    /// Returns which share of the free space lies to the left and above.
    pub(crate) const fn shares(self) -> (f64, f64) {
        let x = match self {
            Self::NorthWest | Self::West | Self::SouthWest => 0.0,
            Self::North | Self::Centre | Self::South => 0.5,
            Self::NorthEast | Self::East | Self::SouthEast => 1.0,
        };
        let y = match self {
            Self::NorthWest | Self::North | Self::NorthEast => 0.0,
            Self::West | Self::Centre | Self::East => 0.5,
            Self::SouthWest | Self::South | Self::SouthEast => 1.0,
        };
        (x, y)
    }
}

/// Whether a picture that is smaller than the box grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Enlarge {
    /// It keeps its size: enlarging adds bytes and no detail.
    #[default]
    Never,
    /// It grows to the box.
    Allowed,
}

/// Whether a picture is turned as its EXIF tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Turn {
    /// Turned, and the tag is dropped.
    #[default]
    Upright,
    /// Left as it is stored, for pictures whose tag is wrong.
    AsStored,
}

/// The format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Output {
    /// That of the source; PNG if the source has one that is not written here.
    #[default]
    Same,
    /// JPEG. Transparency gives way to [`Options::background`].
    Jpeg,
    /// PNG, without loss.
    Png,
    /// WebP with loss. Needs the feature `webp`.
    WebP,
    /// WebP without loss.
    WebPLossless,
    /// AVIF with loss. XMP is not written, and it is encoded in one piece, which takes seconds for a large picture. Needs the feature `avif`.
    #[cfg(feature = "avif")]
    Avif,
}

impl Output {
    /// Returns the format of what becomes of a picture in this one.
    #[must_use]
    pub const fn format(self, source: Format) -> Format {
        match self {
            Self::Same => source.written(),
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
            Self::WebP | Self::WebPLossless => Format::WebP,
            #[cfg(feature = "avif")]
            Self::Avif => Format::Avif,
        }
    }
}

/// What is kept of the text that cameras and people added to a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Metadata {
    /// Nothing: no place, no camera, no name.
    #[default]
    None,
    /// The artist and the copyright notice of EXIF.
    Copyright,
    /// EXIF, with its orientation set to upright, and XMP. The sizes and the preview in them are those of the source.
    All,
}

/// What is averaged when pixels are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Light {
    /// The stored numbers, as libvips, sharp and browsers do. Fine contrasts come out a little too dark.
    #[default]
    Encoded,
    /// The light that they stand for, as optics do. Takes longer, and the decoder shrinks nothing.
    Linear,
}

/// How much of the shrinking is left to what takes much less time than Lanczos3: the decoder of a JPEG, which can give 1/2,
/// 1/4 and 1/8 of each side, and means of whole rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shrink {
    /// As much as leaves a factor of two to the scaling: the rule of libvips.
    #[default]
    Safe,
    /// The decoder does as much as leaves anything to the scaling: the rule of sharp. Faster and a little less sharp.
    Fast,
    /// Nothing, and colours are whole before they are scaled: as exact as can be.
    Off,
}

impl Shrink {
    /// Returns by how much a decoder may divide the sides of a picture that becomes smaller by `factor`: 1, 2, 4 or 8.
    pub(crate) fn divisor(self, factor: f64) -> u32 {
        let left_to_scaling = match self {
            Self::Off => return 1,
            // libvips: `vips_thumbnail_find_jpegshrink`.
            Self::Safe => 2.0,
            Self::Fast => 1.0,
        };
        [8, 4, 2]
            .into_iter()
            .find(|&divisor| factor >= f64::from(divisor) * left_to_scaling)
            .unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_shrinking_leaves_a_factor_of_two_and_fast_shrinking_none() {
        for (factor, safe, fast) in [
            (0.5, 1, 1),
            (1.99, 1, 1),
            (2.0, 1, 2),
            (3.99, 1, 2),
            (4.0, 2, 4),
            (7.99, 2, 4),
            (8.0, 4, 8),
            (16.0, 8, 8),
            (1000.0, 8, 8),
        ] {
            assert_eq!(Shrink::Safe.divisor(factor), safe, "{factor}");
            assert_eq!(Shrink::Fast.divisor(factor), fast, "{factor}");
            assert_eq!(Shrink::Off.divisor(factor), 1, "{factor}");
        }
    }
}
