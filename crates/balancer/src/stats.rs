//! What the balancer counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::address::Upstream;
use crate::backends::Backends;

/// The counts of a balancer, readable while it runs and after it has ended.
#[derive(Debug)]
pub struct Stats {
    backends: Arc<Backends>,
    live: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    uploaded: AtomicU64,
    downloaded: AtomicU64,
}

impl Stats {
    /// Makes the counts of a balancer over `upstreams`, all zero.
    pub(crate) fn new(upstreams: Vec<Upstream>) -> Self {
        Self {
            backends: Arc::new(Backends::new(upstreams)),
            live: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            uploaded: AtomicU64::new(0),
            downloaded: AtomicU64::new(0),
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
        self.live.load(Relaxed)
    }

    /// Returns how many connections became sessions.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Returns how many connections were closed at once, because there were as many sessions as allowed.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Returns how many bytes ended sessions have brought from clients to upstreams.
    #[must_use]
    pub fn uploaded(&self) -> u64 {
        self.uploaded.load(Relaxed)
    }

    /// Returns how many bytes ended sessions have brought from upstreams to clients.
    #[must_use]
    pub fn downloaded(&self) -> u64 {
        self.downloaded.load(Relaxed)
    }

    /// Takes a place for a session, if there are fewer than `sessions_max`.
    pub(crate) fn admit(self: &Arc<Self>, sessions_max: usize) -> Option<Place> {
        let room = |live| (live < sessions_max).then_some(live + 1);
        if self.live.fetch_update(Relaxed, Relaxed, room).is_err() {
            self.refused.fetch_add(1, Relaxed);
            return None;
        }
        self.accepted.fetch_add(1, Relaxed);
        Some(Place {
            stats: Arc::clone(self),
        })
    }
}

/// A session's place among those allowed, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    stats: Arc<Stats>,
}

impl Place {
    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Adds a session's bytes to the totals.
    pub(crate) fn add_bytes(&self, uploaded: u64, downloaded: u64) {
        self.stats.uploaded.fetch_add(uploaded, Relaxed);
        self.stats.downloaded.fetch_add(downloaded, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stats.live.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_sessions_than_allowed_and_the_others_are_counted() {
        let stats = Arc::new(Stats::new(Vec::new()));
        let places: Vec<_> = (0..3).map(|_| stats.admit(2)).collect();
        assert_eq!(places.iter().flatten().count(), 2);
        assert_eq!((stats.live(), stats.accepted(), stats.refused()), (2, 2, 1));
        drop(places);
        assert!(stats.admit(2).is_some(), "places are given back");
    }
}
