//! A bounded pool for work that keeps a core busy.

use std::{
    fmt,
    future::{Future, poll_fn},
    num::NonZero,
    panic::resume_unwind,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Poll},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::{CauseKind, Context, Flow, Result, Task, engine::panics};

/// A bounded pool for CPU-bound work: so many calls at a time, so many waiting, and no more.
///
/// Calls run on Tokio's blocking threads, never on its workers. A call that has begun cannot be dropped; its [`StopFlag`] is
/// raised when nobody waits for it any more, and long work should look at it. Its place in the pool is free when it has ended.
///
/// The runtime starts a thread for a call that finds none idle, and keeps it for ten seconds. Where memory matters, bound its
/// threads by the size of the pool as well: `tokio::runtime::Builder::max_blocking_threads`.
///
/// # Examples
///
/// ```
/// # use std::num::NonZero;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let pool = teamwork::BlockingPool::new(NonZero::<usize>::MIN, 4);
/// let sum = pool.run(|stop| (0..1000_u64).take_while(|_| !stop.is_stopped()).sum::<u64>()).await?;
/// assert_eq!(sum, 499_500);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[doc(alias = "spawn_blocking")]
#[derive(Clone)]
pub struct BlockingPool {
    /// One permit per call that runs or waits.
    places: Arc<Semaphore>,
    /// One permit per call that runs.
    threads: Arc<Semaphore>,
    size: usize,
    queue: usize,
}

/// Raised when nobody waits for a call any more.
///
/// # Examples
///
/// A function that looks at it can be called without a pool, with a flag that is never raised:
///
/// ```
/// # use teamwork::StopFlag;
/// fn count(stop: &StopFlag) -> u32 {
///     (0..1000).take_while(|_| !stop.is_stopped()).count() as u32
/// }
/// assert_eq!(count(&StopFlag::default()), 1000);
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Whether the result of this call is no longer wanted.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The pool has no place left; the call was not made.
///
/// # Examples
///
/// ```
/// # use std::num::NonZero;
/// # use teamwork::{BlockingPool, Full};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
/// let _taken = pool.try_run(|_| ())?;
/// assert_eq!(pool.try_run(|_| ()).err(), Some(Full));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every place in the pool is taken")
    }
}

impl std::error::Error for Full {}

/// Why a call has no result.
///
/// # Examples
///
/// ```
/// # use std::num::NonZero;
/// # use teamwork::{BlockingPool, PoolError};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
/// let error = pool.run(|_| std::panic::resume_unwind(Box::new("no such codec"))).await;
/// assert!(matches!(error, Err::<(), _>(PoolError::Panicked(_)))); // The pool goes on.
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub enum PoolError {
    /// It panicked; a [`CauseKind::Panic`].
    Panicked(CauseKind),
    /// The runtime is shutting down.
    Closed,
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(CauseKind::Panic { message, .. }) => {
                write!(f, "the call panicked: {message}")
            }
            Self::Panicked(_) => f.write_str("the call panicked"),
            Self::Closed => f.write_str("the runtime is shutting down"),
        }
    }
}

impl std::error::Error for PoolError {}

/// Raises the flag when the future that waits for the call is dropped.
struct RaiseOnDrop(StopFlag);

impl RaiseOnDrop {
    fn raise(&self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.raise();
    }
}

impl BlockingPool {
    /// A pool that runs `threads` calls at a time and lets `queue` more wait.
    pub fn new(threads: NonZero<usize>, queue: usize) -> Self {
        let size = threads.get().min(Semaphore::MAX_PERMITS / 2);
        let queue = queue.min(Semaphore::MAX_PERMITS / 2);
        let (places, threads) = (
            Arc::new(Semaphore::new(size + queue)),
            Arc::new(Semaphore::new(size)),
        );
        Self {
            places,
            threads,
            size,
            queue,
        }
    }

