//! A handle on a job: to stop it, to add to it, to wait for it.

use std::{
    borrow::Cow,
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
};

use tokio_util::sync::CancellationToken;

use crate::{
    By, Cause, CauseKind, Context, Events, Failure, Flow, Job, NoValue, Place, Refused, Report,
    Result, Snapshot, Task, TaskHandle, TaskOptions, Why,
    engine::{core::Core, machine::Signal},
    name::Name,
    place::{child_driver, task_driver},
    snapshot,
    task::{Anything, Once, OnceFn, Recurrent, StepFn},
    task_handle::Filler,
};

/// A handle on a job. Cloning it is cheap.
///
/// The handle of [`run_in_background`](Job::run_in_background) owns the job: when its last clone is dropped, the job is
/// cancelled. Handles from [`Job::handle`] and [`Context::job`] only observe.
///
/// Any handle keeps the job's value, and its report when it has ended. So a value that holds a handle on its own job is never freed.
///
/// A handle can be awaited: as the future of [`Job::run`] does, that gives the report of a job that is done, and the [`Failure`] of
/// any other. Clones of it can be awaited elsewhere; [`wait`](Self::wait) gives the report whatever became of the job, and the handle stays.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, Outcome};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("server");
/// job.add_fn("accept", async |cx: &Context| {
///     cx.wait(std::future::pending::<()>()).await;
///     Ok(())
/// });
/// let server = job.run_in_background().await?;
/// let observer = server.clone();
/// server.finish();
/// let report = server.await?;
/// assert_eq!((report.outcome(), observer.is_ended()), (Outcome::Done, true));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[must_use = "when the last handle that owns a job is dropped, the job is cancelled"]
pub struct JobHandle<V: ?Sized = NoValue> {
    core: Arc<Core>,
    owns: bool,
    value: PhantomData<fn() -> Box<V>>,
}

impl<V: ?Sized> JobHandle<V> {
    pub(crate) fn observing(core: Arc<Core>) -> Self {
        core.watch();
        Self {
            core,
            owns: false,
            value: PhantomData,
        }
    }

    pub(crate) fn owning(core: Arc<Core>) -> Self {
        core.own();
        Self {
            core,
            owns: true,
            value: PhantomData,
        }
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Accepts no more tasks; running ones end by themselves. After [`Job::drain_deadline`] it becomes a finish.
    ///
    /// Before or during the start the job starts as ever, so that its tasks can see that there is nothing to begin.
    pub fn drain(&self) {
        self.core.stop(Signal::Drain, None);
    }

    /// Has every task complete the `run` call it is in, and calls none again; tasks inside [`Context::wait`] or idle stop right
    /// there. After [`Job::grace`] what is left is cut. The outcome is [`Done`](crate::Outcome::Done).
    pub fn finish(&self) {
        self.core.stop(Signal::Finish, None);
    }

    /// Cuts every `run` at its next await point. The outcome is [`Cancelled`](crate::Outcome::Cancelled), unless the job was
    /// already failing.
    pub fn cancel(&self, reason: impl Into<Cow<'static, str>>) {
        let cause = Cause::of_job(CauseKind::cancelled(By::Caller, reason));
        self.core.stop(Signal::Cut, Some(cause));
    }

    /// The first interruption, if there was one.
    pub fn cause(&self) -> Option<Arc<Cause>> {
        self.core.cause().cloned()
    }

    /// Looks at the job and everything in it: who does what, how far it is, and since when it has made no progress.
    ///
    /// Tasks are asked, so it costs nothing when nobody looks; each level is waited for at most [`LOOK_TIME`](crate::LOOK_TIME), twice.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime, or in one without a clock.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut job = Job::new("server");
    /// job.add_fn("accept", async |cx: &Context| {
    ///     cx.wait(std::future::pending::<()>()).await;
    ///     Ok(())
    /// });
    /// let server = job.run_in_background().await?;
    /// assert_eq!(server.snapshot().await.to_string(), "server running\n└─ accept waiting");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub async fn snapshot(&self) -> Snapshot {
        snapshot::take(self.core.clone()).await
    }

