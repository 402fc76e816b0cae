//! What the machine and its drivers say to each other.

use super::nanos::Nanos;
use crate::{CauseKind, Report, Routine, report::TaskOutcome};

/// What every task of a job can see of a stop. The order is the ladder of rule 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Signal {
    Run = 0,
    /// No new tasks; running ones end by themselves.
    Drain = 1,
    /// Complete the `run` call under way; do not call again.
    Finish = 2,
    /// Drop the `run` future.
    Cut = 3,
    /// Nobody waits any longer: a child job gives up on whatever it has left, and ends. To a task it is a cut.
    Abandon = 4,
}

impl From<u8> for Signal {
    fn from(level: u8) -> Self {
        match level {
            0 => Self::Run,
            1 => Self::Drain,
            2 => Self::Finish,
            3 => Self::Cut,
            _ => Self::Abandon,
        }
    }
}

/// How a run (or an init that did not get that far) ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The job was stopping before its init: neither that nor its finalizer was called.
    NeverStarted,
    Done,
    FinishJob,
    /// At a safe point, because the job finishes.
    Stopped,
    /// Dropped at an await point.
    Cut,
    Failed(Box<Fault>),
    /// A child job that had to give up on something of its own, which was in this routine. Boxed, so that an exit is two whole words: it is
    /// moved about a lot, and the odd bytes of a smaller payload are slow to move.
    Leaked(Box<Routine>),
}

impl Exit {
    pub(in crate::engine) fn outcome(&self) -> TaskOutcome {
        match self {
            Self::NeverStarted => TaskOutcome::NeverStarted,
            Self::Done | Self::FinishJob | Self::Stopped => TaskOutcome::Done,
            Self::Cut => TaskOutcome::Cut,
            Self::Failed(fault) => fault.outcome(),
            Self::Leaked(routine) => TaskOutcome::Leaked(**routine),
        }
    }
}

/// An [`Exit`] that is no failure: one byte.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plain {
    NeverStarted,
    Done,
    FinishJob,
    Stopped,
    Cut,
    Leaked(Routine),
}

impl Exit {
    /// `None` for a failure.
    pub(super) fn plain(self) -> Option<Plain> {
        Some(match self {
            Self::NeverStarted => Plain::NeverStarted,
            Self::Done => Plain::Done,
            Self::FinishJob => Plain::FinishJob,
            Self::Stopped => Plain::Stopped,
            Self::Cut => Plain::Cut,
            Self::Leaked(routine) => Plain::Leaked(*routine),
            Self::Failed(_) => return None,
        })
    }
}

impl From<Plain> for Exit {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::NeverStarted => Self::NeverStarted,
            Plain::Done => Self::Done,
            Plain::FinishJob => Self::FinishJob,
            Plain::Stopped => Self::Stopped,
            Plain::Cut => Self::Cut,
            Plain::Leaked(routine) => Self::Leaked(Box::new(routine)),
        }
    }
}

/// A failure, before it has a name.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) routine: Routine,
    pub(crate) kind: CauseKind,
}

impl Fault {
    pub(super) fn outcome(&self) -> TaskOutcome {
        match self.kind {
            CauseKind::Panic { .. } => TaskOutcome::Panicked,
            _ => TaskOutcome::Failed,
        }
    }
}

/// What a task's driver says at its end.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) ticks: u64,
    /// The times in init, run and finalize.
    pub(crate) nanos: [Nanos; 3],
}

/// A point in time that the driver is to announce with [`Machine::passed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// A drain has lasted long enough: finish.
    Drain,
    /// A finish has lasted long enough: cut.
    Grace,
    /// Runs that were cut should have ended: give up on those that did not, and have child jobs do the same.
    Cut,
    /// Child jobs that were told to give up should have ended: give up on those that did not.
    Abandon,
    /// At once, when everything has been polled: give up on what is left, because the parent does not wait any longer.
    Now,
    /// Half of the finalizers' time: no longer wait for the one under way before starting the next.
    Order,
    /// All of the finalizers' time: give up on those still under way.
    Finalizers,
}

/// What the driver is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Show this signal to every task.
    Signal(Signal),
    /// Call [`Machine::passed`] when the time of this deadline is over; it replaces the one armed before.
    Arm(Deadline),
    /// Poll the task's driver through its init, up to the start gate.
    Init(u32),
    /// Let the task's driver through the start gate.
    Run(u32),
    /// Poll a task without a start gate: a oneshot, or one that was added while the job runs.
    Start(u32),
    /// Poll the parked driver through its finalizer.
    Finalize(u32),
    /// Drop the driver: its time is over.
    GiveUp(u32),
    /// Nothing is left to do: accept no more tasks and call [`Machine::closed`]; or hand over what was accepted before.
    Close,
    /// The job has ended.
    End,
}

/// Whether a task that was added may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// At once, by [`Action::Start`].
    Now,
    /// In its turn.
    Later,
}

/// What a task's driver returns.
#[derive(Debug)]
pub(crate) struct Ending {
    /// How the run ended, unless that was told before by parking.
    pub(crate) exit: Option<Exit>,
    pub(crate) after: Option<After>,
    pub(crate) tally: Tally,
}

/// What there is to say after the exit.
#[derive(Debug)]
pub(crate) enum After {
    /// The finalizer has failed.
    Failed(Box<Fault>),
    /// The finalizer did not end in its time.
    TimedOut(Box<Fault>),
    /// The task was a job in which something went wrong.
    Job(Box<Report>),
}