    /// Takes a place for a call, or says at once that there is none. The call is made when the future is first polled.
    ///
    /// Dropping the future gives the place back if the call has not begun, and raises its [`StopFlag`] if it has.
    ///
    /// # Errors
    ///
    /// [`Full`] if every place is taken.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::num::NonZero;
    /// # use teamwork::{BlockingPool, Full};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
    /// let first = pool.try_run(|_| 2 + 2)?; // It has the only place, from here on.
    /// match pool.try_run(|_| 3 + 3) {
    ///     Ok(_) => println!("200"),
    ///     Err(Full) => println!("503, Retry-After: 1"),
    /// }
    /// assert_eq!(first.await?, 4);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn try_run<T, F>(
        &self,
        call: F,
    ) -> Result<impl Future<Output = Result<T, PoolError>> + Send + use<T, F>, Full>
    where
        T: Send + 'static,
        F: FnOnce(&StopFlag) -> T + Send + 'static,
    {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Full)?;
        Ok(self.clone().begin(place, Box::new(call)))
    }

    /// Waits for a place, then makes the call.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if the call panicked or the runtime is shutting down.
    ///
    /// # Cancel safety
    ///
    /// Dropping this before the call has begun makes no call; after, the call goes on with its [`StopFlag`] raised.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::num::NonZero;
    /// # use teamwork::BlockingPool;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let pool = BlockingPool::new(NonZero::<usize>::MIN, 4);
    /// let digits = pool.run(|stop| {
    ///     let mut digits = 0;
    ///     for number in 0..100_000_u32 {
    ///         if number % 1024 == 0 && stop.is_stopped() {
    ///             break; // Nobody waits for this any more.
    ///         }
    ///         digits += number.to_string().len();
    ///     }
    ///     digits
    /// });
    /// assert_eq!(digits.await?, 488_890);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&StopFlag) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let place = self
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| PoolError::Closed)?;
        self.clone().begin(place, Box::new(call)).await
    }

    /// How many calls run.
    pub fn busy(&self) -> usize {
        self.size - self.threads.available_permits()
    }

    /// How many calls wait for a thread.
    pub fn queued(&self) -> usize {
        (self.size + self.queue - self.places.available_permits()).saturating_sub(self.busy())
    }

    /// A task that makes this call: it waits for a place at a safe point, and is done when the call is.
    ///
    /// The call is asked to end through its [`StopFlag`] when the job finishes or is cancelled, and the job waits for that: as long as
    /// for any run, then as for a finalizer. One that still does not end is reported as [`Leaked`](crate::TaskOutcome::Leaked).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::num::NonZero;
    /// # use teamwork::Job;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let pool = teamwork::BlockingPool::new(NonZero::<usize>::MIN, 4);
    /// let mut job = Job::new("sums");
    /// let sum = job.add_task("sum", pool.task(|stop| Ok((0..1000_u64).take_while(|_| !stop.is_stopped()).sum::<u64>()))).handle();
    /// job.run().await?;
    /// assert_eq!(sum.await?, 499_500);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn task<T, F>(&self, call: F) -> Blocking<T>
    where
        T: Send + 'static,
        F: FnOnce(&StopFlag) -> Result<T> + Send + 'static,
    {
        Blocking {
            pool: self.clone(),
            call: Some(Box::new(call)),
            under_way: None,
        }
    }

    /// Waits for a thread, then makes the call.
    async fn begin<T: Send + 'static>(
        self,
        place: OwnedSemaphorePermit,
        call: Call<T>,
    ) -> Result<T, PoolError> {
        self.start(place, call).await?.await
    }

    /// Waits for a thread, then has it make the call.
    #[expect(clippy::disallowed_methods, reason = "this is the bounded pool")]
    async fn start<T: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        call: Call<T>,
    ) -> Result<UnderWay<T>, PoolError> {
        let thread = self.threads.clone().acquire_owned().await;
        let thread = thread.map_err(|_| PoolError::Closed)?;
        let flag = StopFlag::default();
        let raise = RaiseOnDrop(flag.clone());
        let called = tokio::task::spawn_blocking(move || {
            let result = panics::catch(|| call(&flag));
            drop((thread, place));
            result
        });
        Ok(UnderWay { called, raise })
    }
}

type Call<T> = Box<dyn FnOnce(&StopFlag) -> T + Send>;

/// A call on its thread.
struct UnderWay<T> {
    called: JoinHandle<Result<T, Box<CauseKind>>>,
    raise: RaiseOnDrop,
}

impl<T> Future for UnderWay<T> {
    type Output = Result<T, PoolError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.called).poll(cx).map(|joined| {
            joined
                .map_err(|_| PoolError::Closed)?
                .map_err(|panic| PoolError::Panicked(*panic))
        })
    }
}

/// A call on a thread of a pool, as a task; see [`BlockingPool::task`].
///
/// # Examples
///
/// ```
/// # use std::num::NonZero;
/// # use teamwork::{Blocking, BlockingPool, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// /// A call that many jobs have in common.
/// fn checksum(pool: &BlockingPool, bytes: Vec<u8>) -> Blocking<u64> {
///     pool.task(move |_| Ok(bytes.iter().map(|byte| u64::from(*byte)).sum()))
/// }
///
/// let pool = BlockingPool::new(NonZero::<usize>::MIN, 4);
/// let mut job = Job::new("sums");
/// let sum = job.add_task("sum", checksum(&pool, vec![1, 2, 3])).handle();
/// job.run().await?;
/// assert_eq!(sum.await?, 6);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Blocking<T> {
    pool: BlockingPool,
    call: Option<Call<Result<T>>>,
    under_way: Option<UnderWay<Result<T>>>,
}

impl<V: ?Sized + Send + Sync + 'static, T: Send + 'static> Task<V> for Blocking<T> {
    type Output = T;

    async fn run(&mut self, cx: &Context<V>) -> Result<Flow<T>> {
        if let Some(call) = self.call.take() {
            let place = cx.wait(self.pool.places.clone().acquire_owned()).await?;
            self.under_way = Some(cx.wait(self.pool.start(place, call)).await?);
        }
        let under_way = self.under_way.as_mut().ok_or("a call is made once")?;
        let returned = poll_fn(|task| {
            if cx.is_stopping() {
                under_way.raise.raise();
            }
            Pin::new(&mut *under_way).poll(task)
        })
        .await;
        self.under_way = None;
        match returned {
            Ok(result) => result.map(Flow::Done),
            Err(PoolError::Panicked(CauseKind::Panic { message, location })) => {
                let at = location.map_or_else(String::new, |at| format!(" (at {at})"));
                // It goes on as the panic of this task, without a second word about it in the output.
                resume_unwind(Box::new(format!("{message}{at}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for a call that is still under way; its result is dropped.
    async fn finalize(&mut self, _: &Context<V>) -> Result {
        if let Some(under_way) = self.under_way.take() {
            under_way.raise.raise();
            let _too_late = under_way.await;
        }
        Ok(())
    }
}

impl<T> fmt::Debug for Blocking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking")
            .field("pool", &self.pool)
            .field("is_under_way", &self.under_way.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("busy", &self.busy())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
