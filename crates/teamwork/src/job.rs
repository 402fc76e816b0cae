//! The job: tasks are added to it, then it runs.

mod options;

use std::{
    any::TypeId,
    borrow::Cow,
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};

use crate::{
    Added, Context, Failure, Flow, JobHandle, NoValue, Report, Result, Run, Task,
    engine::{
        Kind,
        core::Core,
        drive::{Among, Extras, First, drive},
        nest::{drive_first_job, drive_job},
        panics,
        supervisor::{Again, Supervisor},
        sync,
    },
    name::Name,
    task::{Anything, Once, OnceFn, Recurrent, StepFn},
};

/// How long a finish waits for `run` calls to complete before it cuts them: what systemd's and Kubernetes' shorter defaults leave room for.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long the finalizers of a stopping job may take, all together.
pub const FINALIZER_DEADLINE: Duration = Duration::from_secs(10);

/// Tasks that start together, fail together and clean up together.
///
/// `V` is the job's value, the output of its oneshot; a job without one is a `Job<NoValue>`.
///
/// ```text
/// after ─▶ oneshot ─▶ init a ─▶ init b ─▶ ┬─ run a, run a, run a … ─┐
///                                         └─ run b, run b … ────────┴▶ finalize b ─▶ finalize a ─▶ finalize oneshot
/// ```
///
/// * A job waits for its prerequisites, runs its oneshot, then every `init` in the order of adding, then all `run`s at once.
/// * The first error, panic or timeout in any task cancels the others; it is the job's [`Cause`](crate::Cause).
/// * When the job stops, all runs end first; then the finalizers run in reverse order of start, whatever happened.
/// * A task that is done while the others go on is finalized at once. The oneshot is finalized last: what it made is what
///   the others rely on.
/// * The job ends when nothing that it started is left.
///
/// # Where tasks run
///
/// With [`run`](Self::run) each task is a Tokio task, in parallel with the others. A job marked [`inline`](Self::inline) polls
/// its tasks in the future that awaits it: no spawn, the same rules. That is cheap enough to be a connection.
///
/// # When is `JoinSet` enough?
///
/// When the tasks are independent, hold nothing that has to be cleaned up by async code, and may all be aborted at any await point.
///
/// # Examples
///
/// ```
/// use teamwork::{Context, Flow, Job};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut job = Job::new("numbers").add_oneshot_fn("limit", async |_: &Context| Ok(3_u64));
/// job.add_recurrent("count", 0, async |count: &mut u64, cx: &Context<u64>| {
///     *count += 1;
///     Ok(if count == cx.value() { Flow::FinishJob(()) } else { Flow::Tick })
/// });
/// job.add_fn("wait", async |cx: &Context<u64>| {
///     cx.wait(std::future::pending::<()>()).await; // stopped here when the job finishes
///     Ok(())
/// });
/// let report = job.run().await?;
/// assert_eq!(report.task("count").map(|task| task.ticks), Some(2));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[must_use = "a job does nothing until it is run"]
pub struct Job<V: ?Sized = NoValue> {
    supervisor: Supervisor,
    value: PhantomData<fn() -> Box<V>>,
}

impl Job {
    /// A job without tasks.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        panics::note_locations();
        Self {
            supervisor: Supervisor::new(Name::from(name.into())),
            value: PhantomData,
        }
    }

    /// Adds the oneshot: it runs first and alone, and its output becomes the job's value.
    ///
    /// There is at most one: the job that this returns has no such method. A oneshot may add tasks to the job; they start
    /// once it is done. It is finalized last.
    ///
    /// # Panics
    ///
    /// If a task has been added before: the oneshot has index 0.
    ///
    /// ```compile_fail
    /// # use teamwork::{Context, Job};
    /// let job = Job::new("two").add_oneshot_fn("a", async |_: &Context| Ok(1));
    /// job.add_oneshot_fn("b", async |_: &Context| Ok(2)); // a job has one oneshot
    /// ```
    pub fn add_oneshot_task<T: Task>(
        self,
        name: impl Into<Cow<'static, str>>,
        task: T,
    ) -> Job<T::Output>
    where
        T::Output: Sync,
    {
        self.add_oneshot::<T, true>(name.into(), task)
    }

    /// Adds the oneshot as an async closure; see [`add_oneshot_task`](Self::add_oneshot_task).
    ///
    /// # Panics
    ///
    /// If a task has been added before.
    pub fn add_oneshot_fn<F, O>(self, name: impl Into<Cow<'static, str>>, call: F) -> Job<O>
    where
        O: Send + Sync + 'static,
        F: for<'a> OnceFn<NoValue, &'a Context, Returned = Result<O>>,
    {
        self.add_oneshot::<_, false>(name.into(), Once::new(call))
    }

    /// Adds a whole job as the oneshot; see [`add_oneshot_task`](Self::add_oneshot_task). It runs to its end, finalizers included,
    /// before anything else starts, and its value becomes this job's value.
    ///
    /// If it fails or is cancelled, so is this job. If it is finished before it has a value, this job finishes. A [`Restart`](crate::Restart)
    /// makes it anew first, and the value is that of the last attempt.
    ///
    /// # Panics
    ///
    /// If a task has been added before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let connect = Job::new("connect").add_oneshot_fn("dial", async |_: &Context| Ok("a stream"));
    /// let mut job = Job::new("session").add_oneshot_job(connect);
    /// job.add_fn("use", async |cx: &Context<&'static str>| {
    ///     assert_eq!(*cx.value(), "a stream");
    ///     Ok(())
    /// });
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn add_oneshot_job<W: ?Sized + 'static>(mut self, child: Job<W>) -> Job<W> {
        self.expect_no_task();
        let name = child.task_name();
        let has_value = TypeId::of::<W>() != TypeId::of::<NoValue>();
        let driver = drive_first_job(child.supervisor, self.supervisor.next_home(), has_value);
        self.supervisor.expect_oneshot();
        self.supervisor.add(name, Box::pin(driver), Kind::Job);
        Job {
            supervisor: self.supervisor,
            value: PhantomData,
        }
    }

    fn expect_no_task(&self) {
        assert_eq!(
            self.supervisor.next_slot(),
            0,
            "the oneshot is added before every other task"
        );
    }

    fn add_oneshot<T: Task, const FINALIZES: bool>(
        mut self,
        name: Cow<'static, str>,
        task: T,
    ) -> Job<T::Output>
    where
        T::Output: Sync,
    {
        self.expect_no_task();
        let name = Name::from(name);
        let cx = Context::new(self.supervisor.core.clone(), name.clone(), 0);
        let driver = drive::<NoValue, T, First, FINALIZES>(task, cx, None);
        self.supervisor.expect_oneshot();
        self.supervisor.add(name, Box::pin(driver), Kind::Task);
        Job {
            supervisor: self.supervisor,
            value: PhantomData,
        }
    }
}

