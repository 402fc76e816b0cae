//! A job on a thread of its own.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::Duration,
};

use tokio::{runtime, sync::oneshot};

use super::{
    core::Core,
    machine::Signal,
    supervisor::{Again, Supervisor},
};
use crate::{By, Cause, CauseKind, Report};

/// A job that runs on a thread of its own, as those see it who wait for it. Dropped early, it cancels the job.
pub(super) struct Threaded {
    core: Arc<Core>,
    report: oneshot::Receiver<Report>,
    again: Option<Box<Again>>,
}

/// Starts a thread with a current-thread runtime, and runs the job there. The thread ends with the job: its report is sent when
/// the runtime has been shut down, blocking calls included that are no part of the job, as long as a finalizer may take.
///
/// # Errors
///
/// When the system has no room for another thread, or for another runtime.
pub(super) fn start(mut job: Supervisor) -> io::Result<Threaded> {
    let again = job.take_again();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let core = job.core.clone();
    let (sender, report) = oneshot::channel();
    let run = move || {
        let deadline = job.core.finalizer_deadline();
        let report = runtime.block_on(job);
        // What was given up is not waited for, or it would hold up the parent, which has no deadline unless it stops.
        let left = if report.has_leaked() {
            Duration::ZERO
        } else {
            deadline
        };
        runtime.shutdown_timeout(left);
        // When nobody waits for the report, the job was cancelled for that.
        let _ = sender.send(report);
    };
    // A C string; the kernel keeps 15 bytes of it.
    let name = core.name.replace('\0', "");
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where a job becomes a thread"
    )]
    thread::Builder::new().name(name).spawn(run)?;
    Ok(Threaded {
        core,
        report,
        again,
    })
}

impl Threaded {
    pub(super) fn take_again(&mut self) -> Option<Box<Again>> {
        self.again.take()
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The report, once the job has ended and its runtime is gone.
    pub(super) fn poll_report(&mut self, cx: &mut Context<'_>) -> Poll<Result<Report, CauseKind>> {
        Pin::new(&mut self.report)
            .poll(cx)
            .map_err(|_| CauseKind::error("the thread of the job has died".into()))
    }
}

impl Drop for Threaded {
    fn drop(&mut self) {
        if !self.report.is_terminated() {
            let kind = CauseKind::cancelled(By::Drop, "nobody waits for the job any more");
            self.core.stop(Signal::Cut, Some(Cause::of_job(kind)));
        }
    }
}
