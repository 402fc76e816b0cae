//! What a task is: one value with three routines.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::{CauseKind, Context, Result};

/// What a `run` call says about how to go on.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Result, Task};
/// struct Poll {
///     inbox: Vec<&'static str>,
/// }
///
/// impl Task for Poll {
///     type Output = usize;
///
///     async fn run(&mut self, _: &Context) -> Result<Flow<usize>> {
///         Ok(match self.inbox.pop() {
///             Some("stop") => Flow::FinishJob(self.inbox.len()), // The job as well; so many are left.
///             Some("end") => Flow::Done(self.inbox.len()),
///             Some(_letter) => Flow::Tick,
///             None => Flow::Idle, // Looks again a little later.
///         })
///     }
/// }
/// ```
#[must_use = "a flow is the answer of `run`; dropped, it says nothing to the job"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow<T = ()> {
    /// Progress was made: call `run` again. Resets the idle clock. A task that always says this lets its neighbours have their turn all the
    /// same: each tick uses up some of the budget that Tokio gives a task.
    Tick,
    /// There is nothing to do: call `run` again after [`Context::wake`], or after a back-off that doubles from 1 ms to 100 ms.
    Idle,
    /// This task is done; its [`TaskHandle`](crate::TaskHandle) yields the value.
    Done(T),
    /// This task is done, and the whole job finishes normally.
    FinishJob(T),
}

/// Marks a job without a oneshot, and so without a value.
///
/// It is unsized, which is why [`Context::value`] does not compile in such a job:
///
/// ```compile_fail
/// let mut job = teamwork::Job::new("no oneshot");
/// job.add_fn("reader", async |cx: &teamwork::Context| {
///     let value = cx.value(); // the method exists for jobs with a value only
///     Ok(())
/// });
/// ```
#[derive(Debug)]
pub struct NoValue {
    _unsized: [()],
}

/// A task: one value with three routines, the second of which is called again and again.
///
/// `V` is the job's value, what its oneshot returned; a task that needs none leaves it out.
///
/// ```text
/// init ── run ── run ── run … ── finalize
///           Tick   Tick   Done(value) | FinishJob(value) | error | panic | cut
/// ```
///
/// * [`init`](Self::init) is called once. The inits of a job's tasks run one after the other, in the order of adding.
/// * [`run`](Self::run) is called again and again, concurrently with the other tasks' runs, until it says otherwise.
/// * [`finalize`](Self::finalize) is called exactly once if `init` was started, however the task ended.
///
/// An error or a panic in any of them is a failure of the job.
///
/// # Cancel safety
///
/// Under [`finish`](crate::JobHandle::finish) a `run` call is never torn, unless it outlives the grace: it is completed, or
/// it stops inside [`Context::wait`]. Under [`cancel`](crate::JobHandle::cancel) and after a failure it is dropped at its next
/// await point; `finalize` then sees the state that this left in `self`.
///
/// # Examples
///
/// ```
/// use teamwork::{Context, Flow, Job, Result, Task};
///
/// struct Countdown(u32);
///
/// impl Task for Countdown {
///     type Output = &'static str;
///
///     async fn run(&mut self, _cx: &Context) -> Result<Flow<&'static str>> {
///         self.0 -= 1;
///         Ok(if self.0 == 0 { Flow::Done("lift-off") } else { Flow::Tick })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut job = Job::new("launch");
/// let countdown = job.add_task("countdown", Countdown(10)).handle();
/// job.run().await?;
/// assert_eq!(countdown.await?, "lift-off");
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
///
/// A flow cannot be forgotten:
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// fn flow() -> teamwork::Flow { teamwork::Flow::Tick }
/// flow();
/// ```
#[doc(alias = "Service", alias = "Actor")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task of a job whose value is `{V}`",
    note = "the value of a job is the output of its oneshot (`NoValue` without one): `impl Task<{V}> for …`, with `&Context<{V}>` in its routines",
    note = "closures are added by `add_fn` and `add_recurrent`, futures by `add_future`, and jobs by `add_job`"
)]
pub trait Task<V: ?Sized = NoValue>: Send + 'static {
    /// What [`Flow::Done`] carries.
    type Output: Send + 'static;

    /// Prepares the task. Does nothing by default.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Result, Task};
    /// # use tokio::net::TcpListener;
    /// struct Listen {
    ///     listener: Option<TcpListener>,
    /// }
    ///
    /// impl Task for Listen {
    ///     type Output = ();
    ///
    ///     /// Nothing of the job runs before every init is through.
    ///     async fn init(&mut self, _: &Context) -> Result {
    ///         self.listener = Some(TcpListener::bind("127.0.0.1:0").await?);
    ///         Ok(())
    ///     }
    ///
    ///     async fn run(&mut self, cx: &Context) -> Result<Flow> {
    ///         let listener = self.listener.as_ref().ok_or("a task runs after its init")?;
    ///         let (_stream, _peer) = cx.wait(listener.accept()).await?;
    ///         Ok(Flow::Tick)
    ///     }
    /// }
    /// ```
    fn init(&mut self, cx: &Context<V>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Does one piece of work.
    fn run(&mut self, cx: &Context<V>) -> impl Future<Output = Result<Flow<Self::Output>>> + Send;

    /// Cleans up. Does nothing by default.
    ///
    /// It is shielded from the job's cancellation and has a deadline instead
    /// ([`Job::finalizer_deadline`](crate::Job::finalizer_deadline)). [`Context::cause`] says why the job stops, if it does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Result, Task};
    /// struct Export {
    ///     rows: Vec<String>,
    ///     is_whole: bool,
    /// }
    ///
    /// impl Task for Export {
    ///     type Output = ();
    ///
    ///     async fn run(&mut self, _: &Context) -> Result<Flow> {
    ///         self.rows.push("a row".to_owned());
    ///         self.is_whole = self.rows.len() == 3;
    ///         Ok(if self.is_whole { Flow::Done(()) } else { Flow::Tick })
    ///     }
    ///
    ///     async fn finalize(&mut self, cx: &Context) -> Result {
    ///         if !self.is_whole {
    ///             println!("throw {} rows away: {:?}", self.rows.len(), cx.cause());
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    fn finalize(&mut self, cx: &Context<V>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Says whether the task is to start over after a failure, and after which pause. Never by default; [`Restart`](crate::Restart) has a policy.
    ///
    /// It is asked when `init` or `run` has failed, panicked or run out of time while the job goes on. If it gives a pause, the failure
    /// does not count: the task is finalized, the pause is waited for, and then it begins again with its `init`, which has to put its
    /// state back. The failure does count if that finalizer fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{CauseKind, Context, Flow, Job, Result, Task};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// struct Fetch {
    ///     attempts: u32,
    /// }
    ///
    /// impl Task for Fetch {
    ///     type Output = u32;
    ///
    ///     async fn run(&mut self, _: &Context) -> Result<Flow<u32>> {
    ///         self.attempts += 1;
    ///         teamwork::ensure!(self.attempts == 3, "not yet");
    ///         Ok(Flow::Done(self.attempts))
    ///     }
    ///
    ///     fn restart(&mut self, failure: &CauseKind) -> Option<Duration> {
    ///         let is_worth_it = matches!(failure, CauseKind::Error(_)) && self.attempts < 5;
    ///         is_worth_it.then_some(Duration::from_millis(10))
    ///     }
    /// }
    ///
    /// let mut job = Job::new("fetch");
    /// let attempts = job.add_task("fetch", Fetch { attempts: 0 }).handle();
    /// job.run().await?;
    /// assert_eq!(attempts.await?, 3);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    fn restart(&mut self, failure: &CauseKind) -> Option<Duration> {
        let _ = failure;
        None
    }
}

