//! The rules of a job as a pure state machine: events in, actions out; no clock, no tokio, no futures.
//!
//! The driver tells it what happened ([`Machine::inited`], [`parked`](Machine::parked), [`ended`](Machine::ended),
//! [`stop`](Machine::stop), [`passed`](Machine::passed)) and then does what [`Machine::next`] says until that is `None`.
//!
//! Invariants, which `model.rs` checks on random scripts:
//!
//! 1. A task is finalized exactly once if its init was started and it is not leaked, and never otherwise.
//! 2. While the job stops, no finalizer starts before every run has ended (or is given up as leaked).
//! 3. The cause is the first interruption; it is set before the signal that it gives rise to.
//! 4. Finalizers start in reverse order of start.
//! 5. The signal only ever rises.
//! 6. Whatever happens, enough passed deadlines end the job; after [`Action::End`] there is no action.

mod progress;
mod seen;
mod stops;

use std::{num::NonZero, sync::Arc};

pub(crate) use self::seen::{Row, Seen};
pub(crate) use super::vocabulary::{
    Action, Admission, After, Deadline, Ending, Exit, Fault, Plain, Signal, Tally,
};
use super::{
    panics,
    record::{Entry, Kind, Record, State},
};
use crate::{
    Cause, Routine,
    name::Name,
    report::{More, TaskOutcome},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// For the prerequisites.
    Waiting,
    Oneshot,
    Starting,
    Running,
    /// Until no run is alive.
    Stopping,
    Finalizing,
    Ended,
}

/// How the end of a stop presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Haste {
    None,
    /// Finalizers no longer wait for each other.
    Overtake,
    /// Nor does the parent wait for any of them.
    Abandoned,
}

#[derive(Debug, Default)]
struct Rare {
    /// For the report.
    more: More,
    /// Parked tasks that were added while running, by start; they are finalized before the static ones.
    late_order: Vec<u32>,
}

/// What a report needs besides the cause.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    pub(crate) records: Vec<Record>,
    pub(crate) more: Option<Box<More>>,
}

