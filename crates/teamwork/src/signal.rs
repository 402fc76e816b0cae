//! SIGINT and SIGTERM, for `Job::run_until_signal`.

use std::{
    io,
    task::{Context, Poll},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::engine::supervisor::SignalSource;

/// The two signals that ask a process to end.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Installs the handlers; they stay for the life of the process.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

impl SignalSource for Signals {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let interrupted = self.interrupt.poll_recv(cx).is_ready();
        // Both are polled, so that both wake the job.
        let terminated = self.terminate.poll_recv(cx).is_ready();
        if interrupted || terminated {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
