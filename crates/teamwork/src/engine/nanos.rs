//! Lengths of time in four bytes.

use std::time::Duration;

use super::clock::nanos;

/// How many bits of a time are kept.
const BITS: u32 = 27;

/// A length of time, exact up to an eighth of a second; above that it is cut down to its first 27 bits, which makes it shorter by less than one
/// part in 67 million. The longest is nine years.
///
/// There are three for each task of a job that may have a hundred thousand of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Nanos(u32);

impl From<u64> for Nanos {
    #[inline]
    fn from(nanos: u64) -> Self {
        let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS);
        if shift < 1 << (u32::BITS - BITS) {
            Self(shift << BITS | (nanos >> shift) as u32)
        } else {
            Self(u32::MAX)
        }
    }
}

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Self {
        nanos(duration).into()
    }
}

impl From<Nanos> for Duration {
    fn from(Nanos(packed): Nanos) -> Self {
        let kept = u64::from(packed & ((1 << BITS) - 1));
        Self::from_nanos(kept << (packed >> BITS))
    }
}

/// A length of time that somebody has set, in four bytes: exact to the nanosecond up to a second, to the microsecond up to 17 minutes, to the
/// millisecond up to 12 days, and to the second above; so that what is told of it is what was set. The longest is 34 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline(u32);

impl Deadline {
    /// The bits of the number; what it counts is above them: nanoseconds, microseconds, milliseconds or seconds.
    const BITS: u32 = 30;
    const MOST: u32 = (1 << Self::BITS) - 1;

    pub(super) fn packed(self) -> u32 {
        self.0
    }

    pub(super) fn unpack(packed: u32) -> Self {
        Self(packed)
    }
}

impl From<Duration> for Deadline {
    /// Takes the finest unit in which it fits.
    #[inline]
    fn from(duration: Duration) -> Self {
        let nanos = nanos(duration);
        let most = u64::from(Self::MOST);
        let (unit, number) = match nanos {
            _ if nanos <= most => (0, nanos),
            _ if nanos / 1_000 <= most => (1, nanos / 1_000),
            _ if nanos / 1_000_000 <= most => (2, nanos / 1_000_000),
            _ => (3, (nanos / 1_000_000_000).min(most)),
        };
        Self(unit << Self::BITS | number as u32)
    }
}

impl From<Deadline> for Duration {
    fn from(Deadline(packed): Deadline) -> Self {
        let number = u64::from(packed & Deadline::MOST);
        match packed >> Deadline::BITS {
            0 => Self::from_nanos(number),
            1 => Self::from_micros(number),
            2 => Self::from_millis(number),
            _ => Self::from_secs(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_what_was_set() {
        for millis in [
            0, 1, 50, 1500, 10_000, 129_000, 300_000, 3_600_000, 86_400_001,
        ] {
            let set = Duration::from_millis(millis);
            assert_eq!(Duration::from(Deadline::from(set)), set);
        }
        let set = Duration::from_nanos(999_999_999);
        assert_eq!(Duration::from(Deadline::from(set)), set);
        let longest = Duration::from(Deadline::from(Duration::MAX));
        assert!(longest >= Duration::from_secs(30 * 365 * 24 * 60 * 60));
    }

    /// What becomes of so many nanoseconds.
    fn kept(nanos: u64) -> u64 {
        let kept = Duration::from(Nanos::from(nanos)).as_nanos();
        u64::try_from(kept).expect("nine years are fewer")
    }

    #[test]
    fn short_times_are_exact_and_long_ones_nearly() {
        for nanos in (0..300).chain((1 << BITS) - 300..1 << BITS) {
            assert_eq!(kept(nanos), nanos);
        }
        for seconds in [1, 10, 30, 3_600, 86_400, 9 * 365 * 86_400] {
            let nanos = seconds * 1_000_000_000 + 1;
            assert!(kept(nanos) <= nanos);
            assert!(nanos - kept(nanos) <= nanos / 67_000_000, "{seconds} s");
        }
    }

    #[test]
    fn what_is_too_long_is_as_long_as_can_be() {
        assert_eq!(kept(u64::MAX), ((1 << BITS) - 1) << 31);
        assert_eq!(kept(1 << 58), kept(u64::MAX));
    }
}
