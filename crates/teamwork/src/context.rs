//! What a routine sees of its job.

mod waits;

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering},
    },
    task,
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::{
    Cause, JobHandle, NoValue, Routine,
    engine::{
        core::{Core, Look},
        machine::Signal,
    },
    name::Name,
};

pub use self::waits::{TaskWaker, Wait};

/// The first pause after [`Flow::Idle`](crate::Flow::Idle); each further one is twice as long, up to [`IDLE_PAUSE_MAX`].
pub const IDLE_PAUSE_MIN: Duration = Duration::from_millis(1);

/// The longest pause between two `run` calls of an idle task.
pub const IDLE_PAUSE_MAX: Duration = Duration::from_millis(100);

/// [`Context::touch`] was called since the idle clock was last set.
const TOUCHED: u16 = 1;
/// [`Context::wake`] was called since the task was last idle.
const WOKEN: u16 = 2;
/// The core knows something of this task.
const KNOWN: u16 = 4;
/// The driver is on a runtime task of its own.
const AWAY: u16 = 8;
/// An attempt of the task has failed, and another begins.
const AGAIN: u16 = 16;
/// It is not the context of a driver: if that breaks, somebody else tells the job.
const LENT: u16 = 32;
/// The driver is not polled before the job lets it through the start gate.
const AT_GATE: u16 = 64;
/// Where the signal under which the waker is registered is noted, plus one; 0 is none.
const REGISTERED_SHIFT: u16 = 7;

/// What a task's routines see of their job: its value, its cause, its signals, and a handle on it.
///
/// `V` is the job's value. A context is only ever lent to a routine, so it cannot outlive its task.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("session").add_oneshot_fn("log in", async |_: &Context| Ok("Ann"));
/// job.add_fn("greet", async |cx: &Context<&'static str>| {
///     println!("{}: hello, {}", cx.name(), cx.value());
///     cx.wait(std::future::pending::<()>()).await; // A finish ends it right here.
///     Ok(())
/// });
/// job.add_fn("leave", async |cx: &Context<&'static str>| Ok(cx.job().finish()));
/// job.run().await?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Context<V: ?Sized = NoValue> {
    pub(crate) core: Arc<Core>,
    name: Name,
    ticks: AtomicU64,
    slot: u32,
    bits: AtomicU16,
    /// The task waits at a safe point: a finish may stop it right there. Apart from the others, because only the task writes it.
    is_waiting: AtomicBool,
    value: PhantomData<fn() -> Box<V>>,
}

impl<V: ?Sized> Context<V> {
    pub(crate) fn new(core: Arc<Core>, name: Name, slot: u32) -> Self {
        let (ticks, bits) = (AtomicU64::new(0), AtomicU16::new(0));
        Self {
            core,
            name,
            ticks,
            slot,
            bits,
            is_waiting: AtomicBool::new(false),
            value: PhantomData,
        }
    }

    /// The task's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn task_name(&self) -> Name {
        self.name.clone()
    }

    /// The task's index in its job: 0 for a oneshot; unique among the tasks that are alive.
    pub fn index(&self) -> usize {
        self.slot as usize
    }

    /// How many `run` calls of this task returned [`Flow::Tick`](crate::Flow::Tick).
    pub fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// A handle on the job, to add tasks or to stop it. It does not keep the job alive.
    pub fn job(&self) -> JobHandle<V> {
        JobHandle::observing(self.core.clone())
    }

    /// Why the job stops: the first interruption, or `None` if there was none (so far).
    ///
    /// It is set before the stop signal is given.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Job, Result, Task};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// struct Export;
    ///
    /// impl Task for Export {
    ///     type Output = ();
    ///
    ///     async fn run(&mut self, cx: &Context) -> Result<Flow> {
    ///         cx.wait(std::future::pending::<()>()).await;
    ///         Ok(Flow::Tick)
    ///     }
    ///
    ///     async fn finalize(&mut self, cx: &Context) -> Result {
    ///         match cx.cause() {
    ///             None => println!("commit"),
    ///             Some(cause) => println!("roll back: {cause}"),
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// # let mut job = Job::new("export");
    /// # job.add_task("export", Export);
    /// # job.handle().finish();
    /// # job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn cause(&self) -> Option<Arc<Cause>> {
        self.core.cause().cloned()
    }

    /// Whether the job accepts no more tasks: it drains, finishes or is cancelled.
    pub fn is_draining(&self) -> bool {
        self.core.signal() >= Signal::Drain
    }

    /// Whether the job is to end now: it finishes or is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("search").timeout(Duration::from_secs(1));
    /// job.add_fn("index", async |cx: &Context| {
    ///     for _page in 0..1000 {
    ///         if cx.is_stopping() {
    ///             break; // What has been found so far is worth having.
    ///         }
    ///         tokio::time::sleep(Duration::from_millis(1)).await;
    ///     }
    ///     Ok(())
    /// });
    /// job.handle().finish();
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn is_stopping(&self) -> bool {
        self.core.signal() >= Signal::Finish
    }
}

impl<V: Send + Sync + 'static> Context<V> {
    /// The job's value: what its oneshot returned.
    ///
    /// # Panics
    ///
    /// In the oneshot itself, which runs before there is a value; it cannot name this type, so this takes effort.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// struct Config {
    ///     workers: u32,
    /// }
    ///
    /// let mut job = Job::new("service").add_oneshot_fn("configure", async |_: &Context| Ok(Config { workers: 4 }));
    /// job.add_fn("work", async |cx: &Context<Config>| {
    ///     println!("one of {}", cx.value().workers);
    ///     Ok(())
    /// });
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn value(&self) -> &V {
        let value = self
            .core
            .value()
            .expect("tasks start after the oneshot has set the value");
        value
            .downcast_ref()
            .expect("a job's type is that of its oneshot's output")
    }
}

