//! What the sessions of one core share, and the job that makes them.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use teamwork::{Context, Job};

use crate::accept::Accept;
use crate::bind::Door;
use crate::config::Config;
use crate::connect::LocalPorts;
use crate::handover::{Adopt, Inbox, Neighbours};
use crate::pipes::{Budget, Pipes};
use crate::progress::Clock;
use crate::reactor::{Reactor, Sockets};
use crate::stats::Stats;
use crate::watch::{Roll, Watch};

/// One core of the balancer: a thread of its own, if there are several.
#[derive(Debug)]
pub(crate) struct Core {
    index: usize,
    common: Common,
    pipes: Pipes,
    roll: Roll,
    reactor: OnceLock<Reactor>,
    local_ports: LocalPorts,
    clock: Clock,
}

/// What the cores share.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) config: Arc<Config>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) pipes: Arc<Budget>,
    /// The addresses that are listened on, by number.
    pub(crate) listeners: Arc<[SocketAddr]>,
}

impl Core {
    pub(crate) fn new(index: usize, common: Common) -> Arc<Self> {
        Arc::new(Self {
            index,
            pipes: Pipes::new(common.config.splice, Arc::clone(&common.pipes)),
            common,
            roll: Roll::default(),
            reactor: OnceLock::new(),
            local_ports: LocalPorts::of_this_system(),
            clock: Clock::start(),
        })
    }

    /// Takes a place for a session, if there are fewer than allowed.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Place> {
        let admitted = self.stats().admit(self.index, self.config().sessions_max);
        admitted.then(|| Place(Arc::clone(self)))
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn config(&self) -> &Config {
        &self.common.config
    }

    pub(crate) fn stats(&self) -> &Arc<Stats> {
        &self.common.stats
    }

    pub(crate) fn pipes(&self) -> &Pipes {
        &self.pipes
    }

    /// Returns the address of a listener.
    pub(crate) fn listener(&self, number: u16) -> SocketAddr {
        self.common.listeners[usize::from(number)]
    }

    pub(crate) fn roll(&self) -> &Roll {
        &self.roll
    }

    /// Gives it what watches its sockets.
    pub(crate) fn set_reactor(&self, reactor: Reactor) {
        assert!(
            self.reactor.set(reactor).is_ok(),
            "a core is started only once"
        );
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        self.reactor
            .get()
            .expect("every task has been initialised before one of them runs")
    }

    pub(crate) fn local_ports(&self) -> &LocalPorts {
        &self.local_ports
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// A session's place on a core, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Core>);

impl Place {
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.stats().leave(self.0.index);
    }
}

/// Makes the job of a core: it accepts at `doors`, adopts what its neighbours hand over to its inbox, and has a child for
/// each session.
///
/// Nobody accepts before all are there: a thread that starts needs files of its own, and connections could take the last.
pub(crate) fn core_job(
    core: &Arc<Core>,
    doors: Vec<Door>,
    inbox: Inbox,
    neighbours: &Arc<Neighbours>,
) -> Job<()> {
    let mut job = Job::new(format!("core {}", core.index()));
    if neighbours.count() > 1 {
        job = job.on_own_thread();
    }
    let all = Arc::clone(neighbours);
    let mut job = job.add_oneshot_fn("meet", async move |cx: &Context| {
        cx.wait(all.meet()).await;
        Ok(())
    });
    if neighbours.count() > 1 {
        job.add_task("adopt", Adopt::new(inbox));
    }
    job.add_task("sockets", Sockets::new(Arc::clone(core)));
    job.add_task("watch", Watch::new(Arc::clone(core)));
    for door in doors {
        let name = format!("listen {}", door.address());
        let neighbours = Arc::clone(neighbours);
        job.add_task(name, Accept::new(door, Arc::clone(core), neighbours));
    }
    job
}