/// Adding tasks.
impl<V: ?Sized + Send + Sync + 'static> Job<V> {
    /// Adds a task. Its options follow on what is returned.
    pub fn add_task<T: Task<V>>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        task: T,
    ) -> Added<'_, V, T, true> {
        Added::new(self, name.into(), task)
    }

    /// Adds a state and an async closure that is called with it again and again.
    ///
    /// The closure must capture nothing (its state is the first argument), and its argument types must be written:
    /// `async |count: &mut u32, cx: &Context| …`.
    pub fn add_recurrent<S, F, O>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        state: S,
        call: F,
    ) -> Added<'_, V, Recurrent<S, F, O>, false>
    where
        S: Send + 'static,
        O: Send + 'static,
        F: for<'a> StepFn<&'a mut S, &'a Context<V>, Returned = Result<Flow<O>>>,
    {
        Added::new(self, name.into(), Recurrent::new(state, call))
    }

    /// Adds an async closure that runs once, to completion. It may capture; its argument type must be written:
    /// `async move |cx: &Context| …`.
    ///
    /// The whole of it is one `run` call: a finish waits for it, unless it waits inside [`Context::wait`].
    pub fn add_fn<F, O>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        call: F,
    ) -> Added<'_, V, Once<F, O>, false>
    where
        O: Send + 'static,
        F: for<'a> OnceFn<V, &'a Context<V>, Returned = Result<O>>,
    {
        Added::new(self, name.into(), Once::new(call))
    }

    /// Adds a future as a task. All of it is one `run` call, which no finish interrupts before the grace is over.
    pub fn add_future<O: Send + 'static>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        future: impl Future<Output = Result<O>> + Send + 'static,
    ) -> Added<'_, V, Anything<O>, false> {
        Added::new(self, name.into(), Anything::new(future))
    }

    /// Adds a job as a task. Its failure is a failure of this job; a stop of this job is passed on to it, and it has ended, its
    /// finalizers included, before the finalizers of this job run.
    pub fn add_job<W: ?Sized>(&mut self, child: Job<W>) {
        let name = child.task_name();
        let kind = child.supervisor.kind();
        let driver = drive_job(child.supervisor, self.supervisor.next_home());
        self.supervisor.add(name, Box::pin(driver), kind);
    }

    fn context(&self, name: Name) -> Context<V> {
        Context::new(
            self.supervisor.core.clone(),
            name,
            self.supervisor.next_slot(),
        )
    }

    pub(crate) fn push<T: Task<V>, const FINALIZES: bool>(
        &mut self,
        name: Cow<'static, str>,
        task: T,
        (extras, kind): (Option<Box<Extras<T::Output>>>, Kind),
    ) {
        let name = Name::from(name);
        let cx = self.context(name.clone());
        let driver = drive::<V, T, Among, FINALIZES>(task, cx, extras);
        self.supervisor.add(name, Box::pin(driver), kind);
    }
}

/// Running.
impl<V: ?Sized> Job<V> {
    /// The job's name.
    pub fn name(&self) -> &str {
        &self.supervisor.core.name
    }

    /// A handle to stop the job, or to add tasks to it while it runs. It does not keep the job alive.
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
    pub fn run(self) -> Run {
        Run::new(self.supervisor)
    }

    /// [`inline`](Self::inline) and [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_inline(self) -> Run {
        self.inline().run()
    }

    /// Runs the job on the runtime, and returns once its oneshot is done and all inits are through.
    ///
    /// The job is cancelled when the last clone of the handle is dropped.
    ///
    /// # Errors
    ///
    /// The job's [`Failure`] if it failed or was cancelled on the way.
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
    pub async fn run_in_background(self) -> Result<JobHandle<V>, Failure> {
        let core = self.supervisor.core.clone();
        let handle = JobHandle::owning(core.clone());
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

impl<V: ?Sized> fmt::Debug for Job<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name())
            .field("tasks", &self.supervisor.next_slot())
            .finish_non_exhaustive()
    }
}
