//! Upstreams that could not be connected rest: others are chosen before them for a while.
//!
//! An upstream that refuses connections has no sessions, so it would look the emptiest and be tried first by nearly everyone. Instead,
//! 1. the first failed try has it rest for a second;
//! 2. when a rest is over, one session goes to see; each that fails as well doubles the rest, up to half a minute;
//! 3. a connection that is made ends all that;
//! 4. if everyone rests, all are chosen from as ever: who might serve is asked rather than nobody.
//!
//! It is the passive check of nginx (`max_fails=1`), with rests that start short, as those who are just restarted are soon back.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an upstream rests after its first failure.
const REST_MIN: Duration = Duration::from_secs(1);

/// How long it rests at most, and how long a session that went to see is waited for before another may.
const REST_MAX: Duration = Duration::from_secs(30);

/// Which upstreams rest. While all are well, nobody takes a lock and no clock is read.
#[derive(Debug)]
pub(crate) struct Rests {
    /// How many upstreams have failed since they were last connected.
    failing: AtomicUsize,
    /// For each upstream that has.
    list: Mutex<Box<[Option<Rest>]>>,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    length: Duration,
}

impl Rests {
    /// None of so many upstreams rests.
    pub(crate) fn none(upstreams: usize) -> Self {
        Self {
            failing: AtomicUsize::new(0),
            list: Mutex::new(vec![None; upstreams].into()),
        }
    }

    /// Tells whether an upstream has failed since it was last connected.
    pub(crate) fn is_failing(&self, index: usize) -> bool {
        self.are_any() && self.list()[index].is_some()
    }

    /// Returns those that do not rest, unless nobody does.
    pub(crate) fn who_does_not(&self) -> Option<Vec<usize>> {
        if !self.are_any() {
            return None;
        }
        let now = Instant::now();
        let list = self.list();
        let is_awake = |rest: &Option<Rest>| rest.is_none_or(|rest| rest.until <= now);
        let awake = list.iter().enumerate().filter(|(_, rest)| is_awake(rest));
        Some(awake.map(|(index, _)| index).collect())
    }

    /// Notes that a session tries an upstream, and tells whether it is the one that goes to see after a rest.
    pub(crate) fn tries(&self, index: usize) -> bool {
        if !self.are_any() {
            return false;
        }
        let now = Instant::now();
        let mut list = self.list();
        let over = list[index].as_mut().filter(|rest| rest.until <= now);
        over.map(|rest| rest.until = now + REST_MAX).is_some()
    }

    /// Notes that a try failed, that of a session which `went_to_see` or not. Returns how long the upstream rests from now on, if it
    /// did not before.
    pub(crate) fn failed(&self, index: usize, went_to_see: bool) -> Option<Duration> {
        let mut list = self.list();
        let length = match list[index] {
            None => {
                self.failing.fetch_add(1, Relaxed);
                REST_MIN
            }
            Some(rest) if went_to_see => (rest.length * 2).min(REST_MAX),
            // It was under way when the rest began.
            Some(_) => return None,
        };
        let until = Instant::now() + length;
        list[index] = Some(Rest { until, length });
        Some(length)
    }

    /// Notes that an upstream was connected, and tells whether it had failed before.
    pub(crate) fn connected(&self, index: usize) -> bool {
        let had_failed = self.are_any() && self.list()[index].take().is_some();
        if had_failed {
            self.failing.fetch_sub(1, Relaxed);
        }
        had_failed
    }

    fn are_any(&self) -> bool {
        self.failing.load(Relaxed) > 0
    }

    fn list(&self) -> MutexGuard<'_, Box<[Option<Rest>]>> {
        // Each entry is written whole.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pass(time: Duration) {
        tokio::time::advance(time).await;
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn who_has_failed_rests_a_second_and_is_then_seen_to_by_one() {
        let rests = Rests::none(3);
        assert_eq!(rests.who_does_not(), None);
        assert_eq!(rests.failed(1, false), Some(SECOND));
        assert_eq!(rests.failed(1, false), None, "it rests already");
        assert_eq!(rests.who_does_not(), Some(vec![0, 2]));
        assert!(
            !rests.tries(1),
            "nobody goes to see before the rest is over"
        );
        pass(SECOND).await;
        assert_eq!(rests.who_does_not(), Some(vec![0, 1, 2]));
        assert!(rests.tries(1));
        assert!(!rests.tries(1), "one is enough");
        assert_eq!(rests.who_does_not(), Some(vec![0, 2]));
        assert!(rests.connected(1));
        assert_eq!((rests.who_does_not(), rests.connected(1)), (None, false));
    }

    #[tokio::test(start_paused = true)]
    async fn rests_double_up_to_half_a_minute() {
        let rests = Rests::none(1);
        let mut lengths = vec![rests.failed(0, false).unwrap()];
        for _ in 0..6 {
            pass(*lengths.last().unwrap()).await;
            let went_to_see = rests.tries(0);
            lengths.push(rests.failed(0, went_to_see).unwrap());
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs));
    }

    #[tokio::test(start_paused = true)]
    async fn who_went_to_see_and_never_came_back_is_followed_by_another() {
        let rests = Rests::none(2);
        rests.failed(0, false);
        pass(SECOND).await;
        assert!(rests.tries(0));
        pass(REST_MAX).await;
        assert!(rests.tries(0));
    }

    #[tokio::test(start_paused = true)]
    async fn each_upstream_rests_for_itself() {
        let rests = Rests::none(2);
        rests.failed(0, false);
        rests.failed(1, false);
        assert_eq!(rests.who_does_not(), Some(vec![]));
        rests.connected(0);
        assert_eq!(rests.who_does_not(), Some(vec![0]));
        assert_eq!([0, 1].map(|index| rests.is_failing(index)), [false, true]);
    }
}
