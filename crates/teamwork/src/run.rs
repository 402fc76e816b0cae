//! The future of a running job.

use std::{
    fmt,
    future::Future,
    panic::resume_unwind,
    pin::Pin,
    task::{self, Poll},
};

use crate::{Cause, CauseKind, Failure, Report, Result, engine::supervisor::Supervisor};

/// What follows from a panic in a task, once everything is finalized.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, OnPanic};
/// #[should_panic] // What `assert!` says in a task is what the test says.
/// async fn a_test() {
///     let mut job = Job::new("test").on_panic(OnPanic::Rethrow);
///     job.add_fn("check", async |_: &Context| Ok(assert_eq!(1 + 1, 3)));
///     let _ = job.run().await;
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPanic {
    /// The job fails; its cause has the message and the place.
    #[default]
    Fail,
    /// The future of [`Job::run`](crate::Job::run) panics with the same message. As a child, or in the background, the job fails.
    Rethrow,
}

/// The future of a running job; see [`Job::run`](crate::Job::run).
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, Run};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// struct Client {
///     session: Option<Run>, // A future with a name, and `Unpin`.
/// }
///
/// let mut session = Job::new("session");
/// session.add_fn("work", async |_: &Context| Ok(()));
/// let mut client = Client { session: Some(session.run()) };
/// if let Some(session) = &mut client.session {
///     session.await?;
/// }
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[must_use = "a job does nothing until its future is awaited"]
pub struct Run {
    supervisor: Supervisor,
}

impl Run {
    pub(crate) fn new(supervisor: Supervisor) -> Self {
        Self { supervisor }
    }
}

impl Future for Run {
    type Output = Result<Report, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.supervisor).poll(cx).map(|report| {
            let rare = self.supervisor.rare.as_ref();
            if rare.is_some_and(|rare| rare.on_panic == OnPanic::Rethrow) {
                rethrow(report.cause());
            }
            Failure::or_report(report)
        })
    }
}

/// Goes on with the panic that was the cause, if one was, without a second word about it in the output.
fn rethrow(cause: Option<&Cause>) {
    match cause.map(Cause::kind) {
        Some(CauseKind::Panic { message, .. }) => resume_unwind(Box::new(message.clone())),
        Some(CauseKind::Job(inner)) => rethrow(Some(inner)),
        _ => {}
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("job", &self.supervisor.core.name)
            .finish_non_exhaustive()
    }
}
