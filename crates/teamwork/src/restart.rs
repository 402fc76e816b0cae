//! Tasks and jobs that are started again after a failure.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

use crate::{CauseKind, Context, Flow, Job, Result, Task, engine::panics};

/// The pause before the first restart.
pub const RESTART_PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause before a restart.
pub const RESTART_PAUSE_MAX: Duration = Duration::from_secs(30);

/// How often a task or a child job is started again before its failure counts.
///
/// Each attempt has a fresh state, and begins only when the one before has been finalized. The pause before it doubles with each
/// restart in the window, from [`RESTART_PAUSE_MIN`] to [`RESTART_PAUSE_MAX`] unless set otherwise, and is shortened at random by up to a
/// half, so that many that failed together do not come back together. (This is the "equal jitter" of *Exponential Backoff And
/// Jitter*, AWS Architecture Blog, 2015; the window is that of OTP's supervisors.)
///
/// An attempt that ends for another reason than its own failure is not repeated: it is done, or its job stops.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Flow, Job, Restart, Result, Task};
/// struct Poll(u32);
///
/// impl Task for Poll {
///     type Output = ();
///     async fn run(&mut self, _: &Context) -> Result<Flow> {
///         teamwork::ensure!(self.0 > 1, "the server is not there yet");
///         Ok(Flow::Done(()))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut attempt = 0;
/// let five_in_a_minute = Restart::at_most(5, Duration::from_secs(60));
/// let mut job = Job::new("watch");
/// job.add_task("poll", five_in_a_minute.task(move || {
///     attempt += 1;
///     Poll(attempt)
/// }));
/// job.run().await?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[doc(alias = "retry", alias = "backoff")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    most: u32,
    within: Duration,
    pause_min: Duration,
    pause_max: Duration,
}

impl Restart {
    /// At most `most` restarts in any span of time as long as `within`; one more failure counts.
    pub fn at_most(most: u32, within: Duration) -> Self {
        Self {
            most,
            within,
            pause_min: RESTART_PAUSE_MIN,
            pause_max: RESTART_PAUSE_MAX,
        }
    }

    /// How long the first pause is, and the longest. Without any, an attempt that fails at once is followed by the next at once, as often as
    /// there may be one; others have their turn in between.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::Restart;
    /// let policy = Restart::at_most(3, Duration::from_secs(60)).pause(Duration::from_millis(10), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub fn pause(mut self, min: Duration, max: Duration) -> Self {
        self.pause_min = min;
        self.pause_max = max.max(min);
        self
    }

    /// A task that `make` makes anew for each attempt; a panic in that is a failure of the attempt.
    pub fn task<F, T>(self, make: F) -> Restarting<F, T>
    where
        F: FnMut() -> T + Send + 'static,
        T: Send + 'static,
    {
        Restarting {
            make,
            current: None,
            past: Past::new(self),
        }
    }

    /// A child job that `make` makes anew for each attempt. It counts when it is added to another job.
    ///
    /// Options of the job belong into `make`: set on what this returns, they hold for the first attempt, as do handles on that.
    /// ([`isolated`](Job::isolated) is what the child is to its parent, and holds for all.)
    ///
    /// A panic in `make` is a failure of that attempt; the first call is made here, and panics here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{sync::{Arc, atomic::{AtomicU32, Ordering}}, time::Duration};
    /// # use teamwork::{Context, Job, Restart, ensure};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let dial = Arc::new(AtomicU32::new(0));
    /// let once_more = Restart::at_most(1, Duration::from_secs(60));
    /// let mut parent = Job::new("client");
    /// parent.add_job(once_more.job(move || {
    ///     let dial = dial.clone();
    ///     let mut session = Job::new("session").timeout(Duration::from_secs(5));
    ///     session.add_fn("dial", async move |_: &Context| {
    ///         ensure!(dial.fetch_add(1, Ordering::Relaxed) > 0, "engaged");
    ///         Ok(())
    ///     });
    ///     session
    /// }));
    /// parent.run().await?; // The second attempt went well.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn job<W: ?Sized + 'static>(
        self,
        mut make: impl FnMut() -> Job<W> + Send + 'static,
    ) -> Job<W> {
        let mut past = Past::new(self);
        let first = make();
        first.restarting(Box::new(move || {
            let pause = past.next()?;
            Some((pause, panics::catch(|| make().into_supervisor())))
        }))
    }
}

/// How many points in time are kept of the restarts in the window.
const KEPT_MAX: usize = 1024;

