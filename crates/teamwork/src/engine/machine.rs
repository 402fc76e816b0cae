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

use std::sync::Arc;

use super::record::{Kind, Record, State};
use crate::{
    Cause, CauseKind, Outcome, Routine,
    name::Name,
    report::{SECONDARY_MAX, TaskOutcome},
};

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
}

impl From<u8> for Signal {
    fn from(level: u8) -> Self {
        match level {
            0 => Self::Run,
            1 => Self::Drain,
            2 => Self::Finish,
            _ => Self::Cut,
        }
    }
}

/// How a run (or an init that did not get that far) ended.
#[derive(Debug)]
pub(crate) enum Exit {
    Done,
    FinishJob,
    /// At a safe point, because the job finishes.
    Stopped,
    /// Dropped at an await point.
    Cut,
    Failed(Box<Fault>),
}

/// A failure, before it has a name.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) routine: Routine,
    pub(crate) kind: CauseKind,
}

/// What a task's driver says at its end.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) ticks: u64,
    /// Nanoseconds in init, run and finalize.
    pub(crate) nanos: [u64; 3],
}

/// A point in time that the driver is to announce with [`Machine::passed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// A drain has lasted long enough: finish.
    Drain,
    /// A finish has lasted long enough: cut.
    Grace,
    /// Runs that were cut should have ended: give up on those that did not.
    Cut,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
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

/// Whether a task that was added may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// At once, by [`Action::Start`].
    Now,
    /// In its turn.
    Later,
}

#[derive(Debug, Default)]
struct Rare {
    secondary: Vec<Cause>,
    secondary_dropped: u64,
    come_and_gone: u64,
    /// Parked tasks that were added while running, by start; they are finalized before the static ones.
    late_order: Vec<u32>,
}

