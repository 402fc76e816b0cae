//! What a supervisor tells those who listen to its job. Each of these costs one look when nobody does.

use super::Supervisor;
use crate::{
    Event, Stop, TaskEvent,
    engine::machine::{Ending, Signal},
};

impl Supervisor {
    /// Tells an event, which is made only if somebody listens.
    pub(super) fn tell(&self, event: impl FnOnce(&Self) -> Event) {
        if let Some(listeners) = self.core.listeners() {
            // Nobody may be listening any more.
            let _ = listeners.send(event(self));
        }
    }

    /// The run of a task has ended, and the machine knows how.
    pub(super) fn tell_done(&self, slot: u32) {
        self.tell(|job| Event::TaskDone(job.task_event(slot)));
    }

    /// Hands the end of a task to the machine, and tells of it.
    pub(super) fn end_task(&mut self, slot: u32, ending: &mut Ending) {
        self.log_failure(slot, ending);
        if self.core.listeners().is_none() {
            self.machine.ended(slot, ending);
            return;
        }
        let mut event = self.task_event(slot);
        if let Some(exit) = &ending.exit {
            event.outcome = exit.outcome();
            self.tell(|_| Event::TaskDone(event.clone()));
        }
        event.outcome = self.machine.ended(slot, ending);
        self.tell(|_| Event::TaskEnded(event));
    }

    /// Every run has ended; finalizers follow, if there are any.
    pub(super) fn tell_finalizing(&mut self) {
        if !self.has_told_finalizing {
            self.has_told_finalizing = true;
            self.tell(|_| Event::Finalizing);
        }
    }

    pub(super) fn tell_stop(&self, signal: Signal) {
        self.tell(|job| {
            Event::Stopping(match signal {
                Signal::Run | Signal::Drain => Stop::Drain,
                Signal::Finish => Stop::Finish,
                Signal::Cut | Signal::Abandon => Stop::Cut(job.machine.cause().cloned()),
            })
        });
    }

    pub(super) fn task_event(&self, slot: u32) -> TaskEvent {
        TaskEvent {
            name: self.machine.name(slot).to_owned(),
            index: slot as usize,
            outcome: self.machine.outcome_of(slot),
        }
    }
}
