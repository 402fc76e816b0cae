//! What the balancer counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::address::Upstream;
use crate::backends::Backends;

/// What one core counts; on cache lines of its own, so that cores do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts {
    live: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    uploaded: AtomicU64,
    downloaded: AtomicU64,
}

/// The counts of a balancer, readable while it runs and after it has ended. Every core counts for itself; who asks gets
/// the sum.
#[derive(Debug)]
pub struct Stats {
    backends: Arc<Backends>,
    cores: Box<[Counts]>,
}

impl Stats {
    /// Makes the counts of a balancer over `upstreams` on so many cores, all zero.
    pub(crate) fn new(upstreams: Vec<Upstream>, cores: usize) -> Self {
        Self {
            backends: Arc::new(Backends::new(upstreams, cores)),
            cores: std::iter::repeat_with(Counts::default)
                .take(cores)
                .collect(),
        }
    }

    /// Returns the upstreams with their own counts.
    #[must_use]
    pub fn backends(&self) -> &Arc<Backends> {
        &self.backends
    }

    /// Returns how many sessions there are right now.
    #[must_use]
    pub fn live(&self) -> usize {
        self.cores
            .iter()
            .map(|counts| counts.live.load(Relaxed))
            .sum()
    }

    /// Returns how many connections became sessions.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.sum(|counts| &counts.accepted)
    }

    /// Returns how many connections were closed at once, because there were as many sessions as allowed.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.sum(|counts| &counts.refused)
    }

    /// Returns how many bytes ended sessions have brought from clients to upstreams.
    #[must_use]
    pub fn uploaded(&self) -> u64 {
        self.sum(|counts| &counts.uploaded)
    }

    /// Returns how many bytes ended sessions have brought from upstreams to clients.
    #[must_use]
    pub fn downloaded(&self) -> u64 {
        self.sum(|counts| &counts.downloaded)
    }

    /// Returns how many sessions a core has right now.
    pub(crate) fn live_on(&self, core: usize) -> usize {
        self.cores[core].live.load(Relaxed)
    }

    /// Takes a place for a session on a core, if there are fewer than `sessions_max` on all of them; says whether it did.
    ///
    /// With several cores, sessions that are taken at the very same moment may all see the last place free: there are
    /// never more than one too many for each core beyond the first.
    pub(crate) fn admit(&self, core: usize, sessions_max: usize) -> bool {
        let counts = &self.cores[core];
        let has_room = self.live() < sessions_max;
        if has_room {
            counts.live.fetch_add(1, Relaxed);
            counts.accepted.fetch_add(1, Relaxed);
        } else {
            counts.refused.fetch_add(1, Relaxed);
        }
        has_room
    }

    /// Gives the place of a session on a core back.
    pub(crate) fn leave(&self, core: usize) {
        self.cores[core].live.fetch_sub(1, Relaxed);
    }

    /// Adds the bytes of a session on a core to the totals.
    pub(crate) fn add_bytes(&self, core: usize, uploaded: u64, downloaded: u64) {
        let counts = &self.cores[core];
        counts.uploaded.fetch_add(uploaded, Relaxed);
        counts.downloaded.fetch_add(downloaded, Relaxed);
    }

    fn sum(&self, counter: impl Fn(&Counts) -> &AtomicU64) -> u64 {
        self.cores
            .iter()
            .map(|counts| counter(counts).load(Relaxed))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_sessions_than_allowed_and_the_others_are_counted() {
        let stats = Stats::new(Vec::new(), 2);
        let admitted: Vec<_> = (0..3).map(|turn| stats.admit(turn % 2, 2)).collect();
        assert_eq!(admitted, [true, true, false]);
        assert_eq!((stats.live(), stats.accepted(), stats.refused()), (2, 2, 1));
        assert_eq!((stats.live_on(0), stats.live_on(1)), (1, 1));
        stats.leave(1);
        assert!(stats.admit(0, 2), "places are given back");
    }
}
