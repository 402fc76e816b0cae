//! What the machine knows, for its driver and for those who look at the job.

use std::sync::Arc;

use super::{Machine, Record, Signal, Stage, State};
use crate::{Cause, Doing, Outcome, name::Name, report::TaskOutcome};

/// A job, as its machine sees it.
pub(crate) struct Seen {
    pub(crate) phase: crate::Phase,
    pub(crate) come_and_gone: u64,
    pub(crate) rows: Vec<Row>,
}

/// A task, as the machine of its job sees it.
pub(crate) struct Row {
    pub(crate) slot: u32,
    pub(crate) name: Name,
    pub(crate) doing: Doing,
    /// Known of a task that is over.
    pub(crate) ticks: Option<u64>,
}

impl Machine {
    /// How a task has ended so far.
    pub(crate) fn outcome_of(&self, slot: u32) -> TaskOutcome {
        self.records[slot as usize].outcome
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    /// Whether a signal is about to be shown, with which everybody near is polled anyway.
    pub(crate) fn has_signal(&self) -> bool {
        self.signal_shown < self.signal
    }

    pub(crate) fn cause(&self) -> Option<&Arc<Cause>> {
        self.cause.as_ref()
    }

    /// Whether the oneshot is done and every init is through.
    pub(crate) fn is_started(&self) -> bool {
        self.stage >= Stage::Running
    }

    /// Whether tasks are let through the start gate.
    pub(crate) fn is_running(&self) -> bool {
        self.stage == Stage::Running
    }

    /// Whether the driver in this slot is past its run.
    pub(crate) fn is_finalizing(&self, slot: u32) -> bool {
        self.records[slot as usize].state == State::Finalizing
    }

    /// Whether any child job is under way.
    pub(crate) fn has_children(&self) -> bool {
        let is_child = |record: &Record| record.kind.is_job() && record.is_alive();
        self.records.iter().any(is_child)
    }

    /// Whether the failure of this task is only reported.
    pub(crate) fn is_optional(&self, slot: u32) -> bool {
        self.records[slot as usize].kind.is_optional()
    }

    pub(crate) fn name(&self, slot: u32) -> &str {
        &self.records[slot as usize].name
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match &self.cause {
            None => Outcome::Done,
            Some(cause) if cause.is_cancelled() => Outcome::Cancelled,
            Some(_) => Outcome::Failed,
        }
    }

    /// How many tasks there are, and were.
    pub(crate) fn tasks(&self) -> usize {
        self.records.len()
    }

    /// As if so many tasks had come and gone.
    #[cfg(test)]
    pub(crate) fn set_seq(&mut self, tasks: u32) {
        self.seq = tasks;
    }

    #[cfg(test)]
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn is_vacant(&self, slot: u32) -> bool {
        self.records[slot as usize].state == State::Vacant
    }

    pub(crate) fn seen(&self) -> Seen {
        let phase = match self.stage {
            Stage::Waiting => crate::Phase::Waiting,
            Stage::Oneshot => crate::Phase::Oneshot,
            Stage::Starting => crate::Phase::Starting,
            Stage::Running => crate::Phase::Running,
            Stage::Stopping => crate::Phase::Stopping,
            Stage::Finalizing => crate::Phase::Finalizing,
            Stage::Ended => crate::Phase::Ended,
        };
        let rows = (0..)
            .zip(&self.records)
            .filter_map(|(slot, record)| row(slot, record));
        Seen {
            phase,
            come_and_gone: self.rare.as_ref().map_or(0, |rare| rare.more.come_and_gone),
            rows: rows.collect(),
        }
    }
}

fn row(slot: u32, record: &Record) -> Option<Row> {
    let doing = match record.state {
        State::Added => Doing::Nothing,
        State::Starting => Doing::Init,
        State::Inited => Doing::AtGate,
        State::Running => Doing::Running,
        State::Parked => Doing::Parked,
        State::Finalizing => Doing::Finalizing,
        State::Leaking | State::Ended => Doing::Ended(record.outcome),
        State::Vacant => return None,
    };
    let is_over = matches!(doing, Doing::Ended(_));
    Some(Row {
        slot,
        name: record.name.clone(),
        doing,
        ticks: is_over.then_some(record.tally.ticks),
    })
}
