//! What the machine knows of one task.

use std::time::Duration;

use super::machine::Tally;
use crate::{TaskReport, name::Name, report::TaskOutcome};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Registered; its init has not been started.
    Added,
    /// In init.
    Starting,
    /// At the start gate.
    Inited,
    /// In run, or finalizing by itself after it.
    Running,
    /// Past its run, waiting for its turn to finalize.
    Parked,
    /// In its finalizer, at the machine's word.
    Finalizing,
    /// Given up; the driver has not been told to drop it.
    Leaking,
    /// Over.
    Ended,
    /// Forgotten; the slot can be given to another task.
    Vacant,
}

/// What kind of thing a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    /// A job keeps its own deadlines, and gives up on what it has left when it is told to; it is given up itself only if it does not.
    Job,
    /// A task whose failure is only reported.
    OptionalTask,
    /// A job whose failure is only reported.
    IsolatedJob,
}

impl Kind {
    pub(crate) fn is_job(self) -> bool {
        matches!(self, Self::Job | Self::IsolatedJob)
    }

    /// Whether its failure is only reported.
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Self::OptionalTask | Self::IsolatedJob)
    }
}

/// How a task comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Before the job runs, by its init.
    Init,
    /// Before the job runs, straight to the start gate: it has no init.
    Gate,
    /// While the job is running.
    Late,
}

const _: () = assert!(
    size_of::<Record>() == 48,
    "there may be a hundred thousand of them"
);

/// One task's entry: live state while the job runs, its report afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) name: Name,
    pub(crate) tally: Tally,
    /// Start order among the tasks that were added while running; after the highest number comes 0.
    pub(crate) seq: u32,
    pub(crate) state: State,
    pub(crate) outcome: TaskOutcome,
    pub(crate) kind: Kind,
    pub(crate) entry: Entry,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            name: Name::Static(""),
            tally: Tally::default(),
            seq: 0,
            state: State::Added,
            outcome: TaskOutcome::Done,
            kind: Kind::Task,
            entry: Entry::Init,
        }
    }

    /// In init or run (or in the finalizer that follows a run which ended by itself).
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state, State::Starting | State::Running)
    }

    /// Alive, and nothing that could end by being told to.
    pub(crate) fn can_be_stuck(&self) -> bool {
        self.is_alive() && !self.kind.is_job()
    }

    pub(crate) fn is_late(&self) -> bool {
        self.entry == Entry::Late
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.state != State::Vacant
    }

    pub(crate) fn report(&self, index: usize) -> TaskReport<'_> {
        let [init, run, finalize] = self.tally.nanos.map(Duration::from);
        TaskReport {
            name: &self.name,
            index,
            outcome: self.outcome,
            ticks: self.tally.ticks,
            init,
            run,
            finalize,
            job: None,
        }
    }
}