    /// A token that is cancelled when the job is to end: it finishes, is cancelled, fails, or is over. For code that knows tokens and
    /// no jobs.
    ///
    /// Cancelling it does nothing to the job; see [`Job::stop_on`] for the other direction.
    pub fn token(&self) -> CancellationToken {
        // A child, so that whoever has it cannot cancel those of others.
        self.core.token().child_token()
    }

    /// What happens in the job from now on. Any number may listen; it costs the job next to nothing, and nothing when nobody does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Event, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut job = Job::new("greeter");
    /// job.add_fn("greet", async |_: &Context| Ok(()));
    /// let mut events = job.handle().events();
    /// job.run().await?;
    /// let mut told = Vec::new();
    /// while let Some(event) = events.next().await {
    ///     told.push(event.to_string());
    /// }
    /// let told = told.join(" · ");
    /// assert_eq!(told, "started · ready · greet is through: done · greet has ended: done · finalizing · ended: done");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn events(&self) -> Events {
        Events::new(self.core.listen_in())
    }

    /// Whether the job has ended.
    pub fn is_ended(&self) -> bool {
        self.core.is_ended()
    }

    /// Waits for the end of the job. Any number of handles may wait.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait(&self) -> Arc<Report> {
        self.core.ended().await
    }

    /// Waits until the job would accept another task; `false` once it never will again.
    ///
    /// Of several that wait, all are woken; the task can still be refused if another was faster. [`place`](Self::place) keeps the room.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    #[must_use = "it says whether there ever will be room"]
    pub async fn room(&self) -> bool {
        self.core.room().await
    }

    /// Waits until the job would accept another task, and keeps a [`Place`] for it; `None` once the job never will again.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no place is taken unless this returns.
    pub async fn place(&self) -> Option<Place<V>> {
        let is_taken = self.core.place().await;
        is_taken.then(|| Place::new(self.core.clone()))
    }

    /// Keeps a [`Place`] for another task, if the job would accept one right now.
    ///
    /// # Errors
    ///
    /// [`Why`] it would not.
    pub fn try_place(&self) -> Result<Place<V>, Why> {
        self.core.take_place()?;
        Ok(Place::new(self.core.clone()))
    }
}