/// For the task's driver.
impl<V: ?Sized> Context<V> {
    pub(crate) fn slot(&self) -> u32 {
        self.slot
    }

    #[inline]
    pub(crate) fn ticked(&self) {
        // The driver is the only writer.
        self.ticks
            .store(self.ticks.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Says how the task is, to those who look.
    #[cold]
    pub(crate) fn answer(&self) {
        let look = Look {
            ticks: self.ticks(),
            is_waiting: self.is_waiting(),
            same_for: None,
            child: None,
        };
        self.core.answer(self.slot, look);
    }

    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn take_touched(&self) -> bool {
        self.bits.fetch_and(!TOUCHED, Ordering::Relaxed) & TOUCHED != 0
    }

    fn bell(&self) -> Arc<Notify> {
        self.bits.fetch_or(KNOWN, Ordering::Relaxed);
        self.core.bell(self.slot)
    }

    /// Whether the driver is on a runtime task of its own.
    #[inline]
    pub(crate) fn is_away(&self) -> bool {
        self.bits.load(Ordering::Relaxed) & AWAY != 0
    }

    pub(crate) fn set_away(&self, away: bool) {
        let keep = self.bits.load(Ordering::Relaxed) & !AWAY;
        self.bits
            .store(keep | if away { AWAY } else { 0 }, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_at_gate(&self) -> bool {
        self.bits.load(Ordering::Relaxed) & AT_GATE != 0
    }

    pub(crate) fn set_at_gate(&mut self) {
        *self.bits.get_mut() |= AT_GATE;
    }

    fn is_lent(&self) -> bool {
        self.bits.load(Ordering::Relaxed) & LENT != 0
    }

    pub(crate) fn set_lent(&self) {
        self.bits.fetch_or(LENT, Ordering::Relaxed);
    }

    /// Notes how to wake this task when the signal rises above this one. `false` if it has risen already.
    pub(crate) fn is_registered(&self, seen: Signal, cx: &task::Context<'_>) -> bool {
        let level = (seen as u16 + 1) << REGISTERED_SHIFT;
        let bits = self.bits.load(Ordering::Relaxed);
        if bits >> REGISTERED_SHIFT == level >> REGISTERED_SHIFT {
            return true;
        }
        let others = bits & ((1 << REGISTERED_SHIFT) - 1);
        self.bits.store(others | level, Ordering::Relaxed);
        self.core.register(self.slot, cx.waker(), seen)
    }

    /// Whether this is not the first attempt.
    #[inline]
    pub(crate) fn is_again(&self) -> bool {
        self.bits.load(Ordering::Relaxed) & AGAIN != 0
    }

    pub(crate) fn set_again(&self) {
        self.bits.fetch_or(AGAIN, Ordering::Relaxed);
    }

    /// Calls a routine of which the machine takes the task to be in its run. It is noted, should the task never come out of it: before
    /// the call if that can keep another thread, and unless the routine is the one that does nothing.
    #[inline]
    pub(crate) fn enter<F>(&self, routine: Routine, call: impl FnOnce() -> F) -> F {
        if self.is_away() && size_of::<F>() > 1 {
            self.note_routine(Some(routine));
        }
        call()
    }

    #[cold]
    pub(crate) fn note_routine(&self, routine: Option<Routine>) {
        self.bits.fetch_or(KNOWN, Ordering::Relaxed);
        self.core.note_routine(self.slot, routine);
    }

    /// The task is where the machine takes it to be.
    #[inline]
    pub(crate) fn leave_routine(&self) {
        if self.bits.load(Ordering::Relaxed) & KNOWN != 0 {
            self.core.note_routine(self.slot, None);
        }
    }

    /// Forgets what others need to reach this task.
    pub(crate) fn end(&self) {
        if self.bits.load(Ordering::Relaxed) & KNOWN != 0 {
            self.core.forget(self.slot);
        }
    }

    /// Pauses an idle task: until it is woken or the pause is over. `idled` is how often it paused in a row.
    pub(crate) fn idle(&self, idled: &mut u8) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if self.bits.fetch_and(!WOKEN, Ordering::Relaxed) & WOKEN != 0 {
            *idled = 0;
            return Box::pin(std::future::ready(()));
        }
        let this_pause = (IDLE_PAUSE_MIN * (1 << *idled)).min(IDLE_PAUSE_MAX);
        *idled = (*idled + 1).min(7);
        let bell = self.bell();
        Box::pin(self.wait(async move {
            // Both ends of the pause mean the same: call `run` again.
            let _ = timeout(this_pause, bell.notified()).await;
        }))
    }
}

impl<V: ?Sized> Drop for Context<V> {
    /// A driver that panics outside of the routines (a subscriber has, or there is no clock on this runtime) is gone. On a runtime task
    /// nobody else would learn of it, and its job would wait for ever.
    fn drop(&mut self) {
        if std::thread::panicking() && self.is_away() && !self.is_lent() {
            self.end();
            self.core.mourn(self.slot);
        }
    }
}

impl<V: ?Sized> fmt::Debug for Context<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("job", &self.core.name)
            .field("task", &self.name)
            .finish_non_exhaustive()
    }
}