/// The restarts so far.
#[derive(Debug)]
struct Past {
    policy: Restart,
    /// When those in the window were, and how many at a time. Once there are [`KEPT_MAX`], the oldest count as of the one after them, so
    /// that they are in the window for a little longer.
    recent: VecDeque<(Instant, u32)>,
    random: RandomState,
}

impl Past {
    fn new(policy: Restart) -> Self {
        Self {
            policy,
            recent: VecDeque::new(),
            random: RandomState::new(),
        }
    }

    /// The pause before another attempt, if there may be one.
    fn next(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let is_past = |(at, _): &(Instant, u32)| now.duration_since(*at) >= self.policy.within;
        while self.recent.front().is_some_and(is_past) {
            self.recent.pop_front();
        }
        let counts = self.recent.iter().map(|(_, many)| *many);
        let recent = counts.fold(0, u32::saturating_add);
        if recent >= self.policy.most {
            return None;
        }
        if self.recent.len() == KEPT_MAX
            && let Some((_, many)) = self.recent.pop_front()
            && let Some((_, next)) = self.recent.front_mut()
        {
            *next = next.saturating_add(many);
        }
        self.recent.push_back((now, 1));
        let doubled = 2_u32.saturating_pow(recent);
        let pause = self.policy.pause_min.saturating_mul(doubled);
        let pause = pause.min(self.policy.pause_max);
        // The hasher is keyed at random, and the instant differs each time.
        let dice = self.random.hash_one((now, recent)) as u32;
        Some(pause - pause.mul_f64(f64::from(dice) / f64::from(u32::MAX) / 2.0))
    }
}

/// A task that is made anew after a failure; see [`Restart::task`].
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Flow, Job, Restart, Restarting, Result, Task};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// struct Probe;
/// # impl Task for Probe {
/// #     type Output = ();
/// #     async fn run(&mut self, _: &Context) -> Result<Flow> { Ok(Flow::Done(())) }
/// # }
///
/// /// The policy of this program, in one place.
/// fn patient<T: Task>(make: impl FnMut() -> T + Send + 'static) -> Restarting<impl FnMut() -> T, T> {
///     Restart::at_most(5, Duration::from_secs(60)).task(make)
/// }
///
/// let mut job = Job::new("watch");
/// job.add_task("probe", patient(|| Probe));
/// job.run().await?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Restarting<F, T> {
    make: F,
    current: Option<T>,
    past: Past,
}

impl<F, T> Restarting<F, T> {
    fn current(&mut self) -> Result<&mut T> {
        self.current
            .as_mut()
            .ok_or_else(|| "a restarting task runs after its init".into())
    }
}

impl<V, F, T> Task<V> for Restarting<F, T>
where
    V: ?Sized + Send + Sync + 'static,
    F: FnMut() -> T + Send + 'static,
    T: Task<V>,
{
    type Output = T::Output;

    fn init(&mut self, cx: &Context<V>) -> impl Future<Output = Result> + Send {
        let fresh = (self.make)();
        self.current.insert(fresh).init(cx)
    }

    async fn run(&mut self, cx: &Context<V>) -> Result<Flow<T::Output>> {
        self.current()?.run(cx).await
    }

    async fn finalize(&mut self, cx: &Context<V>) -> Result {
        match self.current.take() {
            Some(mut old) => old.finalize(cx).await,
            None => Ok(()),
        }
    }

    fn restart(&mut self, _: &CauseKind) -> Option<Duration> {
        self.past.next()
    }
}

impl<F, T> fmt::Debug for Restarting<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restarting")
            .field("past", &self.past)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_and_are_cut_by_at_most_a_half() {
        let second = Duration::from_secs(1);
        let policy = Restart::at_most(9, second * 600).pause(second, second * 60);
        let mut past = Past::new(policy);
        for whole in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let pause = past.next().unwrap();
            assert!(
                pause <= second * whole && pause >= second * whole / 2,
                "{pause:?}"
            );
        }
        assert_eq!(past.next(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn restarts_that_are_long_past_do_not_count() {
        let mut past = Past::new(Restart::at_most(2, Duration::from_secs(10)));
        assert!(past.next().is_some() && past.next().is_some() && past.next().is_none());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(past.next().is_some() && past.next().is_some() && past.next().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_restarts_are_counted_in_bounded_memory() {
        let most = 5 * KEPT_MAX;
        let mut past = Past::new(Restart::at_most(most as u32, Duration::from_secs(10)));
        for _ in 0..2 {
            let restarts = std::iter::from_fn(|| past.next()).count();
            assert_eq!((restarts, past.recent.len()), (most, KEPT_MAX));
            tokio::time::advance(Duration::from_secs(10)).await;
        }
    }
}
