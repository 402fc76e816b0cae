//! When something last moved in a session, and how long to wait for more.
//!
//! Every chunk notes the time and its source in one atomic, which the clock of the core looks at now and then
//! ([`watch`](crate::watch)). So a session has no timer, and none is touched when bytes move.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use crate::ending::{Ending, Side};
use crate::halves::Halves;

/// When a session last made progress.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    /// Milliseconds since the start, shifted by one; the lowest bit is set when the upstream was the source.
    last: AtomicU64,
}

/// How much longer to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Look again then.
    Until(Instant),
    /// The session is over.
    Over(Ending),
}

/// How long sessions live with nothing moving.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) idle: Duration,
    pub(crate) half_close: Duration,
}

impl Progress {
    /// Starts the clock. It is the upstream that was the last to do something, by accepting: the client's turn.
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            last: AtomicU64::new(1),
        }
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Notes that bytes of `source` have moved.
    pub(crate) fn note(&self, source: Side) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX >> 1);
        self.last
            .store(millis << 1 | u64::from(source == Side::Upstream), Relaxed);
    }

    /// Returns how much longer to wait at the time `now` in a session whose sides stand at `halves`.
    ///
    /// Whose time is up follows from whose bytes moved last: the other side has either not taken them or not
    /// answered them.
    pub(crate) fn patience(&self, now: Instant, halves: Halves, limits: Limits) -> Patience {
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
        let until = self.started + Duration::from_millis(last >> 1) + limit;
        if now < until {
            Patience::Until(until)
        } else {
            Patience::Over(ending)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Phase;
    use crate::halves::Event;

    const LIMITS: Limits = Limits {
        idle: Duration::from_secs(600),
        half_close: Duration::from_secs(30),
    };

    async fn pass(seconds: u64) -> Instant {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        Instant::now()
    }

    fn idle(by: Side) -> Patience {
        Patience::Over(Ending::Idle {
            by,
            phase: Phase::Data,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_says_a_word_is_idle() {
        let progress = Progress::start();
        let start = progress.started();
        let until = Patience::Until(start + LIMITS.idle);
        assert_eq!(
            progress.patience(pass(599).await, Halves::default(), LIMITS),
            until
        );
        assert_eq!(
            progress.patience(pass(1).await, Halves::default(), LIMITS),
            idle(Side::Client)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_in_either_direction_keep_the_session_alive() {
        let progress = Progress::start();
        for source in [Side::Client, Side::Upstream, Side::Client] {
            let now = pass(599).await;
            progress.note(source);
            let until = Patience::Until(now + LIMITS.idle);
            assert_eq!(progress.patience(now, Halves::default(), LIMITS), until);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_side_that_owes_an_answer_is_named() {
        for source in [Side::Client, Side::Upstream] {
            let progress = Progress::start();
            progress.note(source);
            assert_eq!(
                progress.patience(pass(600).await, Halves::default(), LIMITS),
                idle(source.other())
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn once_one_side_has_finished_the_other_has_less_time() {
        let progress = Progress::start();
        let (halves, _) = Halves::default().next(Event::Finished(Side::Client));
        let now = pass(29).await;
        assert_eq!(
            progress.patience(now, halves, LIMITS),
            Patience::Until(now + Duration::from_secs(1))
        );
        progress.note(Side::Upstream);
        assert_eq!(
            progress.patience(pass(29).await, halves, LIMITS),
            Patience::Until(now + LIMITS.half_close)
        );
        let over = Patience::Over(Ending::HalfClosed { by: Side::Upstream });
        assert_eq!(progress.patience(pass(1).await, halves, LIMITS), over);
    }
}
