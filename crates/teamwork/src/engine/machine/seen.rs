//! What the machine knows, for those who look at the job.

use super::{Machine, Phase, Record, State};
use crate::{Doing, name::Name};

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
    pub(crate) fn seen(&self) -> Seen {
        let phase = match self.phase {
            Phase::Waiting => crate::Phase::Waiting,
            Phase::Oneshot => crate::Phase::Oneshot,
            Phase::Starting => crate::Phase::Starting,
            Phase::Running => crate::Phase::Running,
            Phase::Stopping => crate::Phase::Stopping,
            Phase::Finalizing => crate::Phase::Finalizing,
            Phase::Ended => crate::Phase::Ended,
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
