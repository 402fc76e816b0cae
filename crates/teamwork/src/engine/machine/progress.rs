//! How the machine goes on by itself, stage by stage.

use std::num::NonZero;

use super::{Action, Deadline, Haste, Machine, Record, Signal, Stage, State};
use crate::{Routine, engine::record::Entry, report::TaskOutcome};

impl Machine {
    pub(super) fn next_oneshot(&mut self) -> Option<Action> {
        let oneshot = &mut self.records[0];
        if oneshot.state != State::Added {
            return None;
        }
        oneshot.state = State::Running;
        self.alive += 1;
        Some(Action::Start(0))
    }

    pub(super) fn next_init(&mut self) -> Option<Action> {
        while let Some(record) = self.records.get_mut(self.cursor as usize) {
            match (record.state, record.entry) {
                (State::Added, Entry::Gate) => record.state = State::Inited,
                (State::Added, _) => {
                    record.state = State::Starting;
                    self.alive += 1;
                    return Some(Action::Init(self.cursor));
                }
                // One that is over, or has yet to be finalized, has failed, and was not needed.
                (State::Inited | State::Parked | State::Ended, _) => {}
                _ => return None,
            }
            self.cursor += 1;
        }
        None
    }

    pub(super) fn next_run(&mut self) -> Option<Action> {
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

    /// Goes on to the next stage if this one is through.
    pub(super) fn advance(&mut self) -> bool {
        match self.stage {
            Stage::Starting if self.cursor as usize >= self.records.len() => {
                self.stage = Stage::Running;
                self.cursor = u32::from(self.has_oneshot);
                true
            }
            Stage::Running if self.is_through() && self.is_closed => {
                self.stage = Stage::Stopping;
                true
            }
            _ => false,
        }
    }

    pub(super) fn finalize_all(&mut self) -> Option<Action> {
        self.stage = Stage::Finalizing;
        self.cursor = self.statics;
        for record in &mut self.records {
            if record.state == State::Added {
                record.state = State::Ended;
                record.outcome = TaskOutcome::NeverStarted;
            }
        }
        let records = &self.records;
        if let Some(rare) = &mut self.rare {
            // The next number is the oldest there can be.
            let next = self.seq.wrapping_add(1);
            rare.late_order
                .sort_unstable_by_key(|&slot| records[slot as usize].seq.wrapping_sub(next));
        }
        self.arm = Some(if self.haste == Haste::Abandoned {
            Deadline::Now
        } else {
            Deadline::Order
        });
        self.next_finalizer()
    }

    pub(super) fn next_finalizer(&mut self) -> Option<Action> {
        if self.finalizing > 0 && self.haste == Haste::None {
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
            self.stage = Stage::Ended;
            self.arm = None;
            Action::End
        })
    }

    pub(super) fn finalize(&mut self, slot: u32) -> Action {
        let record = &mut self.records[slot as usize];
        if record.state == State::Inited {
            // It was never let through the start gate.
            record.outcome = if self.signal >= Signal::Cut {
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
    pub(super) fn leak(&mut self, is_stuck: impl Fn(&Record) -> bool) {
        for record in self.records.iter_mut().filter(|record| is_stuck(record)) {
            match record.state {
                State::Finalizing => self.finalizing -= 1,
                _ => self.alive -= 1,
            }
            record.outcome = TaskOutcome::Leaked(match record.state {
                State::Starting => Routine::Init,
                State::Finalizing => Routine::Finalize,
                _ => Routine::Run,
            });
            record.state = State::Leaking;
            self.give_up = Some(NonZero::<u32>::MIN);
        }
    }

    /// There is nowhere to go on: names what is left behind.
    pub(crate) fn forsake(&mut self) {
        self.stage = Stage::Ended;
        for record in &mut self.records {
            record.outcome = match (record.state, record.outcome) {
                (State::Added, _) => TaskOutcome::NeverStarted,
                (State::Starting, _) => TaskOutcome::Leaked(Routine::Init),
                (State::Running, _) => TaskOutcome::Leaked(Routine::Run),
                // How it failed is more to know than that it was not finalized after that.
                (State::Parked, failed @ (TaskOutcome::Failed | TaskOutcome::Panicked)) => failed,
                (State::Inited | State::Parked | State::Finalizing, _) => {
                    TaskOutcome::Leaked(Routine::Finalize)
                }
                (State::Leaking | State::Ended | State::Vacant, outcome) => outcome,
            };
        }
    }

    pub(super) fn next_give_up(&mut self) -> Option<Action> {
        let from = self.give_up?.get() - 1;
        let leaking = |record: &Record| record.state == State::Leaking;
        let found = self
            .records
            .iter()
            .skip(from as usize)
            .position(leaking)
            .map(|offset| from + offset as u32);
        self.give_up = found.and_then(|slot| NonZero::new(slot + 1));
        let slot = found?;
        self.records[slot as usize].state = State::Ended;
        Some(Action::GiveUp(slot))
    }
}
