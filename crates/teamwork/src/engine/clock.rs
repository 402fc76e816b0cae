//! Points in time and timers.

use std::{
    cell::Cell,
    future::Future,
    num::NonZero,
    pin::{Pin, pin},
    sync::OnceLock,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    task::coop,
    time::{Instant, Sleep},
};

/// The current time of the runtime, which tests can pause.
#[inline]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The time that is this much later; `Duration::MAX` and the like are for ever.
pub(super) fn later(than: Instant, by: Duration) -> Instant {
    /// Thirty years, which is what Tokio takes for ever to be.
    const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    than + by.min(FOR_EVER)
}

/// Polls a timer, even if the task around it has used up its budget: a deadline is for just such tasks.
pub(super) fn poll_timer(timer: &mut Pin<Box<Sleep>>, cx: &mut Context<'_>) -> Poll<()> {
    pin!(coop::unconstrained(timer.as_mut())).poll(cx)
}

/// A point in time: nanoseconds since some moment early in the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(NonZero<u64>);

thread_local! {
    /// The last stamp taken in the poll under way. A look at the clock costs as much as a small task.
    static LATEST: Cell<Option<Stamp>> = const { Cell::new(None) };
}

impl Stamp {
    #[inline]
    pub(super) fn now() -> Self {
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        let now = now();
        // A clock that a test paused on another thread may be ahead; then no time has passed.
        let since = nanos(now.saturating_duration_since(*EPOCH.get_or_init(|| now)));
        let stamp = Self(NonZero::<u64>::MIN.saturating_add(since));
        LATEST.set(Some(stamp));
        stamp
    }

    /// The last stamp taken in the poll under way, or a new one: for the start of a routine, where another has just ended.
    #[inline]
    pub(super) fn latest() -> Self {
        LATEST.get().unwrap_or_else(Self::now)
    }

    /// Makes this the last stamp that was taken.
    #[inline]
    pub(super) fn recall(self) {
        LATEST.set(Some(self));
    }

    /// Has the next [`latest`](Self::latest) look at the clock: a poll begins.
    #[inline]
    pub(super) fn forget() {
        LATEST.set(None);
    }

    #[inline]
    pub(super) fn nanos_until(self, later: Self) -> u64 {
        later.0.get().saturating_sub(self.0.get())
    }
}

/// Nanoseconds of a duration; five centuries are as good as for ever.
pub(super) fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}
