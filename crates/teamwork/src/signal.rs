//! SIGINT and SIGTERM, for `Job::run_until_signal`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use signal_hook::{
    SigId,
    consts::{SIGINT, SIGTERM},
    flag, low_level,
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
    defaults: Vec<SigId>,
}

impl Signals {
    /// Installs the handlers; those of Tokio stay for the life of the process.
    pub(crate) fn new() -> io::Result<Self> {
        let is_given_back = Arc::new(AtomicBool::new(false));
        let default = |signal| flag::register_conditional_default(signal, is_given_back.clone());
        let defaults = vec![default(SIGINT)?, default(SIGTERM)?];
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            received: 0,
            is_given_back,
            defaults,
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for &id in &self.defaults {
            low_level::unregister(id);
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
        self.is_given_back.store(true, Ordering::Relaxed);
    }
}
