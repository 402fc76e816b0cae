//! What tasks do at random, and what their drivers then tell the machine.

use std::{borrow::Cow, time::Duration};

use super::{
    super::{
        machine::{After, Ending, Exit, Fault, Signal, Tally},
        record::Kind,
    },
    world::{At, World},
};
use crate::{CauseKind, Outcome, Report, Routine, TaskOutcome, name::Name};

impl World {
    pub(super) fn go_on(&mut self) {
        if !self.tasks.is_empty() {
            let id = self.rng.usize(..self.tasks.len());
            self.progress(id);
        }
    }

    /// A task gets a little further, if it is its own to do so.
    pub(super) fn progress(&mut self, id: usize) {
        match self.tasks[id].at {
            At::Init => self.end_init(id),
            At::Run => self.end_run(id),
            At::Alone | At::Finalizer => self.end_finalizer(id),
            At::Again => self.end_attempt(id),
            At::Pause => self.end_pause(id),
            At::GivenUp => self.come_late(id),
            At::Fresh | At::Gate | At::Parked | At::Over => {}
        }
    }

    fn end_init(&mut self, id: usize) {
        let is_new = self.tasks[id].late && self.tasks[id].attempts == 1;
        let has_no_gate = self.tasks[id].late || self.tasks[id].is_through_gate;
        match self.rng.u32(..10) {
            0..=4 if is_new && self.shown >= Signal::Finish => self.never_start(id),
            0 if !self.tasks[id].kind.is_job() => self.fail(id, Routine::Init),
            _ if self.shown >= Signal::Cut => self.exit(id, Exit::Cut),
            1..=5 if self.shown == Signal::Finish => self.exit(id, Exit::Stopped),
            _ if has_no_gate || self.is_oneshot(id) => self.tasks[id].at = At::Run,
            _ => {
                self.note(format!("t{id} is at the gate"));
                self.tasks[id].at = At::Gate;
                self.machine.inited(self.tasks[id].slot);
            }
        }
    }

    /// A late task whose driver is polled for the first time when the job stops already.
    fn never_start(&mut self, id: usize) {
        self.note(format!("t{id} is too late"));
        self.tasks[id].order = None;
        self.tasks[id].attempts = 0;
        self.tasks[id].outcome = TaskOutcome::NeverStarted;
        self.end(id, Some(Exit::NeverStarted), None);
    }

    fn end_run(&mut self, id: usize) {
        let is_job = self.tasks[id].kind.is_job();
        match self.rng.u32(..20) {
            0 => self.fail(id, Routine::Run),
            1 => self.exit(id, Exit::FinishJob),
            // A child job that was cancelled by its own handle; for a oneshot that is a failure.
            2 if is_job && !self.is_oneshot(id) => self.exit(id, Exit::Cut),
            3 if is_job => self.exit(id, Exit::Leaked(Box::new(Routine::Finalize))),
            _ if self.shown >= Signal::Cut => self.exit(id, Exit::Cut),
            3..=15 if self.shown == Signal::Finish => self.exit(id, Exit::Stopped),
            _ => self.exit(id, Exit::Done),
        }
    }

    pub(super) fn is_oneshot(&self, id: usize) -> bool {
        self.has_oneshot && id == 0
    }

    fn fault(&mut self, routine: Routine) -> (Box<Fault>, String) {
        let mark = self.mark();
        let kind = if self.rng.bool() {
            CauseKind::error(mark.clone().into())
        } else {
            CauseKind::Panic {
                message: mark.clone(),
                location: None,
            }
        };
        (Box::new(Fault { routine, kind }), mark)
    }

    fn fail(&mut self, id: usize, routine: Routine) {
        let (fault, mark) = self.fault(routine);
        self.note(format!("t{id} fails {mark}"));
        if self.tasks[id].restarts > 0 && self.shown < Signal::Finish {
            return self.start_over(id, (fault, mark));
        }
        self.tasks[id].outcome = outcome_of(&fault);
        let task = &self.tasks[id];
        // It fails alone, and is finalized at once; then it tells of both.
        if task.kind == Kind::OptionalTask && task.has_finalizer && self.shown < Signal::Finish {
            self.tasks[id].at = At::Alone;
            self.tasks[id].finalized += 1;
            self.tasks[id].fault = Some((fault, mark));
            return;
        }
        self.failed(id, mark);
        self.come_home(id, Exit::Failed(fault));
    }

    /// A failure that does not count yet; the machine hears nothing of it.
    fn start_over(&mut self, id: usize, failure: (Box<Fault>, String)) {
        let task = &mut self.tasks[id];
        task.restarts -= 1;
        task.finalized += u32::from(task.has_finalizer);
        task.at = if task.has_finalizer {
            At::Again
        } else {
            At::Pause
        };
        task.fault = task.has_finalizer.then_some(failure);
    }

    /// The finalizer of an attempt has ended; if it fails, there is no other one.
    fn end_attempt(&mut self, id: usize) {
        let failure = self.tasks[id].fault.take();
        let (attempt, mark) = failure.expect("an attempt is finalized because it failed");
        let (fault, later) = self.fault(Routine::Finalize);
        let outcome = outcome_of(&attempt);
        let (finalizer, outcome) = match self.rng.u32(..8) {
            0 => (After::Failed(fault), outcome),
            1 => {
                let outcome = TaskOutcome::Leaked(Routine::Finalize);
                (After::TimedOut(fault), outcome)
            }
            _ => return self.tasks[id].at = At::Pause,
        };
        self.note(format!("t{id} does not start over: {finalizer:?}"));
        self.tasks[id].outcome = outcome;
        self.failed(id, mark);
        self.failed(id, later);
        self.end(id, Some(Exit::Failed(attempt)), Some(finalizer));
    }

