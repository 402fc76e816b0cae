//! The upstreams and what they are doing right now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use fastrand::Rng;
use tracing::{info, warn};

use crate::address::Upstream;
use crate::choose::{Tried, choose};
use crate::connect::Why;
use crate::rest::Rests;

/// What one core counts of one upstream; on a cache line of its own, so that cores do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts {
    live: AtomicUsize,
    sessions: AtomicU64,
    connect_failures: AtomicU64,
}

/// All upstreams of the balancer. Every core counts for itself; who asks gets the sum.
#[derive(Debug)]
pub struct Backends {
    upstreams: Box<[Upstream]>,
    /// For each core, one entry for each upstream.
    counts: Box<[Counts]>,
    rests: Rests,
}

/// One upstream with its counts.
#[derive(Debug, Clone, Copy)]
pub struct Backend<'a> {
    backends: &'a Backends,
    index: usize,
}

impl<'a> Backend<'a> {
    /// Returns the upstream.
    #[must_use]
    pub fn upstream(self) -> &'a Upstream {
        &self.backends.upstreams[self.index]
    }

    /// Returns how many sessions it has right now, those that are still connecting included.
    #[must_use]
    pub fn live(self) -> usize {
        self.counts().map(|counts| counts.live.load(Relaxed)).sum()
    }

    /// Returns how many sessions were connected to it since the start.
    #[must_use]
    pub fn sessions(self) -> u64 {
        self.counts()
            .map(|counts| counts.sessions.load(Relaxed))
            .sum()
    }

    /// Returns how many tries to connect to it have failed since the start.
    #[must_use]
    pub fn connect_failures(self) -> u64 {
        self.counts()
            .map(|counts| counts.connect_failures.load(Relaxed))
            .sum()
    }

    /// Tells whether the last try to connect to it has failed. Then others are chosen before it for a while.
    #[must_use]
    pub fn is_failing(self) -> bool {
        self.backends.rests.is_failing(self.index)
    }

    fn counts(self) -> impl Iterator<Item = &'a Counts> {
        let each = self.backends.upstreams.len();
        self.backends.counts.iter().skip(self.index).step_by(each)
    }
}

impl Backends {
    /// Makes the table of `upstreams`, all of them unused, for so many cores.
    pub(crate) fn new(upstreams: Vec<Upstream>, cores: usize) -> Self {
        let counts = std::iter::repeat_with(Counts::default).take(upstreams.len() * cores);
        Self {
            counts: counts.collect(),
            rests: Rests::none(upstreams.len()),
            upstreams: upstreams.into(),
        }
    }

    /// Goes through the upstreams, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = Backend<'_>> {
        (0..self.upstreams.len()).map(|index| self.backend(index))
    }

    fn backend(&self, index: usize) -> Backend<'_> {
        Backend {
            backends: self,
            index,
        }
    }

    /// Chooses an upstream for a session of `core` that has tried `tried`, adds it there, and counts the session as the
    /// upstream's own until the lease is dropped.
    pub(crate) fn lease(
        self: &Arc<Self>,
        core: usize,
        tried: &mut Tried,
        rng: &mut Rng,
    ) -> Option<Lease> {
        let index = self.choose(tried, rng)?;
        tried.add(index);
        let lease = Lease {
            backends: Arc::clone(self),
            index: index as u32,
            core: core as u16,
            goes_to_see: self.rests.tries(index),
        };
        lease.counts().live.fetch_add(1, Relaxed);
        Some(lease)
    }

    /// Chooses among those that do not rest; among all of them if there is none or only such that were tried.
    fn choose(&self, tried: &Tried, rng: &mut Rng) -> Option<usize> {
        let load = |index| self.backend(index).live();
        if !tried.are_enough()
            && let Some(mut awake) = self.rests.who_does_not()
        {
            awake.retain(|&index| !tried.has(index));
            let among = choose(awake.len(), |nth| load(awake[nth]), &Tried::default(), rng);
            if let Some(nth) = among {
                return Some(awake[nth]);
            }
        }
        choose(self.upstreams.len(), load, tried, rng)
    }
}

/// A session's place on an upstream, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    backends: Arc<Backends>,
    index: u32,
    core: u16,
    /// Whether the upstream answers again.
    goes_to_see: bool,
}

impl Lease {
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.backends.upstreams[self.index as usize]
    }

    /// Notes that the session was connected.
    pub(crate) fn connected(&self) {
        self.counts().sessions.fetch_add(1, Relaxed);
        if self.backends.rests.connected(self.index as usize) {
            info!(upstream = %self.upstream(), "upstream answers again");
        }
    }

    /// Notes that connecting failed.
    pub(crate) fn failed(&self, why: &Why) {
        self.counts().connect_failures.fetch_add(1, Relaxed);
        if let Why::OutOfSockets(_) = why {
            return; // It is no fault of the upstream's.
        }
        let rests = &self.backends.rests;
        if let Some(rest) = rests.failed(self.index as usize, self.goes_to_see) {
            let (upstream, rest_s) = (self.upstream(), rest.as_secs());
            warn!(%upstream, error = %why, rest_s, "upstream fails: others are tried before it");
        }
    }

    fn counts(&self) -> &Counts {
        let each = self.backends.upstreams.len();
        &self.backends.counts[self.core as usize * each + self.index as usize]
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.counts().live.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Arc<Backends> {
        let upstream =
            |port: u16| Upstream::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        Arc::new(Backends::new(vec![upstream(1), upstream(2)], 2))
    }

    fn live(backends: &Backends) -> Vec<usize> {
        backends.iter().map(Backend::live).collect()
    }

    #[test]
    fn a_lease_counts_while_it_lives_and_the_next_goes_elsewhere_whichever_core_asks() {
        for seed in 0..50 {
            let (backends, mut rng) = (two(), Rng::with_seed(seed));
            let first = backends
                .lease(0, &mut Tried::default(), &mut rng)
                .expect("both are free");
            let second = backends
                .lease(1, &mut Tried::default(), &mut rng)
                .expect("both are usable");
            assert_eq!(live(&backends), [1, 1], "seed {seed}");
            drop((first, second));
            assert_eq!(live(&backends), [0, 0], "seed {seed}");
        }
    }

    #[test]
    fn what_the_cores_have_counted_is_added_up() {
        let (backends, mut rng) = (two(), Rng::with_seed(1));
        for core in [0, 1, 1] {
            let mut tried = Tried::default();
            while let Some(lease) = backends.lease(core, &mut tried, &mut rng) {
                lease.connected();
                lease.failed(&Why::TimedOut);
            }
        }
        let sums: Vec<_> = backends
            .iter()
            .map(|backend| (backend.sessions(), backend.connect_failures()))
            .collect();
        assert_eq!(sums, [(3, 3), (3, 3)]);
    }

    #[test]
    fn a_session_is_offered_each_upstream_once() {
        let (backends, mut rng, mut tried) = (two(), Rng::with_seed(3), Tried::default());
        let leases: Vec<_> =
            std::iter::from_fn(|| backends.lease(0, &mut tried, &mut rng)).collect();
        assert_eq!((leases.len(), live(&backends)), (2, vec![1, 1]));
    }
}
