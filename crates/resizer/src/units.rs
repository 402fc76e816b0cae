//! Sizes and durations as people write them: `64MiB`, `30s`.

use std::{fmt, str::FromStr, time::Duration};

/// A number of bytes, read from text such as `1500`, `512KiB` or `64MiB`.
///
/// The units are binary (`KiB`, `MiB`, `GiB`), in any case; `K`, `M` and `G` alone mean the same.
///
/// # Examples
///
/// ```
/// use resizer::ByteSize;
///
/// let limit: ByteSize = "64MiB".parse()?;
/// assert_eq!(limit.0, 64 * 1024 * 1024);
/// assert_eq!(limit.to_string(), "64MiB");
/// # Ok::<(), resizer::UnitError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(
    /// The bytes.
    pub u64,
);

/// A span of time, read from text such as `500ms`, `30s` or `2m`; a number alone counts seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(
    /// The span.
    pub Duration,
);

/// Says why a text is neither a [`ByteSize`] nor a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It does not start with a whole number.
    #[error("expected a whole number, as in {example}")]
    Number {
        /// A text that would do.
        example: &'static str,
    },
    /// What follows the number is no unit.
    #[error("unknown unit {unit:?}, expected one of {known}")]
    Unit {
        /// What was found.
        unit: String,
        /// What would do.
        known: &'static str,
    },
    /// The value does not fit.
    #[error("the value is too large")]
    TooLarge,
}

const BYTE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text, "64MiB")?;
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            _ => {
                return Err(UnitError::Unit {
                    unit: unit.to_owned(),
                    known: "KiB, MiB, GiB",
                });
            }
        };
        number
            .checked_mul(factor)
            .map(ByteSize)
            .ok_or(UnitError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole =
            |(_, factor): &&(&str, u64)| self.0.is_multiple_of(*factor) && self.0 >= *factor;
        let (unit, factor) = BYTE_UNITS.iter().find(whole).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit) = split(text, "30s")?;
        let millis_each = match unit {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            _ => {
                return Err(UnitError::Unit {
                    unit: unit.to_owned(),
                    known: "ms, s, m",
                });
            }
        };
        let millis = number.checked_mul(millis_each).ok_or(UnitError::TooLarge)?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Splits `64MiB` into 64 and `MiB`.
fn split<'a>(text: &'a str, example: &'static str) -> Result<(u64, &'a str), UnitError> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(UnitError::Number { example });
    }
    let number = number.parse().map_err(|_| UnitError::TooLarge)?;
    Ok((number, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<u64, String> {
        text.parse::<ByteSize>()
            .map(|size| size.0)
            .map_err(|error| error.to_string())
    }

    fn millis(text: &str) -> Result<u128, String> {
        text.parse::<Span>()
            .map(|span| span.0.as_millis())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_take_binary_units_in_any_case() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("1500"), Ok(1500));
        assert_eq!(bytes("2K"), Ok(2048));
        assert_eq!(bytes(" 64 mib "), Ok(64 << 20));
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
    }

    #[test]
    fn a_wrong_size_says_what_would_do() {
        assert_eq!(
            bytes("big"),
            Err("expected a whole number, as in 64MiB".into())
        );
        assert_eq!(
            bytes("-1"),
            Err("expected a whole number, as in 64MiB".into())
        );
        assert_eq!(
            bytes("1TB"),
            Err("unknown unit \"TB\", expected one of KiB, MiB, GiB".into())
        );
        assert_eq!(
            bytes("99999999999999999999"),
            Err("the value is too large".into())
        );
        assert_eq!(
            bytes("17179869184GiB"),
            Err("the value is too large".into())
        );
    }

    #[test]
    fn spans_count_seconds_unless_told_otherwise() {
        assert_eq!(millis("30"), Ok(30_000));
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("2m"), Ok(120_000));
        assert_eq!(
            millis("2h"),
            Err("unknown unit \"h\", expected one of ms, s, m".into())
        );
        assert_eq!(millis(""), Err("expected a whole number, as in 30s".into()));
    }

    #[test]
    fn a_size_prints_as_one_would_write_it_and_reads_back() {
        for (size, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1KiB"),
            (1536, "1536B"),
            (64 << 20, "64MiB"),
            (3 << 30, "3GiB"),
        ] {
            assert_eq!(ByteSize(size).to_string(), text);
            assert_eq!(bytes(text), Ok(size));
        }
    }
}
