//! How a supervisor polls its drivers: near, tracked, and one that was told to go on.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::task::{ArcWake, waker_ref};

use super::{
    FEW, Supervisor,
    tracked::{Tracked, Tracker},
};
use crate::engine::{
    machine::{After, Ending, Exit},
    panics,
    step::{Driver, Step, poll_one_of_several, take_step},
};

impl Supervisor {
    /// Polls a driver that has just been told to go on; if it has to wait, it is polled again later.
    pub(super) fn poll_new(&mut self, slot: u32, cx: &mut Context<'_>) {
        // Init and finalize come one at a time; only runs are many.
        let is_run = self.machine.is_running() && !self.machine.is_finalizing(slot);
        if is_run && (self.drivers.len() > FEW || self.tracking().is_some()) {
            let tracker = self.tracked().track(slot);
            self.poll_tracker(tracker);
        } else if !self.poll_driver(slot, cx) {
            self.keep_near(slot);
        }
    }

    pub(super) fn keep_near(&mut self, slot: u32) {
        if (slot as usize) < FEW {
            self.near_few |= 1 << slot;
        } else {
            self.rare().near.push(slot);
        }
    }

    pub(super) fn take(&mut self, slot: u32) -> Option<Driver> {
        self.drivers.take(slot)
    }

    pub(super) fn put(&mut self, slot: u32, driver: Driver) {
        self.drivers.put(slot, driver, self.machine.tasks());
    }

    /// Polls a driver here; `true` if it need not be polled again for now.
    pub(super) fn poll_driver(&mut self, slot: u32, cx: &mut Context<'_>) -> bool {
        let Some(Some(driver)) = self.drivers.at(slot) else {
            return true;
        };
        // What comes of it is looked at where it lies: to copy what has just been written, piece by piece, takes longer than the poll.
        match &mut poll_one_of_several(driver, cx) {
            Poll::Ready(ending) => {
                let driver = self.take(slot);
                if let Some(ending) = ending {
                    self.heed(ending.exit.as_ref());
                    drop(driver);
                    self.ended(slot, ending);
                }
                true
            }
            Poll::Pending => match take_step() {
                None => false,
                Some(Step::Inited) => {
                    self.machine.inited(slot);
                    true
                }
                // It stood at the start gate and learns on the way that its run is off.
                Some(Step::Parked { .. }) if self.machine.is_finalizing(slot) => {
                    self.poll_driver(slot, cx)
                }
                Some(Step::Parked { exit, .. }) => {
                    self.parked(slot, exit);
                    true
                }
            },
        }
    }

    fn parked(&mut self, slot: u32, exit: Exit) {
        if matches!(exit, Exit::Failed(_)) && self.core.has_mail() {
            // Out of the way of those who come in: its driver has said what it had to say, and must not be polled with theirs.
            let driver = self.take(slot);
            self.handle_mail();
            if let Some(driver) = driver {
                self.put(slot, driver);
            }
        }
        self.machine.parked(slot, exit);
        self.tell_done(slot);
    }

    /// Reads the mail before it hears of a failure: a stop that the task asked for before was the first interruption.
    fn heed(&mut self, exit: Option<&Exit>) {
        if matches!(exit, Some(Exit::Failed(_))) && self.core.has_mail() {
            self.handle_mail();
        }
    }

    /// Says so when a task has failed that its job can do without: there is no cause to tell of it.
    pub(super) fn log_failure(&self, slot: u32, ending: &Ending) {
        let fault = match (&ending.exit, &ending.after) {
            (Some(Exit::Failed(fault)), _) => fault,
            (_, Some(After::Failed(fault) | After::TimedOut(fault))) => fault,
            _ => return,
        };
        if self.machine.is_optional(slot) {
            tracing::warn!(job = %self.core.name, task = self.machine.name(slot), error = %fault.kind, "failed; the job goes on");
        }
    }

    fn ended(&mut self, slot: u32, ending: &mut Ending) {
        self.end_task(slot, ending);
        self.core.ended_one();
        if self.machine.is_vacant(slot) {
            self.core.free(&[slot]);
        }
    }

