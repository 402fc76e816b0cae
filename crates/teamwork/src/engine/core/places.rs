//! Tasks that are added while the job runs: whether there is room for them, and their way in.

use super::{
    Core, Mail,
    desk::{Annex, Desk},
};
use crate::{
    engine::{
        record::Kind,
        step::Driver,
        sync::{MutexGuard, Ordering},
    },
    error::Why,
    name::Name,
};

impl Core {
    /// Leaves a new task for the supervisor. `make` builds its driver for the slot it gets.
    ///
    /// # Errors
    ///
    /// Gives the task back if the job is closing or full.
    pub(crate) fn add<T>(
        &self,
        name: Name,
        task: T,
        make: impl FnOnce(T, u32) -> (Driver, Kind),
    ) -> Result<(), (T, Why)> {
        let desk = self.desk();
        if let Err(why) = self.accepts(&desk) {
            return Err((task, why));
        }
        self.count_one();
        self.leave(desk, name, |slot| make(task, slot));
        Ok(())
    }

    /// Leaves a new task that has a place already.
    ///
    /// # Errors
    ///
    /// Gives the task back if the job is closing; its place is free then.
    pub(crate) fn add_placed<T>(
        &self,
        name: Name,
        task: T,
        make: impl FnOnce(T, u32) -> (Driver, Kind),
    ) -> Result<(), (T, Why)> {
        let desk = self.desk();
        if desk.closed || self.is_over() {
            drop(desk);
            self.ended_one();
            return Err((task, Why::Closed));
        }
        self.leave(desk, name, |slot| make(task, slot));
        Ok(())
    }

    /// Leaves a new task on the desk.
    fn leave(
        &self,
        mut desk: MutexGuard<'_, Desk>,
        name: Name,
        make: impl FnOnce(u32) -> (Driver, Kind),
    ) {
        let slot = desk.free.pop().unwrap_or_else(|| {
            desk.late += 1;
            self.statics.load(Ordering::Relaxed) + desk.late - 1
        });
        // The driver is built under the lock: slots and mail must come in the same order.
        let (driver, kind) = make(slot);
        desk.mail.push(Mail::Add {
            slot,
            name,
            driver,
            kind,
        });
        drop(desk);
        self.call();
    }

    /// Whether another task is accepted.
    fn accepts(&self, desk: &Desk) -> Result<(), Why> {
        if desk.closed || self.is_over() {
            return Err(Why::Closed);
        }
        if !self.has_begun.load(Ordering::Acquire) {
            return Err(Why::NotStarted);
        }
        if !self.has_room() {
            return Err(Why::Full);
        }
        Ok(())
    }

    /// Takes a place for a task that is yet to come.
    pub(crate) fn take_place(&self) -> Result<(), Why> {
        let desk = self.desk();
        self.accepts(&desk)?;
        self.count_one();
        Ok(())
    }

    fn count_one(&self) {
        if let Some(annex) = self.limited() {
            annex.live.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn has_room(&self) -> bool {
        self.limited().is_none_or(|annex| {
            annex.live.load(Ordering::Relaxed) < annex.live_max.load(Ordering::Relaxed)
        })
    }

    /// Where tasks are counted, if there may not be any number of them.
    fn limited(&self) -> Option<&Annex> {
        self.has_annex()
            .filter(|annex| annex.live_max.load(Ordering::Relaxed) != u32::MAX)
    }

    /// Waits until another task would be accepted; `false` when none ever will be.
    pub(crate) async fn room(&self) -> bool {
        self.accepting(|core| core.accepts(&core.desk())).await
    }

    /// Waits until another task would be accepted, and takes its place; `false` when none ever will be.
    pub(crate) async fn place(&self) -> bool {
        self.accepting(Self::take_place).await
    }

    async fn accepting(&self, look: impl Fn(&Self) -> Result<(), Why>) -> bool {
        loop {
            let mut room = std::pin::pin!(self.annex().room.notified());
            // Counts as waiting from here on, so that a notification after the look at the desk is not missed.
            room.as_mut().enable();
            match look(self) {
                Ok(()) => return true,
                Err(Why::Closed) => return false,
                Err(Why::NotStarted | Why::Full) => {}
            }
            room.await;
        }
    }

    /// A task has ended.
    pub(crate) fn ended_one(&self) {
        let Some(annex) = self.limited() else {
            return;
        };
        let live = annex.live.fetch_sub(1, Ordering::Relaxed);
        if live >= annex.live_max.load(Ordering::Relaxed) {
            // Under the lock, so that it does not come between another's look and its wait.
            drop(annex.desk());
            annex.room.notify_waiters();
        }
    }
}
