//! Points in time as numbers, half as large as an `Instant`.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

/// The current time of the runtime, which tests can pause.
#[inline]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// A point in time: nanoseconds since some moment early in the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(u64);

impl Stamp {
    #[inline]
    pub(super) fn now() -> Self {
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        let now = now();
        // A clock that a test paused on another thread may be ahead; then no time has passed.
        Self(nanos(
            now.saturating_duration_since(*EPOCH.get_or_init(|| now)),
        ))
    }

    #[inline]
    pub(super) fn nanos_until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }
}

/// Nanoseconds of a duration; five centuries are as good as for ever.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