    fn near_at(&self, index: usize) -> Option<u32> {
        self.rare.as_ref()?.near.get(index).copied()
    }

    pub(super) fn poll_near(&mut self, cx: &mut Context<'_>) {
        let mut few = self.near_few;
        while few != 0 {
            let slot = few.trailing_zeros();
            few &= few - 1;
            if self.poll_driver(slot, cx) {
                self.near_few &= !(1 << slot);
            }
        }
        let mut index = 0;
        while let Some(slot) = self.near_at(index) {
            if !self.poll_driver(slot, cx) {
                index += 1;
            } else if self.near_at(index) == Some(slot) {
                self.rare().near.swap_remove(index);
            }
        }
    }

    fn tracked(&mut self) -> &mut Tracked {
        let drivers = self.drivers.len();
        let tracked = &mut self.rare().tracked;
        tracked.get_or_insert_with(|| Tracked::new(drivers))
    }

    /// The tracked drivers, if there are any.
    fn tracking(&mut self) -> Option<&mut Tracked> {
        self.rare.as_mut()?.tracked.as_mut()
    }

    /// Polls a driver that is to be woken by this; if it has to wait, it is tracked.
    fn poll_tracker(&mut self, tracker: Arc<Tracker>) {
        let waker = waker_ref(&tracker);
        if self.poll_driver(tracker.slot(), &mut Context::from_waker(&waker)) {
            if let Some(tracked) = self.tracking() {
                tracked.spare(tracker);
            }
        } else {
            self.tracked().keep(tracker);
        }
    }

    fn poll_tracked_at(&mut self, slot: u32) {
        if let Some(tracker) = self.tracking().and_then(|all| all.take(slot)) {
            self.poll_tracker(tracker);
        }
    }

    /// Polls the tracked drivers that have been woken, each once.
    pub(super) fn poll_tracked(&mut self) {
        let Some(tracked) = self.tracking() else {
            return;
        };
        let batch = tracked.batch();
        for &slot in &batch {
            self.poll_tracked_at(slot);
        }
        self.tracked().reuse(batch);
    }

    /// Polls every tracked driver once, whether woken or not: a signal is there to be seen.
    pub(super) fn gather_tracked(&mut self) {
        let end = self.tracking().map_or(0, |tracked| tracked.end());
        for slot in 0..end {
            self.poll_tracked_at(slot);
        }
    }

    /// Begins to keep track of who was woken once there are many.
    pub(super) fn track_near(&mut self) {
        let more = self.rare.as_ref().map_or(0, |rare| rare.near.len());
        let near = self.near_few.count_ones() as usize + more;
        if self.tracking().is_none() && near <= FEW {
            return;
        }
        let few = std::mem::take(&mut self.near_few);
        let few = (0..FEW as u32).filter(|slot| few & (1 << slot) != 0);
        let near = std::mem::take(&mut self.rare().near);
        for slot in few.chain(near) {
            let is_there = matches!(self.drivers.at(slot), Some(Some(_)));
            // One that has just ended is not.
            if is_there {
                let tracked = self.tracked();
                let tracker = tracked.track(slot);
                tracked.keep(tracker.clone());
                // It has noted another waker, or none yet.
                ArcWake::wake_by_ref(&tracker);
            }
        }
    }

    pub(super) fn give_up(&mut self, slot: u32) {
        if let Some(routine) = self.core.routine_of(slot) {
            self.machine.leaked_in(slot, routine);
        }
        tracing::warn!(
            job = %self.core.name,
            task = self.machine.name(slot),
            "given up: {}",
            self.machine.outcome_of(slot)
        );
        if let Some(rare) = &mut self.rare {
            rare.near.retain(|&near| near != slot);
        }
        if (slot as usize) < FEW {
            self.near_few &= !(1 << slot);
        }
        if let Some(tracked) = self.tracking() {
            drop(tracked.take(slot));
        }
        self.tell(|job| crate::Event::TaskGivenUp(job.task_event(slot)));
        let driver = self.take(slot);
        if driver.is_none() {
            self.core.lose();
        }
        panics::discard(driver);
    }
}
