//! The end of a job: its report, and what becomes of one whose future is dropped.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::{State, Supervisor};
use crate::{
    By, Cause, CauseKind, Event, Report,
    engine::{
        clock::Stamp,
        core::Mail,
        machine::{Action, Remains, Signal},
        panics, sync,
    },
    name::Name,
};

impl Supervisor {
    /// The job is over: drops what never started, and says so.
    pub(super) fn end(&mut self) -> Report {
        self.state = State::Over;
        // Those who wait for what never started learn of it.
        self.core.set_cause(self.machine.cause());
        if let Some(mut left) = self.core.close() {
            left.drain(|message| {
                if let Mail::Add {
                    slot,
                    name,
                    driver,
                    kind,
                } = message
                {
                    self.admit(slot, name, (driver, kind));
                } else {
                    panics::discard(message);
                }
            });
        }
        for driver in self.drivers.slots().iter_mut().filter_map(Option::take) {
            panics::discard(driver);
        }
        let report = self.report();
        self.tell(|_| Event::Ended(report.outcome()));
        self.hand_out(report)
    }

    /// Has handles give the report, and gives it back. What comes of a job in the background is dropped: it is not copied for that, for there
    /// may be a hundred thousand tasks in it.
    fn hand_out(&self, report: Report) -> Report {
        let Some(annex) = self.core.has_annex() else {
            return report;
        };
        let given = if self.is_in_background {
            Report {
                name: report.name.clone(),
                cause: None,
                records: Vec::new(),
                more: None,
                ..report
            }
        } else {
            report.clone()
        };
        let _ = annex.report.set(Arc::new(report));
        annex.ended.notify_waiters();
        annex.started.notify_waiters();
        given
    }

    fn report(&mut self) -> Report {
        let outcome = self.machine.outcome();
        let cause = self.machine.cause().cloned();
        let Remains { records, more } = self.machine.take_remains();
        // Runs on other threads may have ended after the time that this one has looked at last.
        let ended = if self.core.spawns() {
            Stamp::now()
        } else {
            Stamp::latest()
        };
        let nanos = self.began.map_or(0, |began| began.nanos_until(ended));
        let elapsed = Duration::from_nanos(nanos);
        let name = self.core.name.clone();
        Report {
            name,
            outcome,
            cause,
            records,
            more,
            elapsed,
        }
    }
}

impl Drop for Supervisor {
    /// A running job is not just dropped: it is cancelled, and what is left of it ends on the runtime.
    fn drop(&mut self) {
        if self.state == State::Over {
            return;
        }
        let kind = CauseKind::cancelled(By::Drop, "the job's future was dropped");
        self.machine.stop(Signal::Cut, Some(Cause::of_job(kind)));
        if self.state == State::Idle {
            while let Some(action) = self.machine.next() {
                if action == Action::End {
                    self.end();
                    return;
                }
            }
            return;
        }
        match Handle::try_current() {
            Ok(_) if self.state == State::Running => {
                // Finalizers have to run somewhere, and their future is gone.
                let mut rest = self.take_whole();
                rest.state = State::Adrift;
                sync::spawn(rest);
            }
            // The runtime is gone or going, or it is not this one: nothing can be finalized, but those who wait for the end must not
            // hang, and who runs elsewhere must not go on.
            _ => self.forsake(),
        }
    }
}

impl Supervisor {
    /// Ends the job where it is.
    fn forsake(&mut self) {
        if self.core.has_annex().is_some() {
            // Who has come home by now is not left behind.
            self.handle_mail();
        }
        self.machine.forsake();
        self.core.show(Signal::Cut, self.machine.cause());
        drop(self.end());
    }

    pub(super) fn over() -> Self {
        let mut over = Self::new(Name::Static(""));
        over.state = State::Over;
        over
    }
}
