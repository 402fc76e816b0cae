//! A handle on a job: to stop it, to add to it, to wait for it.

mod adding;

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
    By, Cause, CauseKind, Events, Failure, NoValue, Place, Report, Result, Snapshot, Why,
    engine::{core::Core, machine::Signal},
    snapshot,
};

/// A handle on a job. Cloning it is cheap.
///
/// The handle of [`run_in_background`](crate::Job::run_in_background) owns the job: when its last clone is dropped, the job is
/// cancelled. Handles from [`Job::handle`](crate::Job::handle) and [`Context::job`](crate::Context::job) only observe.
///
/// Any handle keeps the job's value, and its report when it has ended. So a value that holds a handle on its own job is never freed.
///
/// A handle can be awaited: as the future of [`Job::run`](crate::Job::run) does, that gives the report of a job that is done, and the [`Failure`] of
/// any other. Clones of it can be awaited elsewhere; [`wait`](Self::wait) gives the report whatever became of the job, and the handle stays.
///
/// # Cancel safety
///
/// What awaits a handle holds it: in a `timeout` or a `select!`, keep a clone, or the job is cancelled with its last owner.
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

    /// Accepts no more tasks; running ones end by themselves. After [`Job::drain_deadline`](crate::Job::drain_deadline) it becomes a finish.
    ///
    /// Before or during the start the job starts as ever, so that its tasks can see that there is nothing to begin.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("accept", async |cx: &Context| {
    ///     while let Some(_request) = cx.unless_draining(std::future::pending::<()>()).await {}
    ///     println!("nothing new is accepted");
    ///     Ok(())
    /// });
    /// let server = server.run_in_background().await?;
    /// server.drain();
    /// server.await?; // When what has begun is done.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "close")]
    pub fn drain(&self) {
        self.core.stop(Signal::Drain, None);
    }

    /// Has every task complete the `run` call it is in, and calls none again; tasks inside [`Context::wait`](crate::Context::wait) or idle stop right
    /// there. After [`Job::grace`](crate::Job::grace) what is left is cut. The outcome is [`Done`](crate::Outcome::Done).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Flow, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("ticker");
    /// job.add_recurrent("tick", (), async |_: &mut (), cx: &Context| {
    ///     cx.wait(tokio::time::sleep(Duration::from_secs(1))).await; // The finish ends it here.
    ///     println!("tick");
    ///     Ok(Flow::<()>::Tick)
    /// });
    /// let ticker = job.run_in_background().await?;
    /// tokio::time::sleep(Duration::from_millis(2500)).await;
    /// ticker.finish();
    /// assert_eq!(ticker.await?.task("tick").map(|task| task.ticks), Some(2));
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "stop", alias = "shutdown")]
    pub fn finish(&self) {
        self.core.stop(Signal::Finish, None);
    }

    /// Cuts every `run` at its next await point. The outcome is [`Cancelled`](crate::Outcome::Cancelled), unless the job was
    /// already failing.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::Job;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("upload");
    /// job.add_future("upload", std::future::pending::<teamwork::Result>());
    /// let upload = job.run_in_background().await?;
    /// upload.cancel("the user closed the window");
    /// let failure = upload.await.unwrap_err();
    /// assert!(failure.is_cancelled());
    /// assert_eq!(failure.to_string(), "job upload: cancelled by the caller: the user closed the window");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "abort", alias = "kill")]
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
    /// Cancelling it does nothing to the job; see [`Job::stop_on`](crate::Job::stop_on) for the other direction.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::Job;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("part");
    /// let token = job.handle().token();
    /// job.add_future("old code", async move {
    ///     token.cancelled().await; // It knows nothing of jobs.
    ///     Ok(())
    /// });
    /// let part = job.run_in_background().await?;
    /// part.finish();
    /// part.await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "CancellationToken")]
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
    #[doc(alias = "subscribe")]
    pub fn events(&self) -> Events {
        Events::new(self.core.listen_in())
    }

    /// Whether the job has ended.
    pub fn is_ended(&self) -> bool {
        self.core.is_ended()
    }

    /// Waits for the end of the job. Any number of handles may wait; a task of the job itself keeps it from ending by that.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job, Outcome};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("import");
    /// job.add_fn("read", async |_: &Context| {
    ///     tokio::time::sleep(Duration::from_millis(5)).await;
    ///     Ok("x".parse::<u8>()?)
    /// });
    /// let import = job.run_in_background().await?;
    /// let report = import.wait().await; // Whatever became of it: no error to unpack.
    /// assert_eq!(report.outcome(), Outcome::Failed);
    /// println!("{report}");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "join")]
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("serve", async |cx: &Context| {
    ///     cx.wait(std::future::pending::<()>()).await;
    ///     Ok(())
    /// });
    /// let handle = server.handle();
    /// let (ended, ()) = tokio::join!(server.run(), async {
    ///     assert!(handle.room().await); // It runs now.
    ///     handle.finish();
    ///     assert!(!handle.room().await);
    /// });
    /// ended?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[must_use = "it says whether there ever will be room"]
    pub async fn room(&self) -> bool {
        self.core.room().await
    }

    /// Waits until the job would accept another task, and keeps a [`Place`] for it; `None` once the job never will again.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no place is taken unless this returns.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server").max_tasks(100);
    /// server.add_fn("accept", async |cx: &Context| {
    ///     // The place first: what is accepted can be served.
    ///     while let Some(place) = cx.job().place().await {
    ///         let peer = "a peer"; // … accept it …
    ///         place.add_fn(peer, async |_: &Context| Ok(()))?;
    /// #       break;
    ///     }
    ///     Ok(())
    /// });
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub async fn place(&self) -> Option<Place<V>> {
        let is_taken = self.core.place().await;
        is_taken.then(|| Place::new(self.core.clone()))
    }

    /// Keeps a [`Place`] for another task, if the job would accept one right now.
    ///
    /// # Errors
    ///
    /// [`Why`] it would not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job, Why};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server").max_tasks(1);
    /// server.add_fn("accept", async |cx: &Context| {
    ///     match cx.job().try_place() {
    ///         Ok(place) => drop(place.add_fn("serve", async |_: &Context| Ok(()))),
    ///         Err(Why::Full) => println!("503: come again later"), // There is "accept" itself.
    ///         Err(why) => return Err(why.into()),
    ///     }
    ///     Ok(())
    /// });
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn try_place(&self) -> Result<Place<V>, Why> {
        self.core.take_place()?;
        Ok(Place::new(self.core.clone()))
    }
}

impl<V: Send + Sync + 'static> JobHandle<V> {
    /// The job's value, once its oneshot is done: after [`run_in_background`](crate::Job::run_in_background) it is there, unless the job was
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
