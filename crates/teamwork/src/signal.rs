//! SIGINT and SIGTERM, for `Job::run_until_signal`.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
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

impl Signals {
    /// Installs the handlers; those of Tokio stay for the life of the process.
    pub(crate) fn new() -> io::Result<Self> {
        let is_given_back = by_default()?;
        is_given_back.store(false, Ordering::Relaxed);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            received: 0,
            is_given_back,
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.is_given_back.store(false, Ordering::Relaxed);
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
        self.is_given_back.store(true, Ordering::Relaxed);
    }
}
