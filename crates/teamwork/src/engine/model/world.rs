//! A driver without futures that does at random what real ones can do.

use std::{borrow::Cow, mem};

use fastrand::Rng;

use super::super::{
    machine::{Action, Admission, Deadline, Exit, Fault, Machine, Signal},
    record::Kind,
};
use crate::{By, Cause, CauseKind, Routine, TaskOutcome, name::Name};

/// Where a task is, as its driver knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Registered.
    Fresh,
    Init,
    Gate,
    Run,
    /// In the finalizer that follows a run which ended by itself.
    Alone,
    /// In the finalizer of an attempt that failed, with another to follow.
    Again,
    /// Between two attempts.
    Pause,
    Parked,
    Finalizer,
    GivenUp,
    Over,
}

/// A task of the script. `order` is its place among all that were started.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five facts that do not depend on each other"
)]
pub(super) struct Sim {
    pub(super) slot: u32,
    pub(super) at: At,
    pub(super) kind: Kind,
    pub(super) late: bool,
    pub(super) has_init: bool,
    pub(super) has_finalizer: bool,
    pub(super) order: Option<u32>,
    /// How often it may still start over after a failure.
    pub(super) restarts: u32,
    /// How often its init was started.
    pub(super) attempts: u32,
    pub(super) finalized: u32,
    /// It was let through the start gate.
    pub(super) is_through_gate: bool,
    /// The failure of an optional task, or of an attempt that is not the last, while it is finalized.
    pub(super) fault: Option<(Box<Fault>, String)>,
    pub(super) outcome: TaskOutcome,
    pub(super) is_gone: bool,
}

/// How far the job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Waiting,
    Begun,
    Finalizing,
    Ended,
}

/// So many deadlines can follow each other at most.
const DEADLINES: usize = 7;