/// What a report needs besides the cause.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    pub(crate) records: Vec<Record>,
    pub(crate) secondary: Vec<Cause>,
    pub(crate) secondary_dropped: u64,
    pub(crate) come_and_gone: u64,
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
    phase: Phase,
    signal: Signal,
    signal_shown: Signal,
    arm: Option<Deadline>,
    has_oneshot: bool,
    /// No task will be added any more.
    is_closed: bool,
    /// Finalizers no longer wait for each other.
    overtake: bool,
    /// The first slot whose [`Action::GiveUp`] has not been given.
    give_up: Option<u32>,
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
            phase: Phase::Waiting,
            signal: Signal::Run,
            signal_shown: Signal::Run,
            arm: None,
            has_oneshot: false,
            is_closed: false,
            overtake: false,
            give_up: None,
        }
    }

    /// Registers a task in a free slot.
    pub(crate) fn add(&mut self, slot: u32, name: Name, kind: Kind) -> Admission {
        let running = self.phase >= Phase::Running;
        let mut record = Record::new(name, kind, running);
        if running {
            self.seq += 1;
            record.seq = self.seq;
        } else {
            self.statics = slot + 1;
        }
        if self.phase >= Phase::Finalizing {
            record.state = State::Ended;
            record.outcome = TaskOutcome::NeverStarted;
        }
        let admission = if self.phase == Phase::Running && self.signal < Signal::Finish {
            record.state = State::Running;
            self.alive += 1;
            Admission::Now
        } else {
            Admission::Later
        };
        match self.records.get_mut(slot as usize) {
            Some(vacant) => {
                debug_assert_eq!(
                    vacant.state,
                    State::Vacant,
                    "a slot is given to one task at a time"
                );
                *vacant = record;
            }
            None => {
                debug_assert_eq!(
                    self.records.len(),
                    slot as usize,
                    "slots are given in order"
                );
                self.records.push(record);
            }
        }
        admission
    }

    /// The task in slot 0 is the oneshot.
    pub(crate) fn set_oneshot(&mut self) {
        self.has_oneshot = true;
    }

    /// The prerequisites are met.
    pub(crate) fn begin(&mut self) {
        if self.phase == Phase::Waiting {
            self.phase = if self.has_oneshot {
                Phase::Oneshot
            } else {
                Phase::Starting
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
            return;
        }
        record.state = State::Parked;
        if record.late {
            self.rare().late_order.push(slot);
        }
        self.exited(slot, exit);
    }

    /// A task's driver has ended, with or without having been parked before.
    pub(crate) fn ended(&mut self, slot: u32, ending: Ending) {
        let record = &mut self.records[slot as usize];
        match record.state {
            State::Finalizing => self.finalizing -= 1,
            State::Starting | State::Running | State::Parked => {}
            // It was given up as leaked before.
            _ => return,
        }
        let was_alive = record.is_alive();
        record.state = State::Ended;
        record.tally = ending.tally;
        if let (true, Some(exit)) = (was_alive, ending.exit) {
            self.exited(slot, exit);
        }
        match ending.finalizer {
            None => self.vacate(slot),
            Some(FinalizerFault::TimedOut(fault)) => {
                self.records[slot as usize].outcome = TaskOutcome::Leaked;
                self.fail(slot, fault);
            }
            Some(FinalizerFault::Failed(fault)) => {
                let record = &mut self.records[slot as usize];
                if matches!(record.outcome, TaskOutcome::Done | TaskOutcome::Cut) {
                    record.outcome = fault.outcome();
                }
                self.fail(slot, fault);
            }
        }
    }

    /// Somebody asks for an end, or for a higher rung of one.
    pub(crate) fn stop(&mut self, signal: Signal, cause: Option<Cause>) {
        if self.phase >= Phase::Finalizing || signal <= self.signal {
            return;
        }
        if let (Some(cause), None) = (cause, &self.cause) {
            self.cause = Some(Arc::new(cause));
        }
        self.raise(signal);
    }

    /// The job failed as a whole: a prerequisite, or its timeout.
    pub(crate) fn fail_job(&mut self, cause: Cause) {
        if self.phase < Phase::Finalizing {
            self.interrupted(cause);
        }
    }

    /// The time of a deadline is over.
    pub(crate) fn passed(&mut self, deadline: Deadline) {
        match (deadline, self.phase) {
            (Deadline::Drain, phase) if phase < Phase::Finalizing => self.raise_to(Signal::Finish),
            (Deadline::Grace, phase) if phase < Phase::Finalizing => self.raise_to(Signal::Cut),
            (Deadline::Cut, phase) if phase < Phase::Finalizing => self.leak(Record::can_be_stuck),
            (Deadline::Order, Phase::Finalizing) => {
                self.overtake = true;
                self.arm = Some(Deadline::Finalizers);
            }
            (Deadline::Finalizers, Phase::Finalizing) => {
                self.leak(|record| record.state == State::Finalizing);
            }
            _ => {}
        }
    }

    /// The next thing to do, or `None` until something happens.
    pub(crate) fn next(&mut self) -> Option<Action> {
        if self.signal_shown < self.signal {
            self.signal_shown = self.signal;
            return Some(Action::Signal(self.signal));
        }
        if let Some(action) = self.next_give_up() {
            return Some(action);
        }
        loop {
            if let Some(action) = match self.phase {
                Phase::Waiting if self.signal >= Signal::Finish => self.finalize_all(),
                Phase::Waiting | Phase::Ended => None,
                Phase::Oneshot => self.next_oneshot(),
                Phase::Starting => self.next_init(),
                Phase::Running => self.next_run(),
                Phase::Stopping if self.alive == 0 => self.finalize_all(),
                Phase::Stopping => None,
                Phase::Finalizing => self.next_finalizer(),
            } {
                return Some(action);
            }
            // The phases from Oneshot to Stopping change on the way; look again when they did.
            if !self.advance() {
                return self.arm.take().map(Action::Arm);
            }
        }
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    pub(crate) fn cause(&self) -> Option<&Arc<Cause>> {
        self.cause.as_ref()
    }

    /// Whether the oneshot is done and every init is through.
    pub(crate) fn is_started(&self) -> bool {
        self.phase >= Phase::Running
    }

    /// Whether tasks are let through the start gate.
    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Whether the driver in this slot is past its run.
    pub(crate) fn is_finalizing(&self, slot: u32) -> bool {
        self.records[slot as usize].state == State::Finalizing
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match &self.cause {
            None => Outcome::Done,
            Some(cause) if cause.is_cancelled() => Outcome::Cancelled,
            Some(_) => Outcome::Failed,
        }
    }

    #[cfg(test)]
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Takes out what the report needs.
    pub(crate) fn take_remains(&mut self) -> Remains {
        let rare = self.rare.take().map(|rare| *rare).unwrap_or_default();
        let Rare {
            secondary,
            secondary_dropped,
            come_and_gone,
            ..
        } = rare;
        Remains {
            records: std::mem::take(&mut self.records),
            secondary,
            secondary_dropped,
            come_and_gone,
        }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn exited(&mut self, slot: u32, exit: Exit) {
        self.alive -= 1;
        self.records[slot as usize].outcome = exit.outcome();
        match exit {
            Exit::Done if slot == 0 && self.phase == Phase::Oneshot => {
                self.phase = Phase::Starting;
                self.cursor = 1;
            }
            Exit::FinishJob => self.raise_to(Signal::Finish),
            Exit::Failed(fault) => self.fail(slot, *fault),
            Exit::Done | Exit::Stopped | Exit::Cut => {}
        }
    }

    /// Forgets a task that was added while running and ended well, or is a child that was cancelled on its own.
    fn vacate(&mut self, slot: u32) {
        let is_stopping = self.signal >= Signal::Finish;
        let record = &mut self.records[slot as usize];
        let is_well = match record.outcome {
            TaskOutcome::Done => true,
            TaskOutcome::Cut => !is_stopping,
            _ => false,
        };
        if record.late && is_well {
            record.state = State::Vacant;
            record.name = Name::Static("");
            self.rare().come_and_gone += 1;
        }
    }

    pub(crate) fn is_vacant(&self, slot: u32) -> bool {
        self.records[slot as usize].state == State::Vacant
    }

    fn fail(&mut self, slot: u32, fault: impl Into<Box<Fault>>) {
        let fault = *fault.into();
        let name = self.records[slot as usize].name.clone();
        self.interrupted(Cause {
            task: Some(name),
            routine: Some(fault.routine),
            kind: fault.kind,
        });
    }

    fn interrupted(&mut self, cause: Cause) {
        if self.cause.is_none() {
            self.cause = Some(Arc::new(cause));
        } else if self.rare().secondary.len() < SECONDARY_MAX {
            self.rare().secondary.push(cause);
        } else {
            self.rare().secondary_dropped += 1;
        }
        self.raise_to(Signal::Cut);
    }

    fn raise_to(&mut self, signal: Signal) {
        if signal > self.signal && self.phase < Phase::Finalizing {
            self.raise(signal);
        }
    }

    fn raise(&mut self, signal: Signal) {
        self.signal = signal;
        self.arm = Some(match signal {
            Signal::Run | Signal::Drain => Deadline::Drain,
            Signal::Finish => Deadline::Grace,
            Signal::Cut => Deadline::Cut,
        });
        if signal >= Signal::Finish && self.phase > Phase::Waiting {
            self.phase = Phase::Stopping;
        }
    }

    fn next_oneshot(&mut self) -> Option<Action> {
        let oneshot = &mut self.records[0];
        if oneshot.state != State::Added {
            return None;
        }
        oneshot.state = State::Running;
        self.alive += 1;
        Some(Action::Start(0))
    }

    fn next_init(&mut self) -> Option<Action> {
        let record = self.records.get_mut(self.cursor as usize)?;
        match record.state {
            State::Added => {
                record.state = State::Starting;
                self.alive += 1;
                Some(Action::Init(self.cursor))
            }
            State::Inited => {
                self.cursor += 1;
                self.next_init()
            }
            _ => None,
        }
    }

    fn next_run(&mut self) -> Option<Action> {
        while let Some(record) = self.records.get_mut(self.cursor as usize) {
            let slot = self.cursor;
            if slot >= self.statics {
                break;
            }
            self.cursor += 1;
            if record.state == State::Inited {
                record.state = State::Running;
                self.alive += 1;
                return Some(Action::Run(slot));
            }
        }
        (self.is_through() && !self.is_closed).then_some(Action::Close)
    }

    /// Whether every task that was let run has ended.
    fn is_through(&self) -> bool {
        self.alive == 0 && self.cursor >= self.statics
    }

    /// Goes on to the next phase if this one is through.
    fn advance(&mut self) -> bool {
        match self.phase {
            Phase::Starting if self.cursor as usize >= self.records.len() => {
                self.phase = Phase::Running;
                self.cursor = u32::from(self.has_oneshot);
                true
            }
            Phase::Running if self.is_through() && self.is_closed => {
                self.phase = Phase::Stopping;
                true
            }
            _ => false,
        }
    }

    fn finalize_all(&mut self) -> Option<Action> {
        self.phase = Phase::Finalizing;
        self.cursor = self.statics;
        for record in &mut self.records {
            if record.state == State::Added {
                record.state = State::Ended;
                record.outcome = TaskOutcome::NeverStarted;
            }
        }
        let records = &self.records;
        if let Some(rare) = &mut self.rare {
            rare.late_order
                .sort_unstable_by_key(|&slot| records[slot as usize].seq);
        }
        self.arm = Some(Deadline::Order);
        self.next_finalizer()
    }

    fn next_finalizer(&mut self) -> Option<Action> {
        if self.finalizing > 0 && !self.overtake {
            return None;
        }
        while let Some(slot) = self.rare.as_mut().and_then(|rare| rare.late_order.pop()) {
            if self.records[slot as usize].state == State::Parked {
                return Some(self.finalize(slot));
            }
        }
        while self.cursor > 0 {
            self.cursor -= 1;
            if matches!(
                self.records[self.cursor as usize].state,
                State::Parked | State::Inited
            ) {
                return Some(self.finalize(self.cursor));
            }
        }
        (self.finalizing == 0).then(|| {
            self.phase = Phase::Ended;
            self.arm = None;
            Action::End
        })
    }

    fn finalize(&mut self, slot: u32) -> Action {
        let record = &mut self.records[slot as usize];
        if record.state == State::Inited {
            // It was never let through the start gate.
            record.outcome = if self.signal == Signal::Cut {
                TaskOutcome::Cut
            } else {
                TaskOutcome::Done
            };
        }
        record.state = State::Finalizing;
        self.finalizing += 1;
        Action::Finalize(slot)
    }

    /// Gives up on the tasks that this is true of.
    fn leak(&mut self, is_stuck: impl Fn(&Record) -> bool) {
        for record in self.records.iter_mut().filter(|record| is_stuck(record)) {
            match record.state {
                State::Finalizing => self.finalizing -= 1,
                _ => self.alive -= 1,
            }
            record.state = State::Leaking;
            record.outcome = TaskOutcome::Leaked;
            self.give_up = Some(0);
        }
    }

    fn next_give_up(&mut self) -> Option<Action> {
        let from = self.give_up?;
        let leaking = |record: &Record| record.state == State::Leaking;
        let found = self
            .records
            .iter()
            .skip(from as usize)
            .position(leaking)
            .map(|offset| from + offset as u32);
        self.give_up = found;
        let slot = found?;
        self.records[slot as usize].state = State::Ended;
        Some(Action::GiveUp(slot))
    }
}

/// What a task's driver returns.
#[derive(Debug)]
pub(crate) struct Ending {
    /// How the run ended, unless that was told before by parking.
    pub(crate) exit: Option<Exit>,
    pub(crate) finalizer: Option<FinalizerFault>,
    pub(crate) tally: Tally,
}

/// How a finalizer went wrong.
#[derive(Debug)]
pub(crate) enum FinalizerFault {
    Failed(Box<Fault>),
    TimedOut(Box<Fault>),
}

impl Exit {
    fn outcome(&self) -> TaskOutcome {
        match self {
            Self::Done | Self::FinishJob | Self::Stopped => TaskOutcome::Done,
            Self::Cut => TaskOutcome::Cut,
            Self::Failed(fault) => fault.outcome(),
        }
    }
}

impl Fault {
    fn outcome(&self) -> TaskOutcome {
        match self.kind {
            CauseKind::Panic { .. } => TaskOutcome::Panicked,
            _ => TaskOutcome::Failed,
        }
    }
}

/// Makes room for three at first, the tasks of a connection, where a vector would make room for four.
pub(super) fn reserve_few<T>(list: &mut Vec<T>) {
    if list.capacity() == 0 {
        list.reserve_exact(3);
    }
}
