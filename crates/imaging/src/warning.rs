//! What was noticed about an image that is no reason to refuse it.

use std::fmt;

/// Something about an image that one may want to know, although there is a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// It is smaller than what was asked for and kept its size; see [`Enlarge`](crate::Enlarge).
    NotEnlarged,
    /// It was transparent, and the result has a background; see [`Options::background`](crate::Options::background).
    Flattened,
    /// It is animated or has several pages, and the result shows the first one.
    FirstPictureOnly,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotEnlarged => "the picture is smaller than the box and was not enlarged",
            Self::Flattened => "the picture was transparent and now has a background",
            Self::FirstPictureOnly => "of several pictures only the first is kept",
        })
    }
}
