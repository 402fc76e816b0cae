//! How a supervisor does what messages say: those who come in, come home, and ask for a stop.

use super::{State, Supervisor};
use crate::{
    Cause,
    engine::{
        core::Mail,
        machine::{Admission, Ending, Exit, Signal},
        record::Kind,
        step::Driver,
    },
    name::Name,
};

impl Supervisor {
    pub(super) fn handle_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.rare().mail);
        self.core.take_mail(&mut mail);
        mail.drain(|message| self.handle(message));
        let rare = self.rare.get_or_insert_default();
        rare.mail = mail;
        if !rare.freed.is_empty() {
            self.core.free(&rare.freed);
            rare.freed.clear();
        }
    }

    fn handle(&mut self, message: Mail) {
        match message {
            Mail::Add {
                slot,
                name,
                driver,
                kind,
            } => self.admit(slot, name, (driver, kind)),
            Mail::Stop { signal, cause } => self.stop(signal, cause.map(|cause| *cause)),
            Mail::Look(asker) => {
                // Who has asked may not be there any more.
                let _ = asker.send(self.machine.seen());
                self.core.wake_away();
            }
            Mail::Parked { slot, exit, driver } => {
                self.put(slot, driver);
                self.machine.parked(slot, exit);
                self.tell_done(slot);
            }
            Mail::Over { slot, exit, tally } => {
                let exit = exit.map(Exit::from);
                let after = None;
                self.end_away(slot, &mut Ending { exit, after, tally });
            }
            Mail::Ended { slot, mut ending } => self.end_away(slot, &mut ending),
        }
    }

    fn stop(&mut self, signal: Signal, cause: Option<Cause>) {
        self.machine.stop(signal, cause);
        self.hurry();
    }

    /// Stops the job on behalf of its poller, who polls it next: as a message would, without the way there.
    pub(in crate::engine) fn stop_next(&mut self, signal: Signal, cause: Option<Cause>) {
        if self.state == State::Running {
            self.core.shut();
            self.stop(signal, cause);
        } else {
            self.core.stop(signal, cause);
        }
    }

    fn end_away(&mut self, slot: u32, ending: &mut Ending) {
        self.end_task(slot, ending);
        if self.machine.is_vacant(slot) {
            self.rare().freed.push(slot);
        }
    }

    pub(super) fn admit(&mut self, slot: u32, name: Name, (mut driver, kind): (Driver, Kind)) {
        if let Some(observer) = self.rare.as_ref().and_then(|rare| rare.observer.as_ref()) {
            driver = observer.wrap(driver, &name);
        }
        let admission = self.machine.add(slot, name, kind);
        if admission == Admission::Later {
            self.put(slot, driver);
        } else if self.core.spawns() {
            self.ship(driver);
        } else {
            self.put(slot, driver);
            self.keep_near(slot);
            self.track_near();
        }
    }
}
