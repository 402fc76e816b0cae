//! The options of a job.

use std::{future::Future, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Job;
use crate::{OnPanic, Result};

/// Options.
impl<V: ?Sized> Job<V> {
    /// Waits for this future before anything starts; its error is a failure of the job.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # use tokio::sync::oneshot;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (listens, is_listening) = oneshot::channel();
    /// let mut server = Job::new("server");
    /// server.add_fn("listen", async move |_: &Context| listens.send(()).map_err(|()| "nobody waits".into()));
    /// let mut client = Job::new("client").after(async { Ok(is_listening.await?) });
    /// client.add_fn("connect", async |_: &Context| Ok(())); // Not before the server listens.
    /// let mut both = Job::new("both");
    /// both.add_job(client);
    /// both.add_job(server);
    /// both.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "depends_on", alias = "prerequisite")]
    pub fn after(mut self, prerequisite: impl Future<Output = Result> + Send + 'static) -> Self {
        self.supervisor
            .rare()
            .prerequisites
            .push(Box::pin(prerequisite));
        self
    }

    /// Cancels the job when this token is cancelled: the stop of a program that has one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # use tokio_util::sync::CancellationToken;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let shutdown = CancellationToken::new();
    /// let mut job = Job::new("part").stop_on(shutdown.clone());
    /// job.add_fn("wait", async |_: &Context| {
    ///     std::future::pending::<()>().await;
    ///     Ok(())
    /// });
    /// shutdown.cancel();
    /// let failure = job.run().await.unwrap_err();
    /// assert!(failure.cause().is_cancelled());
    /// # });
    /// ```
    #[doc(alias = "CancellationToken")]
    pub fn stop_on(mut self, token: CancellationToken) -> Self {
        self.supervisor
            .rare()
            .tokens
            .push(Box::pin(token.cancelled_owned()));
        self
    }

    /// Fails the job with [`CauseKind::Timeout`](crate::CauseKind::Timeout) if it is not done by then. None by default.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::Job;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("fetch").timeout(Duration::from_secs(5));
    /// job.add_future("wait", std::future::pending::<teamwork::Result>());
    /// let failure = job.run().await.unwrap_err();
    /// assert_eq!(failure.to_string(), "job fetch: timed out after 5s");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "deadline")]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.supervisor.rare().deadlines.job = Some(timeout);
        self
    }

    /// Has everything that happens in the job, and in its children, recorded by this subscriber instead of the global one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_test_writer();
    /// let mut job = Job::new("import").subscriber(log.finish());
    /// job.add_fn("read", async |_: &Context| {
    ///     tracing::info!(lines = 7, "read"); // INFO job{name="import"}:task{name="read"}: … read lines=7
    ///     Ok(())
    /// });
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn subscriber(mut self, subscriber: impl Into<tracing::Dispatch>) -> Self {
        self.supervisor.rare().dispatch = Some(subscriber.into());
        self
    }

    /// What follows from a panic in a task, once everything is finalized. Fails the job by default.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// # use teamwork::{Context, Job, OnPanic};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut job = Job::new("strict").on_panic(OnPanic::Rethrow);
    /// job.add_fn("index", async |_: &Context| Ok([1, 2, 3].iter().position(|n| *n == 4).unwrap()));
    /// let _ = job.run().await; // panics here, after the finalizers
    /// # });
    /// ```
    pub fn on_panic(mut self, policy: OnPanic) -> Self {
        self.supervisor.rare().on_panic = policy;
        self
    }

    /// How long a drain lasts before it becomes a finish. For ever by default.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::Job;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let second = Duration::from_secs(1);
    /// let mut job = Job::new("server").drain_deadline(second * 20).grace(second * 5);
    /// job.add_future("deaf", std::future::pending::<teamwork::Result>());
    /// job.handle().drain();
    /// let report = job.run().await?; // 20 s for what has begun, 5 s for the call that each task is in, then a cut.
    /// assert_eq!(report.elapsed(), second * 25); // Virtual time.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn drain_deadline(mut self, deadline: Duration) -> Self {
        self.supervisor.rare().deadlines.drain = Some(deadline);
        self
    }

    /// How long a finish waits for `run` calls to complete before it cuts them. [`GRACE`](crate::GRACE) by default.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job, TaskOutcome};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("server").grace(Duration::from_secs(3));
    /// job.add_future("deaf", std::future::pending::<teamwork::Result>());
    /// job.add_fn("done", async |cx: &Context| Ok(cx.job().finish()));
    /// let report = job.run().await?;
    /// assert_eq!(report.task("deaf").map(|task| task.outcome), Some(TaskOutcome::Cut));
    /// assert_eq!(report.elapsed(), Duration::from_secs(3)); // Virtual time.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.supervisor.rare().deadlines.grace = grace;
        self
    }

    /// How long finalizers may take: one by one while the job runs, all together when it stops. [`FINALIZER_DEADLINE`](crate::FINALIZER_DEADLINE) by default.
    ///
    /// When half of it is over, a finalizer that hangs no longer holds up those after it; when all of it is over, those that
    /// have not ended are dropped and reported as [`Leaked`](crate::TaskOutcome::Leaked). With [`Duration::ZERO`], each is polled once: a
    /// finalizer may not wait for anything then.
    ///
    /// Runs that were cut have as long to end, and a tenth of a second at the least. It takes them a turn of the runtime, unless they keep
    /// their thread.
    ///
    /// Child jobs have to be through in that time, finalizers included, whatever their own deadlines are: each level has half of
    /// the time of the one above for the levels below it, and what is left of it for its own finalizers.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::Job;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// // A service manager kills the program 30 s after it was asked to end.
    /// let second = Duration::from_secs(1);
    /// let job = Job::new("server").drain_deadline(second * 15).grace(second * 5).finalizer_deadline(second * 5);
    /// # job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn finalizer_deadline(self, deadline: Duration) -> Self {
        self.supervisor.core.set_finalizer_deadline(deadline);
        self
    }

    /// How many tasks the job may have at a time while it runs; more are refused as [`Full`](crate::Why::Full). No limit by default.
    ///
    /// All count that have not ended: those that were added before the job ran, and that which adds the others. Who adds them waits for a
    /// [`place`](crate::JobHandle::place).
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("downloads").max_tasks(1 + 4); // "feed", and four at a time.
    /// job.add_fn("feed", async |cx: &Context| {
    ///     for page in 0..100 {
    ///         let Some(place) = cx.job().place().await else {
    ///             break; // The job is to end.
    ///         };
    ///         place.add_fn(format!("page {page}"), async move |_: &Context| Ok(()))?;
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(job.run().await?.come_and_gone(), 100);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "concurrency", alias = "semaphore")]
    pub fn max_tasks(mut self, max: usize) -> Self {
        self.supervisor.rare().max_tasks = Some(u32::try_from(max).unwrap_or(u32::MAX));
        self
    }

    /// Has the job poll its tasks inside the future that awaits it, instead of spawning them: no spawn, no lock, the same rules.
    ///
    /// Inline jobs in inline jobs are polled on one stack, as futures in futures are, so keep it to some hundreds of levels.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// for peer in ["ann", "bob"] {
    ///     // A connection: one runtime task, though it has two tasks of its own.
    ///     let mut connection = Job::new(peer).inline().isolated();
    ///     connection.add_fn("read", async |_: &Context| Ok(()));
    ///     connection.add_fn("write", async |_: &Context| Ok(()));
    ///     server.add_job(connection);
    /// }
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn inline(self) -> Self {
        self.supervisor.core.set_inline();
        self
    }

    /// As a child of another job, the job fails alone: its failure is reported by its parent as
    /// [secondary](crate::Report::secondary) and logged, and nothing else comes of it. This is what a connection is to its server.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut connection = Job::new("connection").isolated();
    /// connection.add_fn("serve", async |_: &Context| -> teamwork::Result { Err("reset by peer".into()) });
    /// let mut server = Job::new("server");
    /// server.add_job(connection);
    /// let report = server.run().await?; // it did not fail
    /// assert_eq!(report.secondary()[0].to_string(), "connection: serve: reset by peer");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn isolated(mut self) -> Self {
        self.supervisor.set_isolated();
        self
    }

    /// Gives the job a thread of its own when it runs as a child of another job: all that it does happens there, on a
    /// current-thread runtime with its own clock and its own sockets. This is how a server has one loop per core.
    ///
    /// The parent's drain, finish and cancel reach it as they reach any child, and its end is its parent's to wait for: the
    /// thread is gone then. A job that is not a child runs where its future is awaited, whatever is said here.
    ///
    /// The child fails, with the error of the system as its cause, when there can be no thread.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// for core in 0..2 {
    ///     let mut worker = Job::new(format!("core {core}")).on_own_thread();
    ///     worker.add_fn("serve", async |_: &Context| Ok(()));
    ///     server.add_job(worker);
    /// }
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn on_own_thread(mut self) -> Self {
        self.supervisor.rare().own_thread = true;
        self
    }
}
