//! Evens the cores out: a connection that came in on a busier core is handed over to a less busy one.
//!
//! The kernel shares new connections among the listening sockets of a port by a hash, which is even in the long run but
//! not for a few long-lived ones: of ten connections on two cores, seven or more are on one core in every third case. So
//! a core that is about to take a connection compares itself with one other, drawn at random, and hands it over when that
//! one has fewer sessions.
//!
//! A hand-over wakes another thread, which costs as much as a tenth of a short session. Where connections come so fast that
//! this would count, the hash is even enough; so hand-overs are limited to some in a row and few per second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use teamwork::{Context, Flow, Result, Task};
use tokio::sync::{Barrier, mpsc};
use tokio::time::Instant;

use crate::core::Core;
use crate::session::{Arrival, Session};
use crate::tasks::start;

/// How many connections may wait for a core to adopt them; beyond, who accepted them keeps them.
const INBOX_MAX: usize = 256;

/// How many hand-overs a core may make in a row.
const BURST: u32 = 64;

/// How long it takes until one more is allowed: 200 a second cost a core about a thousandth of its time.
const REFILL: Duration = Duration::from_millis(5);

/// What a core's neighbours hand over to it.
pub(crate) type Inbox = mpsc::Receiver<Arrival>;

/// All cores, as those see them who have a connection to hand over.
#[derive(Debug)]
pub(crate) struct Neighbours {
    cores: Box<[Neighbour]>,
    start: Barrier,
}

#[derive(Debug)]
struct Neighbour {
    core: Arc<Core>,
    inbox: mpsc::Sender<Arrival>,
    allowance: Mutex<Allowance>,
}

/// A place in the inbox of a less busy core.
#[derive(Debug)]
pub(crate) struct Offer<'a> {
    core: &'a Arc<Core>,
    place: mpsc::Permit<'a, Arrival>,
}

impl Neighbours {
    /// Makes the inboxes of the cores.
    pub(crate) fn new(cores: &[Arc<Core>]) -> (Arc<Self>, Vec<Inbox>) {
        let neighbour = |core: &Arc<Core>| {
            let (inbox, receiver) = mpsc::channel(INBOX_MAX);
            let neighbour = Neighbour {
                core: Arc::clone(core),
                inbox,
                allowance: Mutex::default(),
            };
            (neighbour, receiver)
        };
        let (neighbours, inboxes): (Vec<_>, _) = cores.iter().map(neighbour).unzip();
        let neighbours = Self {
            start: Barrier::new(neighbours.len()),
            cores: neighbours.into(),
        };
        (Arc::new(neighbours), inboxes)
    }

    pub(crate) fn count(&self) -> usize {
        self.cores.len()
    }

    /// Waits until all cores are there.
    ///
    /// # Cancel safety
    ///
    /// A core that no longer waits still counts as there.
    pub(crate) async fn meet(&self) {
        self.start.wait().await;
    }

    /// Offers a place on a less busy core for a connection that came in on `here`, if there is one.
    pub(crate) fn offer(&self, here: &Core) -> Option<Offer<'_>> {
        if self.count() == 1 {
            return None;
        }
        let other = Rng::new().usize(1..self.count());
        let there = &self.cores[(here.index() + other) % self.count()];
        let live = |core: &Core| core.stats().live_on(core.index());
        if live(&there.core) >= live(here) {
            return None;
        }
        // Only the core itself takes this lock, once for each connection.
        let allowance = self.cores[here.index()].allowance.lock();
        let mut allowance = allowance.unwrap_or_else(PoisonError::into_inner);
        if !allowance.take(Instant::now()) {
            return None;
        }
        Some(Offer {
            core: &there.core,
            place: there.inbox.try_reserve().ok()?,
        })
    }
}

impl Offer<'_> {
    /// The core that makes it.
    pub(crate) fn core(&self) -> &Arc<Core> {
        self.core
    }

    /// Hands a connection over.
    pub(crate) fn accept(self, arrival: Arrival) {
        self.place.send(arrival);
    }
}

/// How many hand-overs a core may make: a bucket that fills up by one each [`REFILL`].
#[derive(Debug)]
struct Allowance {
    left: u32,
    filled: Instant,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            left: BURST,
            filled: Instant::now(),
        }
    }
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.filled).as_millis() / REFILL.as_millis();
        if gained > 0 {
            let gained = u32::try_from(gained).unwrap_or(BURST);
            self.left = self.left.saturating_add(gained).min(BURST);
            self.filled = now;
        }
        let has = self.left > 0;
        self.left -= u32::from(has);
        has
    }
}

/// Makes sessions of the connections that neighbours have handed over, until the balancer drains.
#[derive(Debug)]
pub(crate) struct Adopt {
    inbox: Inbox,
}

impl Adopt {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox }
    }
}

impl Task<()> for Adopt {
    type Output = ();

    async fn run(&mut self, cx: &Context<()>) -> Result<Flow> {
        let Some(Some(arrival)) = cx.unless_draining(self.inbox.recv()).await else {
            return Ok(Flow::Done(()));
        };
        // When it is refused, the balancer is about to stop. The session says so in the log when it is dropped.
        Ok(if start(&cx.job(), arrival) {
            Flow::Tick
        } else {
            Flow::Done(())
        })
    }

    /// Has those that came too late leave their line in the log, too.
    async fn finalize(&mut self, _cx: &Context<()>) -> Result {
        self.inbox.close();
        while let Some(arrival) = self.inbox.recv().await {
            drop(Session::new(arrival));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test(start_paused = true)]
    async fn hand_overs_are_limited_in_a_row_and_per_second() {
        let mut allowance = Allowance::default();
        let start = Instant::now();
        let granted = (0..1000).filter(|_| allowance.take(start)).count();
        assert_eq!(granted, 64);
        let second =
            (0..1000).filter(|milli| allowance.take(start + Duration::from_millis(*milli)));
        assert_eq!(second.count(), 199);
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_core_with_fewer_sessions() {
        let cores = crate::cores(Config::for_upstreams(Vec::new(), 10), 2, Vec::new());
        let (neighbours, _inboxes) = Neighbours::new(&cores);
        let goes_to = |here: &Core| neighbours.offer(here).map(|offer| offer.core().index());
        assert_eq!(goes_to(&cores[0]), None, "equals keep what they have");
        let _first = cores[0].admit();
        assert_eq!(goes_to(&cores[0]), Some(1));
        assert_eq!(goes_to(&cores[1]), None);
    }
}
