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
use tracing::warn;

use crate::core::Core;
use crate::session::{Arrival, Session};
use crate::stats::Stats;
use crate::tasks::session_job;

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
    inboxes: Box<[mpsc::Sender<Arrival>]>,
    allowances: Box<[Mutex<Allowance>]>,
    start: Barrier,
}

impl Neighbours {
    /// Makes the inboxes of so many cores.
    pub(crate) fn new(cores: usize) -> (Arc<Self>, Vec<Inbox>) {
        let (inboxes, receivers): (Vec<_>, _) =
            (0..cores).map(|_| mpsc::channel(INBOX_MAX)).unzip();
        let allowances = (0..cores).map(|_| Mutex::default()).collect();
        let neighbours = Self {
            inboxes: inboxes.into(),
            allowances,
            start: Barrier::new(cores),
        };
        (Arc::new(neighbours), receivers)
    }

    pub(crate) fn count(&self) -> usize {
        self.inboxes.len()
    }

    /// Waits until all cores are there.
    ///
    /// # Cancel safety
    ///
    /// A core that no longer waits still counts as there.
    pub(crate) async fn meet(&self) {
        self.start.wait().await;
    }

    /// Returns the core that is to take a connection which came in on `here`.
    pub(crate) fn choose(&self, here: usize, stats: &Stats) -> usize {
        if self.count() == 1 {
            return here;
        }
        let there = (here + Rng::new().usize(1..self.count())) % self.count();
        if stats.live_on(there) >= stats.live_on(here) {
            return here;
        }
        // Only the core itself takes this lock, once for each connection.
        let mut allowance = self.allowances[here]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if allowance.take(Instant::now()) {
            there
        } else {
            here
        }
    }

    /// Hands a connection over; given back when the core takes no more.
    #[expect(
        clippy::result_large_err,
        reason = "what is given back goes on as it came"
    )]
    pub(crate) fn hand_over(
        &self,
        core: usize,
        arrival: Arrival,
    ) -> std::result::Result<(), Arrival> {
        let Ok(place) = self.inboxes[core].try_reserve() else {
            return Err(arrival);
        };
        match arrival.unwatched() {
            Ok(arrival) => place.send(arrival),
            Err(error) => warn!(%error, "a connection was lost on the way to another thread"),
        }
        Ok(())
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
    core: Arc<Core>,
}

impl Adopt {
    pub(crate) fn new(inbox: Inbox, core: Arc<Core>) -> Self {
        Self { inbox, core }
    }
}

impl Task<()> for Adopt {
    type Output = ();

    async fn run(&mut self, cx: &Context<()>) -> Result<Flow> {
        let Some(Some(arrival)) = cx.unless_draining(self.inbox.recv()).await else {
            return Ok(Flow::Done(()));
        };
        let session = session_job(arrival, &self.core);
        match cx.job().add_job(session) {
            Ok(()) => Ok(Flow::Tick),
            // The balancer is about to stop. The refused session says so in the log when it is dropped.
            Err(_refused) => Ok(Flow::Done(())),
        }
    }

    /// Has those that came too late leave their line in the log, too.
    async fn finalize(&mut self, _cx: &Context<()>) -> Result {
        self.inbox.close();
        while let Some(arrival) = self.inbox.recv().await {
            drop(Session::new(arrival, &self.core));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (neighbours, _inboxes) = Neighbours::new(2);
        let stats = Arc::new(Stats::new(Vec::new(), 2));
        assert_eq!(
            neighbours.choose(0, &stats),
            0,
            "equals keep what they have"
        );
        let _first = stats.admit(0, 10);
        assert_eq!(neighbours.choose(0, &stats), 1);
        assert_eq!(neighbours.choose(1, &stats), 1);
    }
}