/// Adding tasks to a running job. For options, and to wait for room, there is [`place`](Self::place).
impl<V: ?Sized + Send + Sync + 'static> JobHandle<V> {
    /// Adds a task to the job. It starts at once if the job is running, in its turn if the job is starting.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the task given back, once the job is closing or while it is full.
    pub fn add_task<T: Task<V>>(
        &self,
        name: impl Into<Cow<'static, str>>,
        task: T,
    ) -> Result<TaskHandle<T::Output>, Refused<T>> {
        self.add::<T, true>(name.into(), task)
    }

    /// Adds a state and an async closure that is called with it again and again; see [`Job::add_recurrent`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task); both are given back inside a [`Recurrent`].
    pub fn add_recurrent<S, F, O>(
        &self,
        name: impl Into<Cow<'static, str>>,
        state: S,
        call: F,
    ) -> Result<TaskHandle<O>, Refused<Recurrent<S, F, O>>>
    where
        S: Send + 'static,
        O: Send + 'static,
        F: for<'a> StepFn<&'a mut S, &'a Context<V>, Returned = Result<Flow<O>>>,
    {
        self.add::<_, false>(name.into(), Recurrent::new(state, call))
    }

    /// Adds an async closure that runs once, to completion; see [`Job::add_fn`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task); the closure is given back inside a [`Once`].
    pub fn add_fn<F, O>(
        &self,
        name: impl Into<Cow<'static, str>>,
        call: F,
    ) -> Result<TaskHandle<O>, Refused<Once<F, O>>>
    where
        O: Send + 'static,
        F: for<'a> OnceFn<V, &'a Context<V>, Returned = Result<O>>,
    {
        self.add::<_, false>(name.into(), Once::new(call))
    }

    /// Adds a future as a task; see [`Job::add_future`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task); the future is given back inside an [`Anything`].
    pub fn add_future<O: Send + 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: impl Future<Output = Result<O>> + Send + 'static,
    ) -> Result<TaskHandle<O>, Refused<Anything<O>>> {
        self.add::<_, false>(name.into(), Anything::new(future))
    }

    /// Adds a job as a task; see [`Job::add_job`]. This is how a server gives each connection a job of its own.
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task). A job cannot be part of the error of a task, so `?` wants to have [`why`](Refused::why) only.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("accept", async |cx: &Context| {
    ///     for _ in 0..3 {
    ///         let mut connection = Job::new("connection").inline().isolated();
    ///         connection.add_fn("serve", async |_: &Context| Ok(()));
    ///         cx.job().add_job(connection).map_err(|refused| refused.why)?;
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(server.run().await?.come_and_gone(), 3);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[expect(
        clippy::result_large_err,
        reason = "a refused job is given back whole, and refusals are rare"
    )]
    pub fn add_job<W: ?Sized>(&self, child: Job<W>) -> Result<(), Refused<Job<W>>> {
        let name = child.task_name();
        let make = child_driver::<W>(&self.core);
        let added = self.core.add(name, child, make);
        added.map_err(|(task, why)| Refused { task, why })
    }

    fn add<T: Task<V>, const FINALIZES: bool>(
        &self,
        name: Cow<'static, str>,
        task: T,
    ) -> Result<TaskHandle<T::Output>, Refused<T>> {
        let name = Name::from(name);
        let filler = Filler::new(&self.core);
        let handle = filler.handle();
        let options = TaskOptions::new();
        let make = task_driver::<V, T, FINALIZES>(&self.core, &name, (options, filler));
        match self.core.add(name.clone(), task, make) {
            Ok(()) => Ok(handle),
            Err((task, why)) => Err(Refused { task, why }),
        }
    }
}

impl<V: Send + Sync + 'static> JobHandle<V> {
    /// The job's value, once its oneshot is done: after [`run_in_background`](Job::run_in_background) it is there, unless the job was
    /// finished on the way.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # use tokio::net::TcpListener;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let job = Job::new("server").add_oneshot_fn("bind", async |_: &Context| Ok(TcpListener::bind("127.0.0.1:0").await?));
    /// let server = job.run_in_background().await?;
    /// let listener = server.value().ok_or("it was stopped")?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn value(&self) -> Option<&V> {
        self.core.value()?.downcast_ref()
    }
}

/// A handle can be awaited any number of times, by its clones; see [`JobHandle`].
impl<V: ?Sized + 'static> IntoFuture for JobHandle<V> {
    type Output = Result<Report, Failure>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let report = self.wait().await;
            Failure::or_report(Report::clone(&report))
        })
    }
}

impl<V: ?Sized> Clone for JobHandle<V> {
    fn clone(&self) -> Self {
        if self.owns {
            Self::owning(self.core.clone())
        } else {
            Self::observing(self.core.clone())
        }
    }
}

impl<V: ?Sized> Drop for JobHandle<V> {
    fn drop(&mut self) {
        if self.owns && self.core.disown() && !self.core.is_ended() {
            let kind = CauseKind::cancelled(By::Drop, "nobody holds the job any more");
            self.core.stop(Signal::Cut, Some(Cause::of_job(kind)));
        }
    }
}

impl<V: ?Sized> fmt::Debug for JobHandle<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle")
            .field("job", &self.core.name)
            .field("owns", &self.owns)
            .finish_non_exhaustive()
    }
}
