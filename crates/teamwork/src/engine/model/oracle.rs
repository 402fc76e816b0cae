//! The rules, as questions to a [`World`].

use super::{
    super::{
        machine::{Action, Deadline, Remains, Signal},
        record::State,
    },
    world::{At, Sim, Stage, World},
};
use crate::{
    Outcome, Routine, TaskOutcome,
    report::{JOBS_MAX, More, SECONDARY_MAX},
};

impl Sim {
    fn is_alive(&self) -> bool {
        matches!(
            self.at,
            At::Init | At::Run | At::Alone | At::Again | At::Pause
        )
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is_alive() || self.at == At::Finalizer
    }

    /// Whether it failed on the way, and the job goes on without it.
    fn has_failed_alone(&self) -> bool {
        self.kind.is_optional() && matches!(self.at, At::Parked | At::Over)
    }

    /// Whether it is finalized because its init has failed.
    fn is_after_init(&self) -> bool {
        let fault = self.fault.as_ref();
        fault.is_some_and(|(fault, _)| fault.routine == Routine::Init)
    }

    fn has_started(&self) -> bool {
        self.order.is_some()
    }
}

impl World {
    pub(super) fn is_any_job_alive(&self) -> bool {
        self.is_any(|task| task.kind.is_job() && task.is_alive())
    }

    fn is_any(&self, what: impl Fn(&Sim) -> bool) -> bool {
        self.tasks.iter().any(what)
    }

    /// Whether the job is past its start and not yet stopping.
    pub(super) fn is_running(&self) -> bool {
        let is_starting = |task: &Sim| {
            let is_before_gate = matches!(task.at, At::Fresh | At::Init | At::Again | At::Pause);
            !task.late && !task.is_through_gate && (is_before_gate || task.is_after_init())
        };
        let is_oneshot_alive = self
            .tasks
            .first()
            .is_some_and(|task| self.has_oneshot && task.is_alive());
        self.stage >= Stage::Begun
            && self.asked < Signal::Finish
            && !self.is_finalizing()
            && !is_oneshot_alive
            && !self.is_any(is_starting)
    }

    /// Whether the machine may say this now. The numbers are those of the invariants in `machine.rs`.
    pub(super) fn check(&self, action: Action) {
        assert!(self.stage < Stage::Ended, "6: nothing after the end");
        match action {
            Action::Signal(signal) => self.check_signal(signal),
            Action::Arm(deadline) => self.check_arm(deadline),
            Action::Start(slot) => {
                assert!(self.has_oneshot && self.stage >= Stage::Begun && slot == 0);
                assert!(!self.is_any(Sim::has_started), "the oneshot is the first");
            }
            Action::Init(slot) => self.check_init(self.holder(slot)),
            Action::Run(slot) => self.check_run(self.holder(slot)),
            Action::Finalize(slot) => self.check_finalize(self.holder(slot)),
            Action::GiveUp(slot) => self.check_give_up(self.holder(slot)),
            Action::Close => {
                assert!(self.is_running() && !self.is_any(Sim::is_alive));
                assert!(!self.is_any(|task| matches!(task.at, At::Gate)));
            }
            Action::End => {
                assert!(!self.is_any(Sim::is_alive), "15: nothing is left");
                assert!(
                    !self.is_any(|task| matches!(task.at, At::Finalizer | At::Parked | At::Gate))
                );
            }
        }
    }

    fn check_signal(&self, signal: Signal) {
        assert!(signal > self.shown, "5: the signal only rises");
        assert_eq!(
            signal, self.asked,
            "the signal is the highest that was asked for"
        );
        assert!(!self.is_finalizing(), "finalizers are not disturbed");
        self.check_cause();
    }

