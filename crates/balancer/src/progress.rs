//! When something last moved in a session, and how long to wait for more.
//!
//! Every chunk notes the time and its source in one atomic, which the clock of the core looks at now and then
//! ([`watch`](crate::watch)). So a session has no timer, none is touched when bytes move, and no clock is read: the time is that at
//! which their core was last told that bytes have come.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use crate::connect::BUDGET_IN_TIMEOUTS;
use crate::ending::{Ending, Side};
use crate::halves::Halves;

/// What time it is for the sessions of a core.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
    /// Milliseconds between the epoch and the last look.
    looked: AtomicU64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            epoch: Instant::now(),
            looked: AtomicU64::new(0),
        }
    }

    /// Looks what time it is.
    pub(crate) fn look(&self) {
        self.looked.store(millis(self.epoch.elapsed()), Relaxed);
    }
}

/// When a session started, and when it last made progress; by the clock of its core.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Between the epoch and the start.
    started_nanos: u64,
    /// Milliseconds since the epoch, shifted by one; the lowest bit is set when the upstream was the source.
    last: AtomicU64,
}

/// How long sessions live with nothing moving.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) idle: Duration,
    pub(crate) half_close: Duration,
    /// For one try to connect.
    pub(crate) connect: Duration,
}

impl Progress {
    /// Starts the clock. It is the upstream that was the last to do something, by accepting: the client's turn.
    pub(crate) fn start(clock: &Clock) -> Self {
        let age = clock.epoch.elapsed();
        Self {
            started_nanos: u64::try_from(age.as_nanos()).unwrap_or(u64::MAX),
            last: AtomicU64::new(millis(age) << 1 | 1),
        }
    }

    /// Returns how long ago it started.
    pub(crate) fn age(&self, clock: &Clock) -> Duration {
        let started = Duration::from_nanos(self.started_nanos);
        clock.epoch.elapsed().saturating_sub(started)
    }

    /// Notes that bytes of `source` have moved.
    pub(crate) fn note(&self, source: Side, clock: &Clock) {
        let looked = clock.looked.load(Relaxed);
        let source = u64::from(source == Side::Upstream);
        self.last.store(looked << 1 | source, Relaxed);
    }

    /// Tells whether the try to connect that was noted last, or all of them together, have had their time.
    pub(crate) fn has_tried_enough(&self, (clock, now): (&Clock, Instant), limits: Limits) -> bool {
        let since = now.saturating_duration_since(clock.epoch);
        let this = since.saturating_sub(Duration::from_millis(self.last.load(Relaxed) >> 1));
        let all = since.saturating_sub(Duration::from_nanos(self.started_nanos));
        this >= limits.connect || all >= limits.connect * BUDGET_IN_TIMEOUTS
    }

    /// Returns how a session ends whose sides stand at `halves`, if its time is up at the time `now`.
    ///
    /// Whose time is up follows from whose bytes moved last: the other side has either not taken them or not
    /// answered them.
    pub(crate) fn overdue(
        &self,
        (clock, now): (&Clock, Instant),
        halves: Halves,
        limits: Limits,
    ) -> Option<Ending> {
        let last = self.last.load(Relaxed);
        let source = if last & 1 == 1 {
            Side::Upstream
        } else {
            Side::Client
        };
        let (limit, ending) = match halves.awaited() {
            Some(by) => (
                limits.half_close.min(limits.idle),
                Ending::HalfClosed { by },
            ),
            None => (
                limits.idle,
                Ending::Idle {
                    by: source.other(),
                    phase: halves.phase(),
                },
            ),
        };
        let until = clock.epoch + Duration::from_millis(last >> 1) + limit;
        (now >= until).then_some(ending)
    }
}

/// Whole milliseconds, with room for a bit.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Phase;
    use crate::halves::Event;

    const LIMITS: Limits = Limits {
        idle: Duration::from_secs(600),
        half_close: Duration::from_secs(30),
        connect: Duration::from_secs(5),
    };

    async fn pass(seconds: u64) -> Instant {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        Instant::now()
    }

    /// A clock that looks, and a session that started a minute after it.
    async fn start() -> (Clock, Progress) {
        let clock = Clock::start();
        pass(60).await;
        let progress = Progress::start(&clock);
        (clock, progress)
    }

    fn note(progress: &Progress, source: Side, clock: &Clock) {
        clock.look();
        progress.note(source, clock);
    }

    fn idle(by: Side) -> Option<Ending> {
        Some(Ending::Idle {
            by,
            phase: Phase::Data,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_says_a_word_is_idle() {
        let (clock, progress) = start().await;
        let overdue = |now| progress.overdue((&clock, now), Halves::default(), LIMITS);
        assert_eq!(overdue(pass(599).await), None);
        assert_eq!(overdue(pass(1).await), idle(Side::Client));
        assert_eq!(progress.age(&clock), Duration::from_secs(600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_to_connect_has_its_time_and_all_of_them_twice_as_much() {
        let (clock, progress) = start().await;
        let has_enough = |now| progress.has_tried_enough((&clock, now), LIMITS);
        note(&progress, Side::Client, &clock);
        assert!(!has_enough(pass(4).await));
        assert!(has_enough(pass(1).await));
        note(&progress, Side::Client, &clock);
        assert!(!has_enough(pass(4).await));
        note(&progress, Side::Client, &clock);
        assert!(has_enough(pass(1).await));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_in_either_direction_keep_the_session_alive() {
        let (clock, progress) = start().await;
        for source in [Side::Client, Side::Upstream, Side::Client] {
            let now = pass(599).await;
            let overdue = progress.overdue((&clock, now), Halves::default(), LIMITS);
            assert_eq!(overdue, None);
            note(&progress, source, &clock);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_side_that_owes_an_answer_is_named() {
        for source in [Side::Client, Side::Upstream] {
            let (clock, progress) = start().await;
            note(&progress, source, &clock);
            let now = pass(600).await;
            assert_eq!(
                progress.overdue((&clock, now), Halves::default(), LIMITS),
                idle(source.other())
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn once_one_side_has_finished_the_other_has_less_time() {
        let (clock, progress) = start().await;
        let (halves, _) = Halves::default().next(Event::Finished(Side::Client));
        let overdue = |now| progress.overdue((&clock, now), halves, LIMITS);
        let over = Some(Ending::HalfClosed { by: Side::Upstream });
        assert_eq!(overdue(pass(29).await), None);
        assert_eq!(overdue(pass(1).await), over);
        note(&progress, Side::Upstream, &clock);
        assert_eq!(overdue(pass(29).await), None);
        assert_eq!(overdue(pass(1).await), over);
    }
}
