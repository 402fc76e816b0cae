//! How a job comes to its end before its tasks do: requests, failures and deadlines.

use std::sync::Arc;

use super::{Deadline, Fault, Haste, Machine, Record, Signal, Stage, State};
use crate::{
    Cause, Report,
    engine::panics,
    report::{JOBS_MAX, SECONDARY_MAX},
};

impl Machine {
    /// Somebody asks for an end, or for a higher rung of one.
    pub(crate) fn stop(&mut self, signal: Signal, cause: Option<Cause>) {
        if self.stage < Stage::Finalizing && signal > self.signal {
            if let (Some(cause), None) = (cause, &self.cause) {
                self.cause = Some(Arc::new(cause));
            }
            self.raise(signal);
        }
        if signal == Signal::Abandon && self.haste < Haste::Abandoned && self.stage < Stage::Ended {
            self.haste = Haste::Abandoned;
            self.arm = Some(Deadline::Now);
        }
    }

    /// The job failed as a whole: a prerequisite, or its timeout.
    pub(crate) fn fail_job(&mut self, cause: Cause) {
        if self.stage < Stage::Finalizing {
            self.interrupted(cause);
        } else {
            panics::discard(cause);
        }
    }

    /// The time of a deadline is over.
    pub(crate) fn passed(&mut self, deadline: Deadline) {
        match (deadline, self.stage) {
            (Deadline::Drain, stage) if stage < Stage::Finalizing => self.raise_to(Signal::Finish),
            (Deadline::Grace, stage) if stage < Stage::Finalizing => self.raise_to(Signal::Cut),
            (Deadline::Cut, stage) if stage < Stage::Finalizing => {
                self.leak(Record::can_be_stuck);
                if self.alive > 0 {
                    self.raise_to(Signal::Abandon);
                }
            }
            (Deadline::Now, stage) if stage < Stage::Finalizing => {
                self.leak(Record::can_be_stuck);
                self.arm = Some(Deadline::Abandon);
            }
            (Deadline::Abandon, stage) if stage < Stage::Finalizing => self.leak(Record::is_alive),
            (Deadline::Order, Stage::Finalizing) => {
                self.haste = Haste::Overtake;
                self.arm = Some(Deadline::Finalizers);
            }
            (Deadline::Finalizers | Deadline::Now, Stage::Finalizing) => {
                self.leak(|record| record.state == State::Finalizing);
            }
            _ => {}
        }
    }

    pub(super) fn fail(&mut self, slot: u32, fault: impl Into<Box<Fault>>) {
        let fault = *fault.into();
        let record = &self.records[slot as usize];
        let cause = Cause {
            task: Some(record.name.clone()),
            routine: Some(fault.routine),
            kind: fault.kind,
        };
        if record.kind.is_optional() {
            self.keep(cause);
        } else {
            self.interrupted(cause);
        }
    }

    pub(super) fn interrupted(&mut self, cause: Cause) {
        if self.cause.is_none() {
            self.cause = Some(Arc::new(cause));
        } else {
            self.keep(cause);
        }
        self.raise_to(Signal::Cut);
    }

    /// Keeps a failure that decides nothing.
    fn keep(&mut self, cause: Cause) {
        if self.rare().more.secondary.len() < SECONDARY_MAX {
            self.rare().more.secondary.push(cause);
        } else {
            self.rare().more.secondary_dropped += 1;
            panics::discard(cause);
        }
    }

    /// Keeps what became of a child job in which something went wrong. One that is not listed any more has no place.
    pub(super) fn keep_job(&mut self, slot: u32, report: Box<Report>) {
        let place = (!self.is_vacant(slot)).then_some(slot);
        if self.rare().more.jobs.len() < JOBS_MAX {
            self.rare().more.jobs.push((place, report));
        } else {
            panics::discard(report);
        }
    }

    pub(super) fn raise_to(&mut self, signal: Signal) {
        if signal > self.signal && self.stage < Stage::Finalizing {
            self.raise(signal);
        }
    }

    fn raise(&mut self, signal: Signal) {
        self.signal = signal;
        self.arm = Some(match signal {
            Signal::Run | Signal::Drain => Deadline::Drain,
            Signal::Finish => Deadline::Grace,
            Signal::Cut => Deadline::Cut,
            Signal::Abandon => Deadline::Abandon,
        });
        if signal >= Signal::Finish && self.stage > Stage::Waiting {
            self.stage = Stage::Stopping;
        }
    }
}
