//! How a driver speaks to whoever polls it, between two polls and without shared state.
//!
//! A driver is a boxed future that has more to say than `Pending`: "I stand at the start gate", "my run has ended". It
//! leaves such a [`Step`] in a thread-local slot and returns `Pending`; the poller takes it from there before it does
//! anything else. A driver yields at its top level only, so nothing runs between the two, and nested jobs (which poll their
//! own drivers inside a driver's poll) always empty the slot before they return.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::task::coop;

use super::{
    core::Core,
    machine::{Ending, Exit, Signal},
};
use crate::{Context as TaskContext, name::Name};

/// A task on its way through its three routines.
pub(crate) type Driver = Pin<Box<dyn Future<Output = Option<Ending>> + Send>>;

/// What a driver can say besides that it is pending.
pub(super) enum Step {
    /// Init is through; poll again to run.
    Inited,
    /// The run has ended; poll again to finalize. A driver away from home names the desk to be mailed to.
    Parked { exit: Exit, home: Option<WayHome> },
}

/// Where a driver that is away mails itself to: the core of its job, and its slot there.
///
/// A [`Home`] has more small fields, and a copy of it would wait until all of them are written.
pub(super) type WayHome = (Arc<Core>, u32);

/// Where a driver belongs.
pub(crate) struct Home {
    pub(crate) core: Arc<Core>,
    pub(crate) slot: u32,
    /// The driver is on a runtime task of its own, and there is no context of its own that says so.
    pub(super) is_away: bool,
    /// The driver is not polled before the job lets it through the start gate.
    pub(super) is_at_gate: bool,
    /// Of a job: the signal that has been passed on to it. Here with the next one because there is room: a driver is kept small.
    pub(super) told: Signal,
    /// Of a job: the signal under which the waker of its driver is registered.
    pub(super) registered: Option<Signal>,
}

impl Home {
    pub(crate) fn new(core: Arc<Core>, slot: u32) -> Self {
        Self {
            core,
            slot,
            is_away: false,
            is_at_gate: false,
            told: Signal::Run,
            registered: None,
        }
    }

    /// A context for what is done like a routine of a task.
    pub(super) fn lend(&self, name: Name) -> TaskContext {
        let cx = TaskContext::new(self.core.clone(), name, self.slot);
        cx.set_away(self.is_away);
        cx.set_lent();
        cx
    }
}

impl Drop for Home {
    /// As that of a context.
    fn drop(&mut self) {
        if self.is_away && std::thread::panicking() {
            self.core.mourn(self.slot);
        }
    }
}

thread_local! {
    static STEP: Cell<Option<Step>> = const { Cell::new(None) };
}

/// Leaves a step for the poller; the future resolves when polled for the second time, and has to be awaited at once.
pub(super) fn leave(step: Step) -> Left {
    STEP.set(Some(step));
    Left { is_seen: false }
}

/// Pending once.
#[must_use = "a step is only seen by the poller if the driver returns to it"]
pub(super) struct Left {
    is_seen: bool,
}

impl Future for Left {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.is_seen, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Polls one of several drivers, each with the budget that the poll under way began with: one that is always ready uses up its
/// own, and the timers and channels of the others go on.
pub(super) fn poll_one_of_several(
    driver: &mut Driver,
    cx: &mut Context<'_>,
) -> Poll<Option<Ending>> {
    // Dropped without a word of progress, it restores the budget.
    let _restore = coop::poll_proceed(cx);
    driver.as_mut().poll(cx)
}

/// The step that a driver has left, which has just said that it is pending.
pub(super) fn take_step() -> Option<Step> {
    STEP.take()
}
