//! For tests of what is made of jobs: scripted tasks, a journal of what happens, virtual time. Behind the feature `test-util`.
//!
//! The library's own tests are written with it. Its tasks do what theirs do in the worst case: hang where nothing can stop them but a cut,
//! panic, take their time to clean up. Each step is noted, so that a test reads as the order it expects:
//!
//! ```
//! use std::time::Duration;
//! use teamwork::{Job, test_util::{Do, Journal, Scripted, paused}};
//!
//! paused(async {
//!     let journal = Journal::default();
//!     let mut job = Job::new("server");
//!     job.add_task("accept", Scripted::cooperative("accept").journal(&journal));
//!     job.add_task("flush", Scripted::cooperative("flush").finalize(Do::Sleep(5_000)).journal(&journal));
//!     job.add_task("probe", Scripted::new("probe", [Do::Tick, Do::Fail]).journal(&journal));
//!
//!     let failure = job.run().await.unwrap_err();
//!     assert_eq!(failure.cause().task(), Some("probe"));
//!     assert_eq!(failure.report().elapsed(), Duration::from_secs(5)); // of virtual time
//!     let steps = journal.text();
//!     assert!(steps.ends_with("fin probe · fin flush · fin accept"), "{steps}");
//! });
//! ```

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Context, Events, Flow, Result, Task};

/// What one routine of a [`Scripted`] task does.
///
/// # Examples
///
/// ```
/// # use teamwork::{Job, test_util::{Do, Journal, Scripted, paused}};
/// let journal = Journal::default();
/// let deaf = Scripted::new("deaf", [Do::Tick, Do::Hang]).finalize(Do::Sleep(50)).journal(&journal);
/// paused(async {
///     let mut job = Job::new("test");
///     job.add_task("deaf", deaf);
///     job.add_task("fails", Scripted::new("fails", [Do::FailAfter(10)]));
///     job.run().await.unwrap_err();
/// });
/// assert_eq!(journal.text(), "init deaf · run deaf · run deaf · cut deaf · fin deaf");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    /// Returns at once; of a run, that is a tick.
    Nothing,
    /// Makes progress.
    Tick,
    /// Fails with the error `NAME failed`.
    Fail,
    /// Panics with `NAME panicked`.
    Panic,
    /// Panics, without a word about it in the output.
    Unwind,
    /// Never ends, at no safe point: only a cut stops it.
    Hang,
    /// Never ends, at a safe point: a finish stops it.
    Wait,
    /// Sleeps for so many milliseconds, which belong to the call.
    Sleep(u64),
    /// Sleeps for so many milliseconds, then fails, in one call.
    FailAfter(u64),
    /// Sleeps for so many milliseconds, then is done, in one call.
    DoneAfter(u64),
    /// Has nothing to do.
    Idle,
    /// Is done.
    Done,
    /// Is done, and the job finishes.
    FinishJob,
}

/// The steps of all tasks of a test, in order. Clones write into the same journal.
///
/// # Examples
///
/// ```
/// # use teamwork::{Job, test_util::{Do, Journal, Scripted, paused}};
/// let journal = Journal::default();
/// paused(async {
///     let mut job = Job::new("test");
///     job.add_task("a", Scripted::new("a", [Do::Tick, Do::Done]).journal(&journal));
///     let told = journal.listen(job.handle().events());
///     let (ended, ()) = tokio::join!(job.run(), told); // events are steps as well
///     ended.unwrap();
/// });
/// assert!(journal.text().contains("run a · run a · fin a · a is through: done"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// Notes a step.
    pub fn note(&self, step: impl Into<String>) {
        self.lock().push(step.into());
    }

    /// Notes every event of a job until that is over.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropped, it notes no more.
    pub async fn listen(&self, mut events: Events) {
        while let Some(event) = events.next().await {
            self.note(event.to_string());
        }
    }

    /// The steps so far.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// The steps so far, as one line: `init a · run a · fin a`.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().join(" · ")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that follows a script: whatever a task can do, and whatever it should not.
///
/// It notes in a [`Journal`] when each of its routines is called (`init a`, `run a`, `fin a`) and when a run is dropped before it returns
/// (`cut a`).
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Job, TaskOutcome, test_util::{Scripted, paused}};
/// paused(async {
///     let mut job = Job::new("test").grace(Duration::from_secs(30));
///     job.add_task("deaf", Scripted::stubborn("deaf"));
///     job.add_task("good", Scripted::cooperative("good"));
///     let handle = job.run_in_background().await.unwrap();
///     handle.finish();
///     let report = handle.wait().await;
///     assert_eq!(report.task("good").unwrap().outcome, TaskOutcome::Done);
///     assert_eq!(report.task("deaf").unwrap().outcome, TaskOutcome::Cut); // after half a minute that took no time
/// });
/// ```
#[derive(Debug, Clone)]
pub struct Scripted {
    name: &'static str,
    init: Do,
    runs: Vec<Do>,
    finalize: Do,
    at: usize,
    /// Notes as well that it says it is done.
    tells: bool,
    journal: Journal,
}