/// An async function of a context that can be called once.
///
/// It is implemented for closures and functions; there is no need to implement it. It exists because stable Rust cannot yet
/// say that the future of an `AsyncFnOnce` is `Send`.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, NoValue, OnceFn, Result};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// /// Adds what every job of this program has.
/// fn add_logged<F>(job: &mut Job, name: &'static str, call: F)
/// where
///     F: for<'a> OnceFn<NoValue, &'a Context, Returned = Result>,
/// {
///     println!("{name} is added");
///     job.add_fn(name, call);
/// }
///
/// let mut job = Job::new("job");
/// add_logged(&mut job, "greet", async |_: &Context| Ok(()));
/// job.run().await?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an async closure of a context",
    note = "write `async move |cx: &Context<…>| …`; futures are added by `add_future`"
)]
pub trait OnceFn<V: ?Sized, C>: FnOnce(C) -> Self::Future + Send + 'static {
    /// The future it returns.
    type Future: Future<Output = Self::Returned> + Send;
    /// What that future resolves to.
    type Returned;
}

impl<V: ?Sized, C, F, R> OnceFn<V, C> for F
where
    F: FnOnce(C) -> R + Send + 'static,
    R: Future + Send,
{
    type Future = R;
    type Returned = R::Output;
}

/// An async function of a state and a context that can be called again and again.
///
/// It is implemented for functions and for closures that capture nothing; there is no need to implement it.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Flow, Job, Result, StepFn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// /// Adds what is not to be idle for longer than the others.
/// fn add_lively<S: Send + 'static, F>(job: &mut Job, name: &'static str, state: S, step: F)
/// where
///     F: for<'a> StepFn<&'a mut S, &'a Context, Returned = Result<Flow>>,
/// {
///     job.add_recurrent(name, state, step).idle_timeout(Duration::from_secs(8));
/// }
///
/// let mut job = Job::new("job");
/// add_lively(&mut job, "count", 3, async |left: &mut u32, _: &Context| {
///     *left -= 1;
///     Ok(if *left == 0 { Flow::Done(()) } else { Flow::Tick })
/// });
/// job.run().await?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an async closure of a state and a context",
    note = "write `async |state: &mut State, cx: &Context<…>| …`, without captures"
)]
pub trait StepFn<S, C>: FnMut(S, C) -> Self::Future + Send + 'static {
    /// The future it returns.
    type Future: Future<Output = Self::Returned> + Send;
    /// What that future resolves to.
    type Returned;
}

