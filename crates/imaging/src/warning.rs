//! What was noticed about an image that is no reason to refuse it.

use std::fmt;

/// Something about an image that one may want to know, although there is a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// Its data is damaged or incomplete, and what is missing was made up: gray, or without detail.
    Damaged,
    /// It is smaller than what was asked for and kept its size; see [`Enlarge`](crate::Enlarge).
    NotEnlarged,
    /// It was transparent, and the result has a background; see [`Options::background`](crate::Options::background).
    Flattened,
    /// It is animated or has several pages, and the result shows the first one.
    FirstPictureOnly,
    /// Its colour profile is broken, above the limit, or not for such a picture. The colours were taken for sRGB.
    BrokenProfile,
    /// It has brighter light than sRGB can say (HDR: PQ or HLG), which was made less bright.
    Dimmed,
    /// EXIF or XMP was to be kept, and is too large for the limit or the format of the result.
    MetadataDropped,
}

impl Warning {
    /// Returns it as one word, fit for a header or the label of a counter.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::NotEnlarged => "not-enlarged",
            Self::Flattened => "flattened",
            Self::FirstPictureOnly => "first-picture-only",
            Self::BrokenProfile => "broken-profile",
            Self::Dimmed => "dimmed",
            Self::MetadataDropped => "metadata-dropped",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Damaged => "the picture is damaged, and what is missing was made up",
            Self::NotEnlarged => "the picture is smaller than the box and was not enlarged",
            Self::Flattened => "the picture was transparent and now has a background",
            Self::FirstPictureOnly => "of several pictures only the first is kept",
            Self::BrokenProfile => "the colour profile is of no use and was ignored",
            Self::Dimmed => "the picture has brighter light than sRGB, which was made less bright",
            Self::MetadataDropped => "the metadata is too large to be kept",
        })
    }
}