impl Scripted {
    /// A task that does this, one thing for each call of `run`, and then is done.
    pub fn new(name: &'static str, runs: impl Into<Vec<Do>>) -> Self {
        Self {
            name,
            init: Do::Nothing,
            runs: runs.into(),
            finalize: Do::Nothing,
            at: 0,
            tells: false,
            journal: Journal::default(),
        }
    }

    /// A task that waits for ever at a safe point.
    #[must_use]
    pub fn cooperative(name: &'static str) -> Self {
        Self::new(name, [Do::Wait])
    }

    /// A task that waits for ever where a finish does not stop it.
    #[must_use]
    pub fn stubborn(name: &'static str) -> Self {
        Self::new(name, [Do::Hang])
    }

    /// A task that fails in its first run.
    #[must_use]
    pub fn failing(name: &'static str) -> Self {
        Self::new(name, [Do::Fail])
    }

    /// A task that panics in its first run.
    #[must_use]
    pub fn panicking(name: &'static str) -> Self {
        Self::new(name, [Do::Unwind])
    }

    /// What its `init` does; nothing by default.
    #[must_use]
    pub fn init(mut self, init: Do) -> Self {
        self.init = init;
        self
    }

    /// What its `finalize` does; nothing by default.
    #[must_use]
    pub fn finalize(mut self, finalize: Do) -> Self {
        self.finalize = finalize;
        self
    }

    /// Has it note as well when it says that it is done (`done a`).
    #[must_use]
    pub fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    /// Where it notes its steps.
    #[must_use]
    pub fn journal(mut self, journal: &Journal) -> Self {
        self.journal = journal.clone();
        self
    }

    /// The task's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    async fn follow<V: ?Sized>(&self, what: Do, cx: &Context<V>) -> Result<Flow> {
        match what {
            Do::Nothing | Do::Tick => Ok(Flow::Tick),
            Do::Fail => Err(format!("{} failed", self.name).into()),
            #[expect(clippy::panic, reason = "this is what it is for")]
            Do::Panic => panic!("{} panicked", self.name),
            Do::Unwind => std::panic::resume_unwind(Box::new("unwound")),
            Do::Hang => std::future::pending().await,
            Do::Wait => {
                cx.wait(std::future::pending::<()>()).await;
                Ok(Flow::Tick)
            }
            Do::Sleep(millis) => {
                sleep(millis).await;
                Ok(Flow::Tick)
            }
            Do::FailAfter(millis) => {
                sleep(millis).await;
                Err(format!("{} failed", self.name).into())
            }
            Do::DoneAfter(millis) => {
                sleep(millis).await;
                Ok(Flow::Done(()))
            }
            Do::Idle => Ok(Flow::Idle),
            Do::Done => {
                if self.tells {
                    self.journal.note(format!("done {}", self.name));
                }
                Ok(Flow::Done(()))
            }
            Do::FinishJob => Ok(Flow::FinishJob(())),
        }
    }
}

/// Notes that a run was dropped before it returned.
struct Cut<'a>(&'a Scripted, bool);

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        if self.1 && !std::thread::panicking() {
            self.0.journal.note(format!("cut {}", self.0.name));
        }
    }
}

impl<V: ?Sized + Send + Sync + 'static> Task<V> for Scripted {
    type Output = ();

    async fn init(&mut self, cx: &Context<V>) -> Result {
        self.journal.note(format!("init {}", self.name));
        self.follow(self.init, cx).await.map(drop)
    }

    async fn run(&mut self, cx: &Context<V>) -> Result<Flow> {
        let what = self.runs.get(self.at).copied().unwrap_or(Do::Done);
        self.at += 1;
        self.journal.note(format!("run {}", self.name));
        let mut cut = Cut(self, true);
        let flow = self.follow(what, cx).await;
        cut.1 = false;
        flow
    }

    async fn finalize(&mut self, cx: &Context<V>) -> Result {
        self.journal.note(format!("fin {}", self.name));
        self.follow(self.finalize, cx).await.map(drop)
    }
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Runs a future on a current-thread runtime whose time is virtual: it stands still while there is something to do, and jumps to the next
/// timer when everybody waits.
///
/// # Panics
///
/// If the system has no room for a runtime; and with whatever the future panics with.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::test_util::paused;
/// let slept = paused(async {
///     let begun = tokio::time::Instant::now();
///     tokio::time::sleep(Duration::from_secs(3600)).await;
///     begun.elapsed()
/// });
/// assert_eq!(slept, Duration::from_secs(3600)); // At once.
/// ```
pub fn paused<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime
        .expect("a test has room for a runtime")
        .block_on(future)
}
