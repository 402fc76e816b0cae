//! Which of many drivers have been woken.
//!
//! Each tracked driver has a waker of its own, which notes its slot on a list and calls the supervisor. Drivers stay where they are; what
//! there is for each is one small allocation, because ten thousand jobs may be children of one.

#[cfg(all(test, teamwork_loom))]
mod orders;

use std::{
    mem,
    sync::{Arc, PoisonError},
    task::Waker,
};

use futures_util::task::ArcWake;

use crate::engine::sync::{AtomicBool, AtomicWaker, Mutex, MutexGuard, Ordering};

/// The wakers of drivers that are polled when they are woken.
pub(super) struct Tracked {
    /// By slot; `None` while the driver is polled, and of one that is not tracked.
    trackers: Vec<Option<Arc<Tracker>>>,
    woken: Arc<Woken>,
    /// The last batch, its memory reused.
    emptied: Vec<u32>,
}

/// The waker of one driver.
pub(super) struct Tracker {
    pub(super) slot: u32,
    /// The slot is on the list, or about to be.
    is_woken: AtomicBool,
    woken: Arc<Woken>,
}

/// The slots of those who were woken, and the supervisor that is to poll them.
struct Woken {
    slots: Mutex<Vec<u32>>,
    supervisor: AtomicWaker,
}

impl Tracked {
    /// For about so many drivers.
    pub(super) fn new(drivers: usize) -> Self {
        let woken = Woken {
            slots: Mutex::new(Vec::new()),
            supervisor: AtomicWaker::new(),
        };
        Self {
            trackers: Vec::with_capacity(drivers),
            woken: Arc::new(woken),
            emptied: Vec::new(),
        }
    }

    /// A waker for the driver in this slot, which is not woken yet.
    pub(super) fn track(&self, slot: u32) -> Arc<Tracker> {
        Arc::new(Tracker {
            slot,
            is_woken: AtomicBool::new(false),
            woken: self.woken.clone(),
        })
    }

    /// Keeps the waker of a driver that has to wait.
    pub(super) fn keep(&mut self, tracker: Arc<Tracker>) {
        let index = tracker.slot as usize;
        if self.trackers.len() <= index {
            self.trackers.resize_with(index + 1, || None);
        }
        self.trackers[index] = Some(tracker);
    }

    /// Takes the waker of a driver that is about to be polled: from here on it can be woken again.
    pub(super) fn take(&mut self, slot: u32) -> Option<Arc<Tracker>> {
        let tracker = self.trackers.get_mut(slot as usize)?.take()?;
        // Pairs with the swap of whoever finds it woken, and does nothing: the poll that follows sees what that one did before.
        tracker.is_woken.swap(false, Ordering::AcqRel);
        Some(tracker)
    }

    /// One more than the highest slot that may be tracked.
    pub(super) fn end(&self) -> u32 {
        u32::try_from(self.trackers.len()).unwrap_or(u32::MAX)
    }

    /// Takes the slots of those who were woken. Who is woken from here on has its turn with the next batch.
    pub(super) fn batch(&mut self) -> Vec<u32> {
        mem::replace(&mut *self.woken.slots(), mem::take(&mut self.emptied))
    }

    /// Takes back the memory of a batch.
    pub(super) fn reuse(&mut self, mut batch: Vec<u32>) {
        batch.clear();
        self.emptied = batch;
    }

    /// Notes how to wake the supervisor, and wakes it if there is a batch already.
    pub(super) fn listen(&self, waker: &Waker) {
        self.woken.supervisor.register(waker);
        // Invariant 5: whoever came before has found no waker, or an old one.
        if !self.woken.slots().is_empty() {
            waker.wake_by_ref();
        }
    }
}

impl Woken {
    fn slots(&self) -> MutexGuard<'_, Vec<u32>> {
        // Nothing can panic under this lock.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ArcWake for Tracker {
    fn wake_by_ref(tracker: &Arc<Self>) {
        if tracker.is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut slots = tracker.woken.slots();
        let is_first = slots.is_empty();
        slots.push(tracker.slot);
        drop(slots);
        // Whoever was first calls for those who come after, until the supervisor has taken the list.
        if is_first {
            tracker.woken.supervisor.wake();
        }
    }
}
