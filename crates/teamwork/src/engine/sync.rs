//! The atomics and the lock of [`core`](super::core) and of the wakers of drivers: the standard ones; or loom's, which try every order that
//! threads could take; or those of the library's own tests, at which [`interleavings`](super::interleavings) lets another thread have its turn.
//!
//! And the one place where something is given to the runtime, or to the threads of such a test.

#[cfg(not(any(test, teamwork_loom)))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering, fence},
};

#[cfg(any(not(test), teamwork_loom))]
pub(super) use futures_util::task::AtomicWaker;

#[cfg(all(test, not(teamwork_loom)))]
pub(super) use super::interleavings::sync::{
    AtomicBool, AtomicU8, AtomicU32, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, fence,
};

#[cfg(teamwork_loom)]
pub(super) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering, fence},
};

/// Has the runtime run a future to its end.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where a job, or a task of one, becomes a task of the runtime"
)]
pub(crate) fn spawn<F>(future: F)
where
    F: Future<Output: Send> + Send + 'static,
{
    #[cfg(all(test, not(teamwork_loom)))]
    let Some(future) = super::interleavings::threads::take(future) else {
        return;
    };
    tokio::spawn(future);
}
