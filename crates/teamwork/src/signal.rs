//! SIGINT and SIGTERM, for `Job::run_until_signal`.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::engine::supervisor::SignalSource;

/// The two signals that ask a process to end.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    received: u32,
    /// This job is one of those that have given the signals back.
    has_given_back: bool,
    /// From now on, a signal does what it does by default: in its handler, so that it works even if the runtime is stuck.
    is_given_back: Arc<AtomicBool>,
}

/// Says whether a signal does what it does by default. Registered once, and before the handlers of Tokio unless the program has used
/// those already: a signal goes through its handlers in their order, and one that came after Tokio's could find the flag that the job
/// has raised because of this very signal.
fn by_default() -> io::Result<Arc<AtomicBool>> {
    static BY_DEFAULT: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);
    let mut registered = BY_DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flag) = &*registered {
        return Ok(flag.clone());
    }
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, flag.clone())?;
    }
    Ok(registered.insert(flag).clone())
}

/// How many jobs have given the signals back, and go on. Another one may begin or end beside them: what they have said stays.
fn given_back() -> MutexGuard<'static, u32> {
    static GIVEN_BACK: Mutex<u32> = Mutex::new(0);
    GIVEN_BACK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Signals {
    /// Installs the handlers; those of Tokio stay for the life of the process.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            // First, see there.
            is_given_back: by_default()?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            received: 0,
            has_given_back: false,
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        if self.has_given_back {
            let mut jobs = given_back();
            *jobs -= 1;
            self.is_given_back.store(*jobs > 0, Ordering::Relaxed);
        }
    }
}

impl SignalSource for Signals {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<u32> {
        if self.is_given_back.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let interrupted = self.interrupt.poll_recv(cx).is_ready();
        // Both are polled, so that both wake the job.
        let terminated = self.terminate.poll_recv(cx).is_ready();
        if interrupted || terminated {
            self.received += 1;
            Poll::Ready(self.received)
        } else {
            Poll::Pending
        }
    }

    fn give_back(&mut self) {
        if !std::mem::replace(&mut self.has_given_back, true) {
            let mut jobs = given_back();
            *jobs += 1;
            self.is_given_back.store(true, Ordering::Relaxed);
        }
    }
}