/// The state of one job. See the module's documentation.
#[derive(Debug)]
pub(crate) struct Machine {
    records: Vec<Record>,
    cause: Option<Arc<Cause>>,
    /// What only some jobs have.
    rare: Option<Box<Rare>>,
    /// The next task to init or run; counts down over the static tasks while finalizing.
    cursor: u32,
    /// Tasks in init or run, and those that finalize themselves.
    alive: u32,
    /// Tasks under [`Action::Finalize`].
    finalizing: u32,
    /// Slots below this were added before the job ran.
    statics: u32,
    /// The number given to the next task that starts while running.
    seq: u32,
    stage: Stage,
    signal: Signal,
    signal_shown: Signal,
    arm: Option<Deadline>,
    has_oneshot: bool,
    /// No task will be added any more.
    is_closed: bool,
    haste: Haste,
    /// One more than the first slot whose [`Action::GiveUp`] has not been given.
    give_up: Option<NonZero<u32>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            records: Vec::new(),
            cause: None,
            rare: None,
            cursor: 0,
            alive: 0,
            finalizing: 0,
            statics: 0,
            seq: 0,
            stage: Stage::Waiting,
            signal: Signal::Run,
            signal_shown: Signal::Run,
            arm: None,
            has_oneshot: false,
            is_closed: false,
            haste: Haste::None,
            give_up: None,
        }
    }

    /// Registers a task in a free slot.
    pub(crate) fn add(&mut self, slot: u32, name: Name, kind: Kind) -> Admission {
        let running = self.stage >= Stage::Running;
        if self.records.len() == slot as usize {
            make_room(&mut self.records);
            self.records.resize_with(slot as usize + 1, Record::new);
        } else {
            let vacant = &mut self.records[slot as usize];
            debug_assert_eq!(
                vacant.state,
                State::Vacant,
                "a slot is given to one task at a time"
            );
            *vacant = Record::new();
        }
        // Set where it lies: what is put together elsewhere, piece by piece, is slow to copy.
        let record = &mut self.records[slot as usize];
        record.name = name;
        record.kind = kind;
        if running {
            record.entry = Entry::Late;
            // A server may have billions of connections, one after the other.
            self.seq = self.seq.wrapping_add(1);
            record.seq = self.seq;
        } else {
            self.statics = slot + 1;
        }
        if self.stage >= Stage::Finalizing {
            record.state = State::Ended;
            record.outcome = TaskOutcome::NeverStarted;
        }
        if self.stage == Stage::Running && self.signal < Signal::Finish {
            record.state = State::Running;
            self.alive += 1;
            Admission::Now
        } else {
            Admission::Later
        }
    }

    /// The task that was added last, before the job runs, has no init: in its turn it stands at the start gate by itself.
    pub(crate) fn spare_init(&mut self) {
        if let Some(record) = self.records.last_mut() {
            record.entry = Entry::Gate;
        }
    }

    /// The task in slot 0 is the oneshot.
    pub(crate) fn set_oneshot(&mut self) {
        self.has_oneshot = true;
    }

    /// Makes room for so many tasks.
    pub(crate) fn reserve(&mut self, tasks: usize) {
        self.records.reserve_exact(tasks);
    }

    /// The prerequisites are met.
    pub(crate) fn begin(&mut self) {
        if self.stage == Stage::Waiting {
            self.stage = if self.has_oneshot {
                Stage::Oneshot
            } else {
                Stage::Starting
            };
        }
    }

    /// No task will be added any more, as [`Action::Close`] asked.
    pub(crate) fn closed(&mut self) {
        self.is_closed = true;
    }

    /// A task has passed its init and stands at the start gate.
    pub(crate) fn inited(&mut self, slot: u32) {
        let record = &mut self.records[slot as usize];
        if record.state == State::Starting {
            record.state = State::Inited;
            self.alive -= 1;
        }
    }

    /// A run has ended; its driver waits to be told to finalize.
    pub(crate) fn parked(&mut self, slot: u32, exit: Exit) {
        let record = &mut self.records[slot as usize];
        if record.state == State::Finalizing {
            // It stood at the start gate when the job stopped: there is nothing to tell but how it ended.
            record.outcome = exit.outcome();
            return;
        }
        if !record.is_alive() {
            return panics::discard(exit);
        }
        record.state = State::Parked;
        if record.is_late() {
            self.rare().late_order.push(slot);
        }
        self.exited(slot, exit);
    }

    /// A task's driver has ended, with or without having been parked before. Takes what there is to keep out of its ending, which is
    /// not moved: it has just been written piece by piece, and a copy would wait for all of them.
    ///
    /// Gives what became of the task: it may be forgotten by then.
    pub(crate) fn ended(&mut self, slot: u32, ending: &mut Ending) -> TaskOutcome {
        let record = &mut self.records[slot as usize];
        match record.state {
            State::Finalizing => self.finalizing -= 1,
            State::Starting | State::Running | State::Parked => {}
            // It was given up as leaked before.
            _ => {
                panics::discard((ending.exit.take(), ending.after.take()));
                return record.outcome;
            }
        }
        let was_alive = record.is_alive();
        record.state = State::Ended;
        record.tally = ending.tally;
        if was_alive && let Some(exit) = ending.exit.take() {
            self.exited(slot, exit);
        }
        let mut job = None;
        match ending.after.take() {
            None => {}
            Some(After::Job(report)) => job = Some(report),
            Some(After::TimedOut(fault)) => {
                self.records[slot as usize].outcome = TaskOutcome::Leaked(Routine::Finalize);
                self.fail(slot, fault);
            }
            Some(After::Failed(fault)) => {
                let record = &mut self.records[slot as usize];
                if matches!(record.outcome, TaskOutcome::Done | TaskOutcome::Cut) {
                    record.outcome = fault.outcome();
                }
                self.fail(slot, fault);
            }
        }
        let outcome = self.outcome_of(slot);
        self.vacate(slot);
        if let Some(report) = job {
            self.keep_job(slot, report);
        }
        outcome
    }

    /// A task that was given up was in another routine than the machine could know: the init of a late task, or a finalizer that follows
    /// a run by itself.
    pub(crate) fn leaked_in(&mut self, slot: u32, routine: Routine) {
        self.records[slot as usize].outcome = TaskOutcome::Leaked(routine);
    }

    /// The next thing to do, or `None` until something happens.
    pub(crate) fn next(&mut self) -> Option<Action> {
        // First, so that nobody who is given up gets another word in.
        if let Some(action) = self.next_give_up() {
            return Some(action);
        }
        if self.has_signal() {
            self.signal_shown = self.signal;
            return Some(Action::Signal(self.signal));
        }
        loop {
            if let Some(action) = match self.stage {
                Stage::Waiting if self.signal >= Signal::Finish => self.finalize_all(),
                Stage::Waiting | Stage::Ended => None,
                Stage::Oneshot => self.next_oneshot(),
                Stage::Starting => self.next_init(),
                Stage::Running => self.next_run(),
                Stage::Stopping if self.alive == 0 => self.finalize_all(),
                Stage::Stopping => None,
                Stage::Finalizing => self.next_finalizer(),
            } {
                return Some(action);
            }
            // The stages from Oneshot to Stopping change on the way; look again when they did.
            if !self.advance() {
                return self.arm.take().map(Action::Arm);
            }
        }
    }

    /// Takes out what the report needs.
    pub(crate) fn take_remains(&mut self) -> Remains {
        Remains {
            records: std::mem::take(&mut self.records),
            more: self.rare.take().map(|rare| Box::new(rare.more)),
        }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn exited(&mut self, slot: u32, exit: Exit) {
        self.alive -= 1;
        self.records[slot as usize].outcome = exit.outcome();
        match exit {
            Exit::Done | Exit::Leaked(_) if slot == 0 && self.stage == Stage::Oneshot => {
                self.stage = Stage::Starting;
                self.cursor = 1;
            }
            Exit::FinishJob => self.raise_to(Signal::Finish),
            Exit::Failed(fault) => self.fail(slot, *fault),
            Exit::NeverStarted | Exit::Done | Exit::Stopped | Exit::Cut | Exit::Leaked(_) => {}
        }
    }

    /// Forgets a task that was added while running and ended well, or was not needed, or is a child that was cancelled on its own.
    fn vacate(&mut self, slot: u32) {
        let is_stopping = self.signal >= Signal::Finish;
        let record = &mut self.records[slot as usize];
        let is_well = match record.outcome {
            TaskOutcome::Done => true,
            TaskOutcome::Cut => !is_stopping,
            TaskOutcome::Failed | TaskOutcome::Panicked => record.kind.is_optional(),
            _ => false,
        };
        if record.is_late() && is_well {
            record.state = State::Vacant;
            record.name = Name::Static("");
            self.rare().more.come_and_gone += 1;
        }
    }

    /// Whether every task that was let run has ended.
    fn is_through(&self) -> bool {
        self.alive == 0 && self.cursor >= self.statics
    }
}

/// Makes room for one more: for one at first and for two then, what most of the many jobs of a server have, where a vector would make room
/// for four; for four times as many once there are many, because what is never touched costs nothing, and each move of a long list costs all
/// of it.
pub(super) fn make_room<T>(list: &mut Vec<T>) {
    const MANY: usize = 1024;
    match list.capacity() {
        full @ (0 | 1) if full == list.len() => list.reserve_exact(1),
        full if full == list.len() && full >= MANY => list.reserve_exact(3 * full),
        _ => {}
    }
}
