//! The job: tasks are added to it, then it runs.

mod options;
mod running;

use std::{any::TypeId, borrow::Cow, fmt, future::Future, marker::PhantomData, time::Duration};

use crate::{
    Added, Context, Flow, NoValue, Result, Task,
    engine::{
        Kind,
        drive::{Among, Extras, First, drive},
        nest::{drive_first_job, drive_job},
        panics,
        supervisor::Supervisor,
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
#[doc(
    alias = "nursery",
    alias = "scope",
    alias = "TaskGroup",
    alias = "supervisor"
)]
#[must_use = "a job does nothing until it is run"]
pub struct Job<V: ?Sized = NoValue> {
    supervisor: Supervisor,
    value: PhantomData<fn() -> Box<V>>,
}

impl Job {
    /// A job without tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Job, Outcome};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let empty = Job::new("nothing to do"); // A name that is computed, `format!("core {n}")`, is as good.
    /// assert_eq!(empty.run().await?.outcome(), Outcome::Done);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
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
        self.add_oneshot::<T, true>(Name::from(name.into()), task)
    }

    /// Adds the oneshot as an async closure; see [`add_oneshot_task`](Self::add_oneshot_task).
    ///
    /// # Panics
    ///
    /// If a task has been added before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("session").add_oneshot_fn("log in", async |_: &Context| Ok(String::from("token 17")));
    /// job.add_fn("ask", async |cx: &Context<String>| {
    ///     println!("with {}", cx.value()); // No `Option`: nothing else runs before there is a token.
    ///     Ok(())
    /// });
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn add_oneshot_fn<F, O>(self, name: impl Into<Cow<'static, str>>, call: F) -> Job<O>
    where
        O: Send + Sync + 'static,
        F: for<'a> OnceFn<NoValue, &'a Context, Returned = Result<O>>,
    {
        self.add_oneshot::<_, false>(Name::from(name.into()), Once::new(call))
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

    fn add_oneshot<T: Task, const FINALIZES: bool>(mut self, name: Name, task: T) -> Job<T::Output>
    where
        T::Output: Sync,
    {
        self.expect_no_task();
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Flow, Job, Result, Task};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// struct Flush {
    ///     written: Vec<String>,
    /// }
    ///
    /// impl Task for Flush {
    ///     type Output = usize;
    ///
    ///     async fn run(&mut self, _: &Context) -> Result<Flow<usize>> {
    ///         self.written.push("a line".to_owned());
    ///         Ok(if self.written.len() == 3 { Flow::Done(3) } else { Flow::Tick })
    ///     }
    /// }
    ///
    /// let mut job = Job::new("log");
    /// let lines = job.add_task("flush", Flush { written: vec![] }).timeout(Duration::from_secs(5)).handle();
    /// job.run().await?;
    /// assert_eq!(lines.await?, 3);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn add_task<T: Task<V>>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        task: T,
    ) -> Added<'_, V, T, true> {
        Added::new(self, Name::from(name.into()), task)
    }

    /// Adds a state and an async closure that is called with it again and again.
    ///
    /// The closure must capture nothing (its state is the first argument, several things are a tuple), and its argument types must be
    /// written: `async |count: &mut u32, cx: &Context| …`. One that never says [`Flow::Done`] has to say of what type that would be:
    /// `Ok(Flow::<()>::Tick)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Job};
    /// # use tokio::sync::mpsc;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (sender, receiver) = mpsc::channel(8);
    /// let mut job = Job::new("print");
    /// job.add_recurrent("printer", receiver, async |lines: &mut mpsc::Receiver<&str>, cx: &Context| {
    ///     let Some(line) = cx.wait(lines.recv()).await else {
    ///         return Ok(Flow::Done(()));
    ///     };
    ///     println!("{line}");
    ///     Ok(Flow::Tick)
    /// });
    /// job.add_fn("writer", async move |_: &Context| Ok(sender.send("hello").await?));
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
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
        Added::new(self, Name::from(name.into()), Recurrent::new(state, call))
    }

    /// Adds an async closure that runs once, to completion. It may capture; its argument type must be written:
    /// `async move |cx: &Context| …`. (Without it, rustc says that an "implementation of `FnOnce` is not general enough".)
    ///
    /// It returns a [`Result`](crate::Result), and `?` takes every error, that of `anyhow` as well.
    ///
    /// The whole of it is one `run` call: a finish waits for it, unless it waits inside [`Context::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let words = vec!["one", "two"];
    /// let mut job = Job::new("count");
    /// let letters = job.add_fn("letters", async move |_: &Context| {
    ///     Ok(words.iter().map(|word| word.len()).sum::<usize>())
    /// }).handle();
    /// job.run().await?;
    /// assert_eq!(letters.await?, 6);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "spawn")]
    pub fn add_fn<F, O>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        call: F,
    ) -> Added<'_, V, Once<F, O>, false>
    where
        O: Send + 'static,
        F: for<'a> OnceFn<V, &'a Context<V>, Returned = Result<O>>,
    {
        Added::new(self, Name::from(name.into()), Once::new(call))
    }

    /// Adds a future as a task. All of it is one `run` call, which no finish interrupts before the grace is over.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Job, Result};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// /// What knows nothing of jobs.
    /// async fn fetch(page: u32) -> Result<String> {
    ///     tokio::time::sleep(Duration::from_millis(20)).await;
    ///     Ok(format!("page {page}"))
    /// }
    ///
    /// let mut job = Job::new("book");
    /// let pages = [1, 2, 3].map(|page| job.add_future("fetch", fetch(page)).handle());
    /// job.run().await?; // If one fails, the others are cut.
    /// for (page, number) in pages.into_iter().zip(1..) {
    ///     assert_eq!(page.await?, format!("page {number}")); // In their order, whichever was first.
    /// }
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "spawn")]
    pub fn add_future<O: Send + 'static>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        future: impl Future<Output = Result<O>> + Send + 'static,
    ) -> Added<'_, V, Anything<O>, false> {
        Added::new(self, Name::from(name.into()), Anything::new(future))
    }

    /// Adds a job as a task. Its failure is a failure of this job; a stop of this job is passed on to it, and it has ended, its
    /// finalizers included, before the finalizers of this job run.
    ///
    /// To wait for it alone, to stop it alone, or to have its report, take its [`handle`](Self::handle) before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut press = Job::new("press");
    /// press.add_fn("print", async |_: &Context| Ok(()));
    /// let printed = press.handle();
    /// let mut factory = Job::new("factory");
    /// factory.add_job(press);
    /// factory.add_fn("pack", async move |_: &Context| {
    ///     let report = printed.await?; // That of the child.
    ///     println!("{} took {:?}", report.name(), report.elapsed());
    ///     Ok(())
    /// });
    /// factory.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn add_job<W: ?Sized>(&mut self, child: Job<W>) {
        let name = child.task_name();
        let kind = child.supervisor.kind();
        let driver = drive_job(child.supervisor, self.supervisor.next_home());
        self.supervisor.add_at_gate(name, Box::pin(driver), kind);
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
        name: Name,
        task: T,
        (extras, kind): (Option<Box<Extras<T::Output>>>, Kind),
    ) {
        let mut cx = self.context(name.clone());
        if FINALIZES {
            let driver = drive::<V, T, Among, true>(task, cx, extras);
            self.supervisor.add(name, Box::pin(driver), kind);
        } else {
            cx.set_at_gate();
            let driver = drive::<V, T, Among, false>(task, cx, extras);
            self.supervisor.add_at_gate(name, Box::pin(driver), kind);
        }
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