    /// The pause before another attempt is over, or a stop ends it.
    fn end_pause(&mut self, id: usize) {
        let (exit, outcome) = match self.shown {
            Signal::Run | Signal::Drain => return self.attempt(id),
            Signal::Finish => (Exit::Stopped, TaskOutcome::Done),
            Signal::Cut | Signal::Abandon => (Exit::Cut, TaskOutcome::Cut),
        };
        self.note(format!("t{id} ends in its pause"));
        self.tasks[id].outcome = outcome;
        self.end(id, Some(exit), None);
    }

    fn attempt(&mut self, id: usize) {
        self.note(format!("t{id} starts over"));
        let task = &mut self.tasks[id];
        task.attempts += 1;
        task.at = if task.kind.is_job() {
            At::Run
        } else {
            At::Init
        };
    }

    fn exit(&mut self, id: usize, exit: Exit) {
        self.note(format!("t{id} ends: {exit:?}"));
        self.tasks[id].outcome = match &exit {
            Exit::Cut => TaskOutcome::Cut,
            Exit::Leaked(routine) => TaskOutcome::Leaked(**routine),
            _ => TaskOutcome::Done,
        };
        if matches!(exit, Exit::FinishJob) {
            self.asked = self.asked.max(Signal::Finish);
        }
        let goes_on = matches!(exit, Exit::Done) && self.shown < Signal::Finish;
        if goes_on && self.tasks[id].has_finalizer && !self.is_oneshot(id) {
            self.tasks[id].at = At::Alone;
            self.tasks[id].finalized += 1;
        } else {
            self.come_home(id, exit);
        }
    }

    /// A driver whose run has ended parks if it has a finalizer (or, having a handle, a failure to tell), else it ends.
    fn come_home(&mut self, id: usize, exit: Exit) {
        let slot = self.tasks[id].slot;
        let tells =
            !self.tasks[id].kind.is_job() && matches!(exit, Exit::Failed(_)) && self.rng.bool();
        if self.tasks[id].has_finalizer || tells {
            self.tasks[id].at = At::Parked;
            self.machine.parked(slot, exit);
        } else {
            self.end(id, Some(exit), None);
        }
    }

    fn end_finalizer(&mut self, id: usize) {
        let alone = self.tasks[id].at == At::Alone;
        let (fault, mark) = self.fault(Routine::Finalize);
        let outcome = outcome_of(&fault);
        let (finalizer, outcome) = match self.rng.u32(..8) {
            0 => (Some(After::Failed(fault)), outcome),
            1 if alone => (
                Some(After::TimedOut(fault)),
                TaskOutcome::Leaked(Routine::Finalize),
            ),
            _ => (None, self.tasks[id].outcome),
        };
        self.note(format!("t{id} has finalized: {finalizer:?}"));
        let before = self.tasks[id].outcome;
        if matches!(outcome, TaskOutcome::Leaked(_))
            || matches!(before, TaskOutcome::Done | TaskOutcome::Cut)
        {
            self.tasks[id].outcome = outcome;
        }
        let exit = match self.tasks[id].fault.take() {
            Some((fault, mark)) => {
                self.failed(id, mark);
                Exit::Failed(fault)
            }
            None => Exit::Done,
        };
        if finalizer.is_some() {
            self.failed(id, mark);
        }
        self.end(id, alone.then_some(exit), finalizer);
    }

    /// A driver that was given up sends word after all.
    fn come_late(&mut self, id: usize) {
        self.note(format!("t{id} comes late"));
        let slot = self.tasks[id].slot;
        let (fault, _) = self.fault(Routine::Run);
        match self.rng.u32(..3) {
            0 => self.machine.parked(slot, Exit::Failed(fault)),
            1 => {
                let exit = Some(Exit::Failed(fault));
                self.machine.ended(slot, &mut ending(exit, None));
            }
            _ => {
                let finalizer = Some(After::Failed(fault));
                self.machine
                    .ended(slot, &mut ending(Some(Exit::Done), finalizer));
            }
        }
    }

    pub(super) fn end(&mut self, id: usize, exit: Option<Exit>, finalizer: Option<After>) {
        let task = &mut self.tasks[id];
        task.at = At::Over;
        let is_well = match task.outcome {
            TaskOutcome::Done => true,
            TaskOutcome::Cut => self.asked < Signal::Finish,
            TaskOutcome::Failed | TaskOutcome::Panicked => task.kind.is_optional(),
            _ => false,
        };
        let slot = task.slot;
        let tells = task.kind.is_job() && finalizer.is_none() && self.rng.bool();
        self.told += usize::from(tells);
        let after = if tells { Some(told(id)) } else { finalizer };
        self.machine.ended(slot, &mut ending(exit, after));
        let is_gone = self.tasks[id].late && is_well;
        assert_eq!(
            self.machine.is_vacant(slot),
            is_gone,
            "t{id}: a late task that ended well leaves nothing, every other one its record"
        );
        if is_gone {
            self.tasks[id].is_gone = true;
            self.gone += 1;
            self.free.push(slot);
        }
    }
}

fn outcome_of(fault: &Fault) -> TaskOutcome {
    match fault.kind {
        CauseKind::Panic { .. } => TaskOutcome::Panicked,
        _ => TaskOutcome::Failed,
    }
}

/// A child has more to tell than how it ended.
fn told(id: usize) -> After {
    After::Job(Box::new(Report {
        name: Name::from(Cow::Owned(format!("t{id}"))),
        outcome: Outcome::Done,
        cause: None,
        records: Vec::new(),
        more: None,
        elapsed: Duration::ZERO,
    }))
}

fn ending(exit: Option<Exit>, after: Option<After>) -> Ending {
    Ending {
        exit,
        after,
        tally: Tally::default(),
    }
}