impl<S, C, F, R> StepFn<S, C> for F
where
    F: FnMut(S, C) -> R + Send + 'static,
    R: Future + Send,
{
    type Future = R;
    type Returned = R::Output;
}

/// A closure that runs to completion, as a task.
///
/// This is how [`JobHandle::add_fn`](crate::JobHandle::add_fn) gives a closure back that it refuses.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, Refused};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let (one, other) = (Job::new("one").max_tasks(0), Job::new("other"));
/// let work = async |_: &Context| Ok(());
/// if let Err(Refused { task, .. }) = one.handle().add_fn("work", work) { // It comes back as a task.
///     let mut other = other;
///     other.add_task("work", task);
///     other.run().await?;
/// }
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Once<F, O> {
    call: Option<F>,
    output: PhantomData<fn() -> O>,
}

impl<F, O> fmt::Debug for Once<F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl<F, O> Once<F, O> {
    pub(crate) fn new(call: F) -> Self {
        Self {
            call: Some(call),
            output: PhantomData,
        }
    }
}

impl<V, F, O> Task<V> for Once<F, O>
where
    V: ?Sized + Send + Sync + 'static,
    O: Send + 'static,
    F: for<'a> OnceFn<V, &'a Context<V>, Returned = Result<O>>,
{
    type Output = O;

    fn run(&mut self, cx: &Context<V>) -> impl Future<Output = Result<Flow<O>>> + Send {
        let called = self.call.take().map(|call| call(cx));
        Called { called }
    }
}

pin_project! {
    /// The one call of a closure. An async block would hold the call twice, before it awaits it and while it does.
    struct Called<F> {
        #[pin]
        called: Option<F>,
    }
}

impl<O, F: Future<Output = Result<O>>> Future for Called<F> {
    type Output = Result<Flow<O>>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        match self.project().called.as_pin_mut() {
            Some(called) => called.poll(cx).map_ok(Flow::Done),
            None => Poll::Ready(Err("a one-off task was run twice".into())),
        }
    }
}

/// A future, as a task; see [`Job::add_future`](crate::Job::add_future).
///
/// # Examples
///
/// ```
/// # use teamwork::Job;
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let job = Job::new("fetch"); // It does not run yet.
/// let refused = job.handle().add_future("page", async { Ok("a page") }).unwrap_err();
/// let mut job = job;
/// let page = job.add_task("page", refused.task).handle();
/// job.run().await?;
/// assert_eq!(page.await?, "a page");
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Anything<O> {
    future: Pin<Box<dyn Future<Output = Result<O>> + Send>>,
}

impl<O> Anything<O> {
    pub(crate) fn new(future: impl Future<Output = Result<O>> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
        }
    }
}

impl<V: ?Sized + Send + Sync + 'static, O: Send + 'static> Task<V> for Anything<O> {
    type Output = O;

    async fn run(&mut self, _: &Context<V>) -> Result<Flow<O>> {
        self.future.as_mut().await.map(Flow::Done)
    }
}

impl<O> fmt::Debug for Anything<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anything").finish_non_exhaustive()
    }
}

/// A state and a function of it, as a task.
///
/// This is how [`JobHandle::add_recurrent`](crate::JobHandle::add_recurrent) gives back what it refuses.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let job = Job::new("counter"); // It does not run yet.
/// let count = async |count: &mut u32, _: &Context| {
///     *count += 1;
///     Ok(if *count == 3 { Flow::Done(*count) } else { Flow::Tick })
/// };
/// let refused = job.handle().add_recurrent("count", 0, count).unwrap_err();
/// let mut job = job;
/// let counted = job.add_task("count", refused.task).handle();
/// job.run().await?;
/// assert_eq!(counted.await?, 3);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Recurrent<S, F, O> {
    state: S,
    call: F,
    output: PhantomData<fn() -> O>,
}

impl<S, F, O> fmt::Debug for Recurrent<S, F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recurrent").finish_non_exhaustive()
    }
}

impl<S, F, O> Recurrent<S, F, O> {
    pub(crate) fn new(state: S, call: F) -> Self {
        Self {
            state,
            call,
            output: PhantomData,
        }
    }
}

impl<V, S, F, O> Task<V> for Recurrent<S, F, O>
where
    V: ?Sized + Send + Sync + 'static,
    S: Send + 'static,
    O: Send + 'static,
    F: for<'a> StepFn<&'a mut S, &'a Context<V>, Returned = Result<Flow<O>>>,
{
    type Output = O;

    async fn run(&mut self, cx: &Context<V>) -> Result<Flow<O>> {
        (self.call)(&mut self.state, cx).await
    }
}
