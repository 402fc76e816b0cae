//! What the sessions of one core share, and the job that makes them.

use std::sync::Arc;

use teamwork::{Context, Job};

use crate::accept::Accept;
use crate::bind::Door;
use crate::config::Config;
use crate::connect::LocalPorts;
use crate::handover::{Adopt, Inbox, Neighbours};
use crate::pipes::Pipes;
use crate::stats::Stats;
use crate::watch::{Roll, Watch};

/// One core of the balancer: a thread of its own, if there are several.
#[derive(Debug)]
pub(crate) struct Core {
    index: usize,
    config: Arc<Config>,
    stats: Arc<Stats>,
    pipes: Pipes,
    roll: Roll,
    local_ports: LocalPorts,
}

impl Core {
    pub(crate) fn new(
        index: usize,
        config: Arc<Config>,
        stats: Arc<Stats>,
        pipes: Pipes,
    ) -> Arc<Self> {
        Arc::new(Self {
            index,
            config,
            stats,
            pipes,
            roll: Roll::default(),
            local_ports: LocalPorts::of_this_system(),
        })
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    pub(crate) fn pipes(&self) -> &Pipes {
        &self.pipes
    }

    pub(crate) fn roll(&self) -> &Roll {
        &self.roll
    }

    pub(crate) fn local_ports(&self) -> &LocalPorts {
        &self.local_ports
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
        job.add_task("adopt", Adopt::new(inbox, Arc::clone(core)));
    }
    job.add_task("watch", Watch::new(Arc::clone(core)));
    for door in doors {
        let name = format!("listen {}", door.address());
        let neighbours = Arc::clone(neighbours);
        job.add_task(name, Accept::new(door, Arc::clone(core), neighbours));
    }
    job
}