/// A machine, its simulated driver, and what both should be like by the rules.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) tasks: Vec<Sim>,
    pub(super) shown: Signal,
    /// The highest signal that anything so far calls for.
    pub(super) asked: Signal,
    pub(super) armed: Option<Deadline>,
    /// The mark of the first interruption, and how it should be judged.
    pub(super) cause: Option<(String, bool)>,
    pub(super) later: u64,
    pub(super) has_oneshot: bool,
    pub(super) stage: Stage,
    /// The deadlines that have passed.
    passed: Vec<Deadline>,
    /// The parent does not wait any longer.
    pub(super) is_abandoned: bool,
    pub(super) last_finalized: Option<u32>,
    pub(super) started: u32,
    pub(super) gone: u64,
    /// How many child jobs have told of something that went wrong in them.
    pub(super) told: usize,
    pub(super) free: Vec<u32>,
    marks: u32,
    seed: u64,
    pub(super) rng: Rng,
    script: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut world = Self {
            machine: Machine::new(),
            tasks: Vec::new(),
            shown: Signal::Run,
            asked: Signal::Run,
            armed: None,
            cause: None,
            later: 0,
            has_oneshot: false,
            stage: Stage::Waiting,
            passed: Vec::new(),
            is_abandoned: false,
            last_finalized: None,
            started: 0,
            gone: 0,
            told: 0,
            free: Vec::new(),
            marks: 0,
            seed,
            rng: Rng::with_seed(seed),
            script: Vec::new(),
        };
        // Old enough to have given all numbers there are to tasks that came and went.
        let age = world.rng.u32(..8);
        world.machine.set_seq(0_u32.wrapping_sub(age));
        let tasks = world.rng.u32(..6);
        world.has_oneshot = tasks > 0 && world.rng.bool();
        for _ in 0..tasks {
            world.add();
        }
        if world.has_oneshot {
            world.note("t0 is the oneshot");
            world.machine.set_oneshot();
        }
        world
    }

    pub(super) fn length(&mut self) -> u32 {
        self.rng.u32(..60)
    }

    /// Something happens, and the machine gets its way until it says nothing more.
    pub(super) fn step(&mut self) {
        match self.rng.u32(..40) {
            0..=2 => self.add(),
            3..=7 => self.begin(),
            8 => self.stop(Signal::Drain),
            9 => self.stop(Signal::Finish),
            10 if self.rng.u32(..4) == 0 => self.stop(Signal::Abandon),
            10 => self.stop(Signal::Cut),
            11 => self.fail_job(),
            12..=13 => self.pass(),
            _ => self.go_on(),
        }
        self.obey();
    }

    /// Ends the job: by its tasks alone, or by a stop and deadlines alone, or as it comes.
    pub(super) fn wind_down(&mut self) {
        self.begin();
        self.obey();
        match self.rng.u32(..5) {
            0 => self.end_all(),
            1 => self.stop(Signal::Drain),
            2 => self.stop(Signal::Finish),
            3 => self.stop(Signal::Cut),
            _ => self.stop(Signal::Abandon),
        }
        self.obey();
        self.note("wind down: nothing moves but the clock");
        for _ in 0..DEADLINES {
            self.pass();
            self.obey();
        }
        self.check_end();
        for _ in 0..10 {
            self.step();
        }
        self.check_result();
    }

    /// Lets tasks go on until none of them can.
    fn end_all(&mut self) {
        while let Some(id) = self.tasks.iter().position(Sim::is_busy) {
            self.progress(id);
            self.obey();
        }
    }

    pub(super) fn is_over(&self, deadline: Deadline) -> bool {
        self.passed.contains(&deadline)
    }

    pub(super) fn is_finalizing(&self) -> bool {
        self.stage >= Stage::Finalizing
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.script.push(what.into());
    }

    /// A mark by which a cause is known again.
    pub(super) fn mark(&mut self) -> String {
        self.marks += 1;
        format!("#{}", self.marks)
    }

    fn add(&mut self) {
        let slot = self.free.pop().unwrap_or_else(|| self.slots());
        let id = self.tasks.len();
        let kind = match self.rng.u32(..10) {
            0 => Kind::Job,
            1 if !self.is_oneshot(id) => Kind::IsolatedJob,
            2..=3 if !self.is_oneshot(id) => Kind::OptionalTask,
            _ => Kind::Task,
        };
        let late = self.machine.is_started();
        let name = Name::from(Cow::Owned(format!("t{id}")));
        let accepted = self.is_running();
        let has_finalizer = !kind.is_job() && self.rng.u32(..4) > 0;
        let admission = self.machine.add(slot, name, kind);
        let is_early = self.stage == Stage::Waiting && !self.is_oneshot(id);
        let has_init = has_finalizer || !is_early || self.rng.bool();
        if !has_init {
            self.note(format!("t{id} has no init"));
            self.machine.spare_init();
        }
        self.note(format!("add t{id} in {slot} {kind:?}: {admission:?}"));
        assert_eq!(
            admission == Admission::Now,
            accepted,
            "a late task starts at once if the job runs"
        );
        self.tasks.push(Sim {
            slot,
            at: At::Fresh,
            kind,
            late,
            has_init,
            has_finalizer,
            order: None,
            restarts: self.rng.u32(..8).saturating_sub(4),
            attempts: 0,
            finalized: 0,
            is_through_gate: false,
            fault: None,
            outcome: TaskOutcome::NeverStarted,
            is_gone: false,
        });
        if admission == Admission::Now {
            self.start(id);
        }
    }

    fn slots(&self) -> u32 {
        let next = self.tasks.iter().map(|task| task.slot + 1).max();
        next.unwrap_or(0)
    }

    pub(super) fn start(&mut self, id: usize) {
        self.started += 1;
        self.tasks[id].order = Some(self.started);
        self.tasks[id].attempts = 1;
        self.tasks[id].at = At::Init;
    }

    fn begin(&mut self) {
        if self.stage == Stage::Waiting {
            self.note("begin");
            self.stage = Stage::Begun;
            self.machine.begin();
        }
    }

    fn stop(&mut self, signal: Signal) {
        let mark = self.mark();
        self.note(format!("stop {signal:?} {mark}"));
        let is_cut = signal >= Signal::Cut;
        let cause = is_cut.then(|| Cause::of_job(CauseKind::cancelled(By::Caller, mark.clone())));
        self.machine.stop(signal, cause);
        if signal > self.asked && !self.is_finalizing() {
            self.asked = signal;
            if is_cut && self.cause.is_none() {
                self.cause = Some((mark, true));
            }
        }
        self.is_abandoned |= signal == Signal::Abandon && self.stage < Stage::Ended;
    }

    fn fail_job(&mut self) {
        let mark = self.mark();
        self.note(format!("the job fails {mark}"));
        let cause = Cause::of_job(CauseKind::error(mark.clone().into()));
        self.machine.fail_job(cause);
        if !self.is_finalizing() {
            self.interrupted(mark);
        }
    }

    /// The time of the armed deadline is over.
    fn pass(&mut self) {
        let Some(deadline) = self.armed.take() else {
            return;
        };
        self.note(format!("{deadline:?} is over"));
        match deadline {
            Deadline::Drain => self.asked = self.asked.max(Signal::Finish),
            Deadline::Grace => self.asked = Signal::Cut,
            Deadline::Cut if self.is_any_job_alive() => self.asked = Signal::Abandon,
            Deadline::Cut
            | Deadline::Abandon
            | Deadline::Now
            | Deadline::Order
            | Deadline::Finalizers => {}
        }
        self.passed.push(deadline);
        self.machine.passed(deadline);
    }

    /// A task fails.
    pub(super) fn failed(&mut self, id: usize, mark: String) {
        if self.tasks[id].kind.is_optional() {
            self.later += 1;
        } else {
            self.interrupted(mark);
        }
    }

    fn interrupted(&mut self, mark: String) {
        if self.cause.is_none() {
            self.cause = Some((mark, false));
        } else {
            self.later += 1;
        }
        if !self.is_finalizing() {
            self.asked = self.asked.max(Signal::Cut);
        }
    }

    /// Does what the machine says. As with inline tasks, what is told to go on may get further before the next word.
    fn obey(&mut self) {
        let most = 10 * (self.tasks.len() + 4);
        for count in 0.. {
            let action = self.machine.next();
            if !matches!(action, Some(Action::Signal(_) | Action::GiveUp(_))) {
                self.pass_inits();
            }
            let Some(action) = action else { break };
            assert!(count < most, "the machine never rests");
            self.note(format!("  → {action:?}"));
            self.check(action);
            self.apply(action);
            // Those to be given up are all chosen before the first word of it.
            if !matches!(action, Action::GiveUp(_)) && self.rng.u32(..4) == 0 {
                self.go_on();
            }
        }
        self.check_rest();
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Signal(signal) => self.shown = signal,
            Action::Arm(deadline) => self.armed = Some(deadline),
            Action::Init(slot) | Action::Start(slot) => {
                let id = self.holder(slot);
                self.start(id);
                if self.rng.bool() {
                    self.progress(id);
                }
            }
            Action::Run(slot) => {
                let id = self.holder(slot);
                self.tasks[id].at = At::Run;
                self.tasks[id].is_through_gate = true;
                if self.rng.bool() {
                    self.progress(id);
                }
            }
            Action::Finalize(slot) => self.finalize(self.holder(slot)),
            Action::GiveUp(slot) => {
                let id = self.holder(slot);
                let before = mem::replace(&mut self.tasks[id].at, At::GivenUp);
                self.tasks[id].outcome = TaskOutcome::Leaked(self.routine(id, before));
            }
            Action::Close => self.close(),
            Action::End => {
                self.stage = Stage::Ended;
                self.armed = None;
            }
        }
    }

    /// Where a task is left behind. Those that start without the machine's word, and finalize without it, tell it of that.
    fn routine(&mut self, id: usize, at: At) -> Routine {
        let task = &self.tasks[id];
        let is_at_start = !task.late && !task.is_through_gate && !self.is_oneshot(id);
        let routine = match at {
            At::Init => Routine::Init,
            At::Alone | At::Again | At::Finalizer => Routine::Finalize,
            // It is over as soon as a stop is seen, so that nobody asks what it belongs to.
            At::Pause if is_at_start => Routine::Init,
            _ => Routine::Run,
        };
        if matches!(at, At::Init | At::Alone | At::Again) {
            self.machine.leaked_in(self.tasks[id].slot, routine);
        }
        routine
    }

    /// Those without an init stand at the gate when their turn has come.
    fn pass_inits(&mut self) {
        for id in 0..self.tasks.len() {
            let task = &self.tasks[id];
            if task.at == At::Fresh && !task.has_init && self.is_next(id) {
                self.start(id);
                self.tasks[id].at = At::Gate;
            }
        }
    }

    /// Nothing more is accepted, unless a task came in before; in a closed job none does.
    fn close(&mut self) {
        if self.rng.u32(..4) == 0 {
            self.add();
        } else {
            self.note("closed");
            self.machine.closed();
        }
    }

    fn finalize(&mut self, id: usize) {
        self.stage = Stage::Finalizing;
        self.last_finalized = self.tasks[id].order;
        let has_finalizer = self.tasks[id].has_finalizer;
        let mut told = None;
        if mem::replace(&mut self.tasks[id].at, At::Finalizer) == At::Gate {
            let (exit, outcome) = match self.shown {
                Signal::Cut | Signal::Abandon => (Exit::Cut, TaskOutcome::Cut),
                _ => (Exit::Stopped, TaskOutcome::Done),
            };
            self.tasks[id].outcome = outcome;
            if has_finalizer {
                self.machine.parked(self.tasks[id].slot, exit);
            } else {
                told = Some(exit);
            }
        }
        if has_finalizer {
            self.tasks[id].finalized += 1;
            if self.rng.bool() {
                self.progress(id);
            }
        } else {
            self.end(id, told, None);
        }
    }

    /// The task that has the slot now.
    pub(super) fn holder(&self, slot: u32) -> usize {
        let holds = |task: &Sim| task.slot == slot && !task.is_gone;
        let found = self.tasks.iter().rposition(holds);
        found.expect("the machine names slots that were given")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let script = self.script.join("\n");
            eprintln!("{script}\nthe script above has TEAMWORK_SEED={}", self.seed);
        }
    }
}