    /// 3: the cause is the first interruption, at any time.
    fn check_cause(&self) {
        let cause = self.machine.cause().map(ToString::to_string);
        let mark = self.cause.as_ref().map(|(mark, _)| format!(" {mark}"));
        let is_it = match (&cause, &mark) {
            (Some(cause), Some(mark)) => format!(" {cause}").ends_with(mark.as_str()),
            (cause, mark) => cause.is_none() && mark.is_none(),
        };
        assert!(is_it, "3: the cause is {cause:?}, not {mark:?}");
    }

    fn check_arm(&self, deadline: Deadline) {
        let expected = match (self.is_finalizing(), self.shown) {
            _ if self.is_abandoned && (self.is_finalizing() || !self.is_over(Deadline::Now)) => {
                Deadline::Now
            }
            (true, _) if self.is_over(Deadline::Order) => Deadline::Finalizers,
            (true, _) => Deadline::Order,
            (false, Signal::Run | Signal::Drain) => Deadline::Drain,
            (false, Signal::Finish) => Deadline::Grace,
            (false, Signal::Cut) => Deadline::Cut,
            (false, Signal::Abandon) => Deadline::Abandon,
        };
        assert_eq!(deadline, expected, "every rung has its deadline");
    }

    fn check_init(&self, id: usize) {
        assert!(
            self.stage >= Stage::Begun,
            "not before the prerequisites are met"
        );
        assert!(
            self.asked < Signal::Finish,
            "nothing starts in a stopping job"
        );
        let task = &self.tasks[id];
        assert!(task.at == At::Fresh && !task.late && !self.is_oneshot(id));
        assert!(task.has_init, "t{id} has none");
        assert!(self.is_next(id), "others come before t{id}");
    }

    /// Whether a task may start now, if it has not yet.
    pub(super) fn is_next(&self, id: usize) -> bool {
        let mut before = self.tasks[..id].iter().enumerate();
        self.stage == Stage::Begun
            && self.asked < Signal::Finish
            && before.all(|(other, before)| {
                if self.is_oneshot(other) {
                    matches!(before.at, At::Parked | At::Over)
                        && matches!(before.outcome, TaskOutcome::Done | TaskOutcome::Leaked(_))
                } else {
                    before.at == At::Gate || before.has_failed_alone()
                }
            })
    }

    fn check_run(&self, id: usize) {
        assert!(
            self.asked < Signal::Finish,
            "nothing starts in a stopping job"
        );
        assert_eq!(self.tasks[id].at, At::Gate);
        assert!(
            !self.is_any(|task| task.at == At::Fresh && !task.late),
            "all inits come before any run"
        );
    }

    fn check_finalize(&self, id: usize) {
        let task = &self.tasks[id];
        assert!(
            matches!(task.at, At::Parked | At::Gate),
            "1: t{id} is {:?}",
            task.at
        );
        let before = if task.has_finalizer {
            task.attempts - 1
        } else {
            0
        };
        assert_eq!(task.finalized, before, "1: once for each attempt");
        assert!(!self.is_any(Sim::is_alive), "2: every run has ended");
        if let Some(last) = self.last_finalized {
            assert!(
                task.order < Some(last),
                "4: t{id} started before its predecessor"
            );
        }
        let is_under_way = self.is_any(|task| task.at == At::Finalizer);
        assert!(
            self.is_over(Deadline::Order) || self.is_abandoned || !is_under_way,
            "4: one at a time"
        );
    }

    fn check_give_up(&self, id: usize) {
        let task = &self.tasks[id];
        if task.at == At::Finalizer {
            assert!(
                self.is_over(Deadline::Finalizers) || self.is_over(Deadline::Now),
                "finalizers have their time"
            );
        } else {
            let is_due = if task.kind.is_job() {
                self.is_over(Deadline::Abandon)
            } else {
                self.is_over(Deadline::Cut) || self.is_over(Deadline::Now)
            };
            assert!(task.is_alive() && is_due, "t{id} is {:?}", task.at);
        }
    }

