//! Where handles and runs elsewhere leave messages for the supervisor.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError},
    task::Waker,
};

use tokio::{
    sync::{Notify, broadcast, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::look::Looks;
use crate::{
    Cause, Event, Report, Routine,
    engine::{
        clock::Stamp,
        machine::{Ending, Exit, Plain, Seen, Signal, Tally},
        pile::Pile,
        record::Kind,
        step::Driver,
        sync::{AtomicBool, AtomicU32, AtomicUsize, AtomicWaker, Mutex, MutexGuard},
    },
    name::Name,
};

/// A message to the supervisor. Small, because a hundred thousand of them can lie on a desk: what is rare is boxed.
pub(in crate::engine) enum Mail {
    Add {
        slot: u32,
        name: Name,
        driver: Driver,
        kind: Kind,
    },
    Stop {
        signal: Signal,
        cause: Option<Box<Cause>>,
    },
    /// A run has ended on its runtime task; the driver comes home.
    Parked {
        slot: u32,
        exit: Exit,
        driver: Driver,
    },
    /// A driver has ended on its runtime task, and nothing went wrong.
    Over {
        slot: u32,
        exit: Option<Plain>,
        tally: Tally,
    },
    /// A driver has ended on its runtime task, and something went wrong.
    Ended { slot: u32, ending: Box<Ending> },
    /// Somebody wants to know how the tasks are.
    Look(oneshot::Sender<Seen>),
}

impl Mail {
    /// Word of the end of a driver on its runtime task.
    pub(in crate::engine) fn ended(slot: u32, ending: Ending) -> Self {
        match ending {
            Ending {
                exit: Some(Exit::Failed(_)),
                ..
            }
            | Ending { after: Some(_), .. } => Self::Ended {
                slot,
                ending: Box::new(ending),
            },
            Ending { exit, tally, .. } => Self::Over {
                slot,
                exit: exit.and_then(Exit::plain),
                tally,
            },
        }
    }

    /// Whether the supervisor has something to decide because of it.
    pub(super) fn is_urgent(&self) -> bool {
        match self {
            Self::Add { .. } | Self::Stop { .. } | Self::Look(_) | Self::Ended { .. } => true,
            Self::Parked { exit, .. } => matches!(exit, Exit::Failed(_) | Exit::FinishJob),
            Self::Over { exit, .. } => matches!(exit, Some(Plain::FinishJob)),
        }
    }

    pub(super) fn slot(&self) -> Option<u32> {
        match self {
            Self::Add { slot, .. }
            | Self::Parked { slot, .. }
            | Self::Over { slot, .. }
            | Self::Ended { slot, .. } => Some(*slot),
            Self::Stop { .. } | Self::Look(_) => None,
        }
    }
}

/// What handles and runs elsewhere need.
pub(in crate::engine) struct Annex {
    pub(super) desk: Mutex<Desk>,
    pub(super) supervisor: AtomicWaker,
    pub(in crate::engine) report: OnceLock<Arc<Report>>,
    pub(in crate::engine) ended: Notify,
    pub(in crate::engine) started: Notify,
    pub(in crate::engine) is_started: AtomicBool,
    pub(super) room: Notify,
    /// When a job that was cut has to have ended, because its parent does not wait for longer.
    pub(super) ends_by: OnceLock<Instant>,
    /// When child jobs have to have ended, once this job is cut.
    pub(super) children_end_by: OnceLock<Instant>,
    /// When the start gate was opened.
    pub(super) opened_at: OnceLock<Stamp>,
    /// When the cut was shown.
    pub(super) cut_at: OnceLock<Stamp>,
    /// Called when a task has said how it is.
    pub(super) answered: Notify,
    /// Made when somebody wants one; cancelled when the job is to end.
    pub(super) token: OnceLock<CancellationToken>,
    /// Made when somebody listens.
    pub(super) listeners: OnceLock<broadcast::Sender<Event>>,
    /// Handles whose last drop cancels the job.
    pub(super) owners: AtomicUsize,
    /// How many drivers have left for runtime tasks; those that have come home are counted at the desk. Written by the supervisor only.
    pub(super) shipped: AtomicU32,
    /// Tasks that have not ended, and how many there may be; counted only if there may not be any number of them.
    pub(super) live: AtomicU32,
    pub(super) live_max: AtomicU32,
}

/// Where messages are left.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) closed: bool,
    pub(super) mail: Pile<Mail>,
    /// How many drivers have come home from runtime tasks.
    pub(super) home: u32,
    /// Slots that a new task may take.
    pub(super) free: Vec<u32>,
    /// Slots given to tasks that were added while running.
    pub(super) late: u32,
    /// Runs on runtime tasks that wait for something, by slot.
    pub(super) parked: Vec<Option<Waker>>,
    /// Made when somebody looks.
    pub(super) looks: Option<Box<Looks>>,
    /// What is known of some tasks, by slot.
    pub(super) known: BTreeMap<u32, Known>,
}

/// What others may need of a task.
#[derive(Default)]
pub(super) struct Known {
    /// Ends the pause of an idle task.
    pub(super) bell: Arc<Notify>,
    /// The routine it is in, if that is another one than the machine knows of.
    pub(super) routine: Option<Routine>,
}

impl Desk {
    pub(super) fn looks(&mut self) -> &mut Looks {
        self.looks.get_or_insert_default()
    }
}

impl Annex {
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that could panic happens under this lock, but a poisoned desk must not take the job down either.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody wants to hear of everything when it happens.
    pub(super) fn has_listener(&self) -> bool {
        let listeners = self.listeners.get();
        listeners.is_some_and(|listeners| listeners.receiver_count() > 0)
    }
}

#[cfg(all(test, not(teamwork_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::core::Core;

    #[test]
    fn stops_of_a_job_that_is_over_do_not_pile_up() {
        let core = Core::new(Name::Static("over"), Duration::ZERO);
        core.watch();
        core.stop(Signal::Drain, None);
        assert!(!core.desk().mail.is_empty());
        drop(core.close());
        core.stop(Signal::Cut, None);
        assert!(core.desk().mail.is_empty());
    }
}
