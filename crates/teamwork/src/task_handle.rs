//! The typed result of one task.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::{
    Cause,
    engine::{core::Core, machine::Exit},
};

/// How a task ended without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    Stopped,
    Cut,
    Failed,
}

impl Unfinished {
    pub(crate) fn from_exit(exit: &Exit) -> Self {
        match exit {
            Exit::Done | Exit::FinishJob | Exit::Stopped => Self::Stopped,
            Exit::NeverStarted | Exit::Cut | Exit::Leaked(_) => Self::Cut,
            Exit::Failed(_) => Self::Failed,
        }
    }
}

/// Why a task has no value to give.
#[derive(Debug, Clone)]
pub enum TaskError {
    /// It was stopped at a safe point because its job finished, or its idle timeout ended it.
    Stopped,
    /// It was cut, failed, or never started. The cause is that of its job, which may lie in another task.
    Failed(Option<Arc<Cause>>),
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the task was stopped before it had a value"),
            Self::Failed(None) => f.write_str("the task ended without a value"),
            Self::Failed(Some(cause)) => write!(f, "the task ended without a value: {cause}"),
        }
    }
}

impl std::error::Error for TaskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(Some(cause)) => std::error::Error::source(&**cause),
            _ => None,
        }
    }
}

/// Where a driver leaves its task's value for the handle.
struct Slot<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Open(Option<Waker>),
    Filled(Result<T, TaskError>),
    Taken,
}

impl<T> Slot<T> {
    fn set(&self, value: Result<T, TaskError>) {
        let before = std::mem::replace(&mut *self.lock(), State::Filled(value));
        if let State::Open(Some(waker)) = before {
            waker.wake();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a slot that the driver holds: if the driver is dropped before it ends, the handle learns of it, and why.
pub(crate) struct Filler<T> {
    slot: Arc<Slot<T>>,
    core: Arc<Core>,
}

impl<T> Filler<T> {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        let state = Mutex::new(State::Open(None));
        Self {
            slot: Arc::new(Slot { state }),
            core: core.clone(),
        }
    }

    pub(crate) fn handle(&self) -> TaskHandle<T> {
        TaskHandle {
            slot: self.slot.clone(),
        }
    }

    /// The cause of an optional task that has failed is its own; else it is that of the job.
    pub(crate) fn fill(&self, value: Result<T, Unfinished>, own: Option<&Arc<Cause>>) {
        self.slot.set(value.map_err(|unfinished| match unfinished {
            Unfinished::Stopped => TaskError::Stopped,
            Unfinished::Cut | Unfinished::Failed => {
                TaskError::Failed(own.or(self.core.cause()).cloned())
            }
        }));
    }
}

impl<T> Drop for Filler<T> {
    fn drop(&mut self) {
        if matches!(*self.slot.lock(), State::Open(_)) {
            self.fill(Err(Unfinished::Cut), None);
        }
    }
}

/// Yields the value of a task once the task has ended, its finalizer included.
///
/// Await it by value or by `&mut`. Dropping it does nothing to the task. There is one for each task, as there is one value; any number may
/// hear of the end of a task by [`events`](crate::JobHandle::events).
///
/// # Cancel safety
///
/// Awaiting `&mut handle` is cancel safe: the value stays until it is taken.
#[must_use = "await the handle to get the task's value; to ignore the value, do not ask for a handle"]
pub struct TaskHandle<T> {
    slot: Arc<Slot<T>>,
}

impl<T> TaskHandle<T> {
    /// Whether the task has ended.
    pub fn is_ended(&self) -> bool {
        !matches!(*self.slot.lock(), State::Open(_))
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        match &mut *state {
            State::Open(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => match std::mem::replace(&mut *state, State::Taken) {
                State::Filled(value) => Poll::Ready(value),
                // The value was taken by an earlier poll.
                _ => Poll::Ready(Err(TaskError::Failed(None))),
            },
        }
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("is_ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}