    /// What holds whenever the machine says nothing: that nobody waits for it in vain, and that it sees what we see.
    pub(super) fn check_rest(&self) {
        self.check_cause();
        assert_eq!(self.machine.signal(), self.asked);
        assert_eq!(self.shown, self.asked, "every task sees the signal");
        for task in &self.tasks {
            self.check_state(task);
        }
        if self.stage == Stage::Ended || self.stage == Stage::Waiting && self.asked < Signal::Finish
        {
            return;
        }
        assert!(self.is_any(Sim::is_busy), "6: the machine waits for nobody");
        let is_at_gate = self.is_any(|task| task.at == At::Gate);
        assert!(
            !self.is_running() || !is_at_gate,
            "once all inits are through, all run"
        );
        let is_parked = self.is_any(|task| matches!(task.at, At::Parked | At::Gate));
        assert!(
            !self.is_over(Deadline::Order) && !self.is_abandoned
                || !self.is_finalizing()
                || !is_parked,
            "half of the time over, all finalizers run"
        );
        assert!(
            self.armed.is_some() || self.asked < Signal::Drain,
            "every stop has a deadline"
        );
    }

    fn check_state(&self, task: &Sim) {
        let state = self.machine.records()[task.slot as usize].state;
        let expected: &[State] = match task.at {
            _ if task.is_gone => return,
            At::Fresh => &[State::Added, State::Ended],
            At::Init => &[State::Starting, State::Running],
            At::Gate => &[State::Inited],
            At::Run => &[State::Running],
            At::Alone | At::Again | At::Pause => &[State::Running, State::Starting],
            At::Parked => &[State::Parked],
            At::Finalizer => &[State::Finalizing],
            At::GivenUp | At::Over => &[State::Ended],
        };
        assert!(expected.contains(&state), "{task:?} is {state:?}");
    }

    /// 6: the job has ended by now.
    pub(super) fn check_end(&self) {
        assert!(self.stage == Stage::Ended, "6: the job never ends");
    }

    /// What the report will say.
    pub(super) fn check_result(&mut self) {
        let outcome = match &self.cause {
            None => Outcome::Done,
            Some((_, true)) => Outcome::Cancelled,
            Some((_, false)) => Outcome::Failed,
        };
        assert_eq!(self.machine.outcome(), outcome);
        let Remains { records, more } = self.machine.take_remains();
        let More {
            secondary,
            secondary_dropped,
            jobs,
            come_and_gone,
        } = more.map(|more| *more).unwrap_or_default();
        assert_eq!(
            secondary.len() as u64 + secondary_dropped,
            self.later,
            "no failure is lost"
        );
        assert!(secondary.len() <= SECONDARY_MAX);
        assert_eq!(come_and_gone, self.gone, "who has come and gone");
        assert_eq!(jobs.len(), self.told.min(JOBS_MAX), "what children tell");
        let listed = jobs
            .iter()
            .filter_map(|(place, job)| Some((*place)?).zip(Some(job)));
        for (place, job) in listed {
            assert_eq!(records[place as usize].name.to_string(), job.name());
        }
        for (id, task) in self.tasks.iter().enumerate() {
            let owed = if task.has_finalizer { task.attempts } else { 0 };
            let leaked = matches!(task.outcome, TaskOutcome::Leaked(_));
            assert!(
                task.finalized == owed || leaked && task.finalized <= owed,
                "1: t{id}"
            );
            let is_new = task.outcome == TaskOutcome::NeverStarted;
            assert_eq!(is_new, !task.has_started(), "t{id} never started, or did");
            if !task.is_gone {
                let record = &records[task.slot as usize];
                assert_eq!(record.outcome, task.outcome, "t{id}");
                assert_eq!(&*record.name, format!("t{id}"));
            }
        }
        let listed = records.iter().filter(|record| record.is_listed()).count();
        let stays = self.tasks.iter().filter(|task| !task.is_gone).count();
        assert_eq!(listed, stays, "the others are listed");
    }
}
