//! Running a job: here, inline, in the background, until a signal.

use std::{future::IntoFuture, sync::Arc};

use super::Job;
use crate::{
    Failure, JobHandle, Report, Run,
    engine::{
        core::Core,
        supervisor::{Again, Supervisor},
        sync,
    },
    name::Name,
};

/// Running.
impl<V: ?Sized> Job<V> {
    /// The job's name.
    pub fn name(&self) -> &str {
        &self.supervisor.core.name
    }

    /// A handle to stop the job, or to add tasks to it while it runs. It does not keep the job alive.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("server");
    /// job.add_fn("accept", async |cx: &Context| {
    ///     cx.wait(std::future::pending::<()>()).await;
    ///     Ok(())
    /// });
    /// let handle = job.handle();
    /// let (ended, ()) = tokio::join!(job.run(), async move { handle.finish() });
    /// ended?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn handle(&self) -> JobHandle<V> {
        JobHandle::observing(self.supervisor.core.clone())
    }

    /// Runs the job to its end.
    ///
    /// # Errors
    ///
    /// The [`Failure`] of a job that failed or was cancelled; the report is inside.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime, unless the job is inline and uses no time; and in one without a clock (`enable_time`), as soon as the job
    /// needs one: for a timeout, for an idle task, for the deadlines of a stop.
    ///
    /// # Cancel safety
    ///
    /// If this future is dropped, the job is cancelled; its runs are cut and its finalizers run on the runtime. Where there is none, or
    /// one that is shutting down, they do not run, and the report that handles get names these tasks as leaked.
    ///
    /// A job around a task that awaits this does not wait for that end; that of a [child](Self::add_job) it does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("import").timeout(Duration::from_secs(60));
    /// job.add_fn("read", async |_: &Context| Ok("7".parse::<u32>()?));
    /// match job.run().await {
    ///     Ok(report) => println!("{report}"),
    ///     Err(failure) if failure.is_cancelled() => println!("stopped: {}", failure.cause()),
    ///     Err(failure) => return Err(failure.into()), // "job import: read: …"
    /// }
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn run(self) -> Run {
        Run::new(self.supervisor)
    }

    /// [`inline`](Self::inline) and [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut connection = Job::new("connection");
    /// connection.add_fn("read", async |_: &Context| Ok(()));
    /// connection.add_fn("write", async |_: &Context| Ok(()));
    /// connection.run_inline().await?; // Both are polled right here.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn run_inline(self) -> Run {
        self.inline().run()
    }

    /// Runs the job on the runtime, and returns once its oneshot is done and all inits are through.
    ///
    /// The job is cancelled when the last clone of the handle is dropped.
    ///
    /// # Errors
    ///
    /// The job's [`Failure`] if it failed or was cancelled on the way, or has by the time this returns.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// If this future is dropped before it returns, the job is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("server").add_oneshot_fn("bind", async |_: &Context| Ok(8080_u16));
    /// job.add_fn("serve", async |cx: &Context<u16>| {
    ///     cx.wait(std::future::pending::<()>()).await;
    ///     Ok(())
    /// });
    /// let server = job.run_in_background().await?; // It listens now.
    /// server.finish();
    /// server.wait().await;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "spawn", alias = "ready")]
    pub async fn run_in_background(mut self) -> Result<JobHandle<V>, Failure> {
        let core = self.supervisor.core.clone();
        let handle = JobHandle::owning(core.clone());
        self.supervisor.set_in_background();
        sync::spawn(self.supervisor);
        core.started().await;
        if core.is_ended() {
            let report = core.ended().await;
            Failure::or_report(Report::clone(&report))?;
        }
        Ok(handle)
    }

    /// Runs the job to its end, or until the process is asked to end: the first SIGINT or SIGTERM drains it, the second cancels it.
    ///
    /// A third one does what the system does by default: it ends the process, even if the runtime is stuck. A job that drains already, for
    /// another reason, goes on with that after the first.
    ///
    /// Once a program has listened for these signals, Tokio keeps the system from acting on them for as long as the process lives. So a
    /// program that has much to do after this returns should listen for them itself.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run); also if the signal handlers cannot be installed.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// use teamwork::{Context, Job, Result};
    ///
    /// #[tokio::main]
    /// async fn main() -> Result {
    ///     let mut job = Job::new("server");
    ///     job.add_fn("serve", async |cx: &Context| {
    ///         # cx.job().drain();
    ///         while cx.unless_draining(std::future::ready("a request")).await.is_some() {
    ///             // … answer it …
    ///         }
    ///         Ok(()) // Ctrl-C was pressed.
    ///     });
    ///     println!("{}", job.run_until_signal().await?);
    ///     Ok(())
    /// }
    /// ```
    #[doc(alias = "ctrl_c", alias = "SIGTERM")]
    #[cfg(feature = "signal")]
    pub async fn run_until_signal(mut self) -> Result<Report, Failure> {
        match crate::signal::Signals::new() {
            Ok(signals) => self.supervisor.rare().signals = Some(Box::new(signals)),
            Err(error) => self = self.after(async move { Err(error.into()) }),
        }
        self.run().await
    }

    pub(crate) fn restarting(mut self, again: Box<Again>) -> Self {
        self.supervisor.rare().again = Some(again);
        self
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.supervisor.core
    }

    pub(crate) fn task_name(&self) -> Name {
        self.supervisor.core.name.clone()
    }

    pub(crate) fn into_supervisor(self) -> Supervisor {
        self.supervisor
    }
}

/// A job can be awaited like any future; see [`Job::run`].
impl<V: ?Sized> IntoFuture for Job<V> {
    type Output = Result<Report, Failure>;
    type IntoFuture = Run;

    fn into_future(self) -> Run {
        self.run()
    }
}
