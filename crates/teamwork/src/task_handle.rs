//! The typed result of one task.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use crate::{
    Cause,
    engine::{core::Core, machine::Exit},
};

/// How a task ended without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    Stopped,
    Cut,
    Failed,
}

impl Unfinished {
    pub(crate) fn from_exit(exit: &Exit) -> Self {
        match exit {
            Exit::Done | Exit::FinishJob | Exit::Stopped => Self::Stopped,
            Exit::NeverStarted | Exit::Cut | Exit::Leaked(_) => Self::Cut,
            Exit::Failed(_) => Self::Failed,
        }
    }
}

/// Why a task has no value to give.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, TaskError};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("job");
/// let sum = job.add_fn("sum", async |cx: &Context| {
///     cx.wait(std::future::pending::<()>()).await;
///     Ok(7)
/// }).handle();
/// job.handle().finish();
/// job.run().await?;
/// match sum.await {
///     Ok(sum) => println!("{sum}"),
///     Err(TaskError::Stopped) => println!("it was stopped before it knew"),
///     Err(TaskError::Failed(cause)) => println!("it could not: {cause:?}"),
///     Err(error @ TaskError::Taken) => return Err(error.into()),
/// }
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub enum TaskError {
    /// It was stopped at a safe point because its job finished, or its idle timeout ended it.
    Stopped,
    /// It was cut, failed, or never started. The cause is that of its job, which may lie in another task.
    Failed(Option<Arc<Cause>>),
    /// It had one, which has been taken: a handle yields it once.
    Taken,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the task was stopped before it had a value"),
            Self::Failed(None) => f.write_str("the task ended without a value"),
            Self::Taken => f.write_str("the value of the task has been taken"),
            Self::Failed(Some(cause)) => write!(f, "the task ended without a value: {cause}"),
        }
    }
}

impl std::error::Error for TaskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(Some(cause)) => std::error::Error::source(&**cause),
            _ => None,
        }
    }
}

/// Where a driver leaves its task's value for the handle.
struct Slot<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Open {
        taker: Option<Waker>,
        /// Made when somebody waits for the end, and not for the value.
        ended: Option<Arc<Notify>>,
    },
    Filled(T),
    Taken,
    Without(TaskError),
}

impl<T> State<T> {
    /// The value, once; or why there is none.
    fn take(&mut self) -> Result<T, TaskError> {
        match std::mem::replace(self, Self::Taken) {
            Self::Filled(value) => Ok(value),
            Self::Without(error) => {
                *self = Self::Without(error.clone());
                Err(error)
            }
            Self::Open { .. } | Self::Taken => Err(TaskError::Taken),
        }
    }
}

impl<T> Slot<T> {
    fn set(&self, value: Result<T, TaskError>) {
        let over = match value {
            Ok(value) => State::Filled(value),
            Err(error) => State::Without(error),
        };
        let before = std::mem::replace(&mut *self.lock(), over);
        let State::Open { taker, ended } = before else {
            return;
        };
        if let Some(ended) = ended {
            ended.notify_waiters();
        }
        if let Some(taker) = taker {
            taker.wake();
        }
    }

    fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open { .. })
    }

    /// How the task has ended; or what calls when it has.
    fn end(&self) -> Result<Result<(), TaskError>, Arc<Notify>> {
        match &mut *self.lock() {
            State::Open { ended, .. } => Err(ended.get_or_insert_default().clone()),
            State::Filled(_) | State::Taken => Ok(Ok(())),
            State::Without(error) => Ok(Err(error.clone())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a slot that the driver holds: if the driver is dropped before it ends, the handle learns of it, and why.
pub(crate) struct Filler<T> {
    slot: Arc<Slot<T>>,
    core: Arc<Core>,
}

impl<T> Filler<T> {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        let state = Mutex::new(State::Open {
            taker: None,
            ended: None,
        });
        Self {
            slot: Arc::new(Slot { state }),
            core: core.clone(),
        }
    }

    pub(crate) fn handle(&self) -> TaskHandle<T> {
        TaskHandle {
            slot: self.slot.clone(),
        }
    }

    /// The cause of an optional task that has failed is its own; else it is that of the job.
    pub(crate) fn fill(&self, value: Result<T, Unfinished>, own: Option<&Arc<Cause>>) {
        self.slot.set(value.map_err(|unfinished| match unfinished {
            Unfinished::Stopped => TaskError::Stopped,
            Unfinished::Cut | Unfinished::Failed => {
                TaskError::Failed(own.or(self.core.cause()).cloned())
            }
        }));
    }
}

impl<T> Drop for Filler<T> {
    fn drop(&mut self) {
        if self.slot.is_open() {
            self.fill(Err(Unfinished::Cut), None);
        }
    }
}

/// Yields the value of a task once the task has ended, its finalizer included.
///
/// There is one value, and one who takes it: whoever awaits the handle, by value or by `&mut`. Any number may wait for the
/// [end](Self::wait) of the task. Dropping the handle does nothing to the task.
///
/// # Cancel safety
///
/// Awaiting `&mut handle` is cancel safe: the value stays until it is taken.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("job");
/// let (one, two) = (
///     job.add_fn("one", async |_: &Context| Ok(1)).handle(),
///     job.add_fn("two", async |_: &Context| Ok("two")).handle(),
/// );
/// job.run().await?;
/// assert_eq!((one.await?, two.await?), (1, "two")); // Typed, and in whatever order one likes.
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[doc(alias = "JoinHandle")]
pub struct TaskHandle<T> {
    slot: Arc<Slot<T>>,
}

impl<T> TaskHandle<T> {
    /// Whether the task has ended.
    pub fn is_ended(&self) -> bool {
        !self.slot.is_open()
    }

    /// Waits for the end of the task, its finalizer included, and leaves the value where it is. Any number may wait, before the end and
    /// after it, whether the value has been taken or not; what this returns does not borrow the handle, so it can go to another task.
    ///
    /// # Errors
    ///
    /// Why the task had no value to give.
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
    /// let mut job = Job::new("import");
    /// let lines = job.add_fn("read", async |_: &Context| Ok(7)).handle();
    /// for name in ["index", "notify"] {
    ///     let is_read = lines.wait();
    ///     job.add_fn(name, async move |cx: &Context| Ok(cx.wait(is_read).await?));
    /// }
    /// job.run().await?;
    /// assert_eq!(lines.await?, 7);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn wait(&self) -> impl Future<Output = Result<(), TaskError>> + Send + use<T>
    where
        T: Send,
    {
        let slot = self.slot.clone();
        async move {
            loop {
                let ended = match slot.end() {
                    Ok(end) => return end,
                    Err(ended) => ended,
                };
                let mut ended = pin!(ended.notified());
                // Counts as waiting from here on, so that an end after the second look is not missed.
                ended.as_mut().enable();
                if slot.is_open() {
                    ended.await;
                }
            }
        }
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self.slot.lock() {
            State::Open { taker, .. } => {
                *taker = Some(cx.waker().clone());
                Poll::Pending
            }
            over => Poll::Ready(over.take()),
        }
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("is_ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}
