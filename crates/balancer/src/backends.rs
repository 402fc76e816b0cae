//! The upstreams and what they are doing right now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use fastrand::Rng;

use crate::address::Upstream;
use crate::choose::{Tried, choose};

/// One upstream with its counts.
#[derive(Debug)]
pub struct Backend {
    upstream: Upstream,
    live: AtomicUsize,
    sessions: AtomicU64,
    connect_failures: AtomicU64,
}

impl Backend {
    /// Returns the upstream.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Returns how many sessions it has right now, those that are still connecting included.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.load(Relaxed)
    }

    /// Returns how many sessions were connected to it since the start.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.sessions.load(Relaxed)
    }

    /// Returns how many tries to connect to it have failed since the start.
    #[must_use]
    pub fn connect_failures(&self) -> u64 {
        self.connect_failures.load(Relaxed)
    }
}

/// All upstreams of the balancer.
#[derive(Debug)]
pub struct Backends {
    list: Box<[Backend]>,
}

impl Backends {
    /// Makes the table of `upstreams`, all of them unused.
    pub(crate) fn new(upstreams: Vec<Upstream>) -> Self {
        let unused = |upstream| Backend {
            upstream,
            live: AtomicUsize::new(0),
            sessions: AtomicU64::new(0),
            connect_failures: AtomicU64::new(0),
        };
        Self {
            list: upstreams.into_iter().map(unused).collect(),
        }
    }

    /// Goes through the upstreams, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.list.iter()
    }

    /// Chooses an upstream for a session that has tried `tried`, adds it there, and counts the session as its own
    /// until the lease is dropped.
    pub(crate) fn lease(self: &Arc<Self>, tried: &mut Tried, rng: &mut Rng) -> Option<Lease> {
        let index = choose(self.list.len(), |index| self.list[index].live(), tried, rng)?;
        tried.add(index);
        self.list[index].live.fetch_add(1, Relaxed);
        Some(Lease {
            backends: Arc::clone(self),
            index,
        })
    }
}

/// A session's place on an upstream, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    backends: Arc<Backends>,
    index: usize,
}

impl Lease {
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.backend().upstream
    }

    /// Notes that the session was connected.
    pub(crate) fn connected(&self) {
        self.backend().sessions.fetch_add(1, Relaxed);
    }

    /// Notes that connecting failed.
    pub(crate) fn failed(&self) {
        self.backend().connect_failures.fetch_add(1, Relaxed);
    }

    fn backend(&self) -> &Backend {
        &self.backends.list[self.index]
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.backend().live.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Arc<Backends> {
        let upstream =
            |port: u16| Upstream::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        Arc::new(Backends::new(vec![upstream(1), upstream(2)]))
    }

    fn live(backends: &Backends) -> Vec<usize> {
        backends.iter().map(Backend::live).collect()
    }

    #[test]
    fn a_lease_counts_while_it_lives_and_the_next_goes_elsewhere() {
        for seed in 0..50 {
            let (backends, mut rng) = (two(), Rng::with_seed(seed));
            let first = backends
                .lease(&mut Tried::default(), &mut rng)
                .expect("both are free");
            let second = backends
                .lease(&mut Tried::default(), &mut rng)
                .expect("both are usable");
            assert_eq!(live(&backends), [1, 1], "seed {seed}");
            drop((first, second));
            assert_eq!(live(&backends), [0, 0], "seed {seed}");
        }
    }

    #[test]
    fn a_session_is_offered_each_upstream_once() {
        let (backends, mut rng, mut tried) = (two(), Rng::with_seed(3), Tried::default());
        let leases: Vec<_> = std::iter::from_fn(|| backends.lease(&mut tried, &mut rng)).collect();
        assert_eq!((leases.len(), live(&backends)), (2, vec![1, 1]));
    }
}
