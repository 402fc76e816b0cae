//! How options are written in a command line or in a query: one word each, the same everywhere.

use std::fmt;
use std::str::FromStr;

use crate::{Gravity, Metadata, Mode, Output, Shrink, Turn};

/// The text is none of the words that an option is written with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {expected}")]
pub struct ParseWordError {
    /// What it may be, for people.
    expected: String,
}

impl ParseWordError {
    fn new<T>(words: &[(&str, T)]) -> Self {
        let mut expected = String::new();
        for (at, (word, _)) in words.iter().enumerate() {
            expected.push_str(match at {
                0 => "",
                _ if at + 1 == words.len() => " or ",
                _ => ", ",
            });
            expected.push_str(word);
        }
        Self { expected }
    }
}

/// Reads and writes a type as one of these words.
macro_rules! words {
    ($type:ty, $words:expr) => {
        impl FromStr for $type {
            type Err = ParseWordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let words: &[(&str, Self)] = &$words;
                let mut found = words.iter().filter(|(word, _)| *word == text);
                let (_, value) = found.next().ok_or_else(|| ParseWordError::new(words))?;
                Ok(*value)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let words: &[(&str, Self)] = &$words;
                let same = |value| std::mem::discriminant(value) == std::mem::discriminant(self);
                let found = words.iter().find(|(_, value)| same(value));
                formatter.write_str(found.map_or("", |(word, _)| word))
            }
        }
    };
}

// Written without its gravity, which has words of its own; see `Mode::held_at`.
words!(
    Mode,
    [
        ("fit", Self::Fit),
        ("fill", Self::Fill(Gravity::Centre)),
        ("exact", Self::Exact),
        ("pad", Self::Pad(Gravity::Centre)),
    ]
);

words!(
    Gravity,
    [
        ("centre", Self::Centre),
        ("north", Self::North),
        ("north-east", Self::NorthEast),
        ("east", Self::East),
        ("south-east", Self::SouthEast),
        ("south", Self::South),
        ("south-west", Self::SouthWest),
        ("west", Self::West),
        ("north-west", Self::NorthWest),
    ]
);

words!(
    Output,
    [
        ("same", Self::Same),
        ("jpeg", Self::Jpeg),
        ("png", Self::Png),
        ("webp", Self::WebP),
        ("webp-lossless", Self::WebPLossless),
        #[cfg(feature = "avif")]
        ("avif", Self::Avif),
    ]
);

words!(
    Metadata,
    [
        ("none", Self::None),
        ("copyright", Self::Copyright),
        ("all", Self::All),
    ]
);

words!(
    Turn,
    [("upright", Self::Upright), ("as-stored", Self::AsStored)]
);

words!(
    Shrink,
    [
        ("safe", Self::Safe),
        ("fast", Self::Fast),
        ("off", Self::Off)
    ]
);

impl Mode {
    /// Returns which part of the picture is kept or where it lies, if the mode leaves a choice.
    #[must_use]
    pub const fn gravity(self) -> Option<Gravity> {
        match self {
            Self::Fill(gravity) | Self::Pad(gravity) => Some(gravity),
            Self::Fit | Self::Exact => None,
        }
    }

    /// Holds the picture there, or returns `None` if the mode leaves no choice.
    #[must_use]
    pub const fn held_at(self, gravity: Gravity) -> Option<Self> {
        match self {
            Self::Fill(_) => Some(Self::Fill(gravity)),
            Self::Pad(_) => Some(Self::Pad(gravity)),
            Self::Fit | Self::Exact => None,
        }
    }
}

/// A colour as it is written: `rrggbb`, or `rrggbbaa` with an opacity, in hexadecimal digits.
///
/// ```
/// # use imaging::Colour;
/// let colour: Colour = "ff8000".parse()?;
/// assert_eq!(colour, Colour([255, 128, 0, 255]));
/// assert_eq!("#00000080".parse::<Colour>()?.to_string(), "00000080");
/// # Ok::<(), imaging::ParseColourError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(
    /// Red, green, blue and opacity.
    pub [u8; 4],
);

/// The text is not a [`Colour`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a colour as rrggbb or, with its opacity, rrggbbaa, such as ffffff")]
pub struct ParseColourError;

impl FromStr for Colour {
    type Err = ParseColourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if !matches!(digits.len(), 6 | 8) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            return Err(ParseColourError);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| ParseColourError)?;
        Ok(Self(match digits.len() {
            6 => (number << 8 | 0xFF).to_be_bytes(),
            _ => number.to_be_bytes(),
        }))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue, opacity] = self.0;
        write!(formatter, "{red:02x}{green:02x}{blue:02x}")?;
        match opacity {
            u8::MAX => Ok(()),
            _ => write!(formatter, "{opacity:02x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that words read as something and are written as they were, and what is said of a wrong one.
    fn check<T: FromStr<Err = ParseWordError> + fmt::Display>(words: &[&str], error: &str) {
        for word in words {
            let value: T = word
                .parse()
                .unwrap_or_else(|error| panic!("{word}: {error}"));
            assert_eq!(value.to_string(), *word);
        }
        for wrong in ["", "Fit", "none ", "nonsense"] {
            let said = wrong.parse::<T>().err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), Some(error), "{wrong}");
        }
    }

    #[test]
    fn options_are_written_as_they_are_read() {
        check::<Mode>(
            &["fit", "fill", "exact", "pad"],
            "must be fit, fill, exact or pad",
        );
        check::<Gravity>(
            &[
                "centre",
                "north",
                "north-east",
                "east",
                "south-east",
                "south",
                "south-west",
                "west",
                "north-west",
            ],
            "must be centre, north, north-east, east, south-east, south, south-west, west or north-west",
        );
        let outputs = match cfg!(feature = "avif") {
            true => "must be same, jpeg, png, webp, webp-lossless or avif",
            false => "must be same, jpeg, png, webp or webp-lossless",
        };
        check::<Output>(&["same", "jpeg", "png", "webp", "webp-lossless"], outputs);
        check::<Metadata>(
            &["none", "copyright", "all"],
            "must be none, copyright or all",
        );
        check::<Turn>(&["upright", "as-stored"], "must be upright or as-stored");
        check::<Shrink>(&["safe", "fast", "off"], "must be safe, fast or off");
    }

    #[test]
    fn a_mode_is_held_where_it_leaves_a_choice() {
        let north = Mode::Fill(Gravity::Centre).held_at(Gravity::North);
        assert_eq!(north, Some(Mode::Fill(Gravity::North)));
        assert_eq!(north.map(|mode| mode.to_string()), Some("fill".to_owned()));
        assert_eq!(north.and_then(Mode::gravity), Some(Gravity::North));
        assert_eq!(Mode::Fit.held_at(Gravity::North), None);
        assert_eq!(Mode::Exact.gravity(), None);
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for wrong in [
            "",
            "#",
            "fff",
            "ffffffff0",
            "+fffff",
            "gggggg",
            "white",
            "ééé",
        ] {
            assert_eq!(wrong.parse::<Colour>(), Err(ParseColourError), "{wrong}");
        }
        assert_eq!("0A0b0C".parse(), Ok(Colour([10, 11, 12, 255])));
    }
}
