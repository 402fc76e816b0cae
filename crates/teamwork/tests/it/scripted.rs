//! Tasks that follow a script and write every step into a journal, so that a test reads as the order it expects.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use teamwork::{Context, Failure, Flow, Job, JobHandle, Report, Result, Task};

/// What one routine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Do {
    Nothing,
    Tick,
    Fail,
    Panic,
    /// Panics, without a word about it in the output.
    Unwind,
    /// Never ends, at no safe point.
    Hang,
    /// Never ends, inside `cx.wait`.
    Wait,
    Sleep(u64),
    /// Sleeps, then fails, in one call.
    FailAfter(u64),
    /// Sleeps, then is done, in one call.
    DoneAfter(u64),
    Idle,
    Done,
    FinishJob,
}

/// The steps of all tasks of a test, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, step: impl Into<String>) {
        self.0.lock().unwrap().push(step.into());
    }

    pub(crate) fn steps(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join(" · ")
    }
}

/// A task that follows a script.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) name: &'static str,
    init: Do,
    runs: Vec<Do>,
    finalize: Do,
    at: usize,
    /// Notes as well that it says it is done.
    tells: bool,
    journal: Journal,
}

pub(crate) fn task(name: &'static str, runs: impl Into<Vec<Do>>) -> Scripted {
    Scripted {
        name,
        init: Do::Nothing,
        runs: runs.into(),
        finalize: Do::Nothing,
        at: 0,
        tells: false,
        journal: Journal::default(),
    }
}

/// Is done in its first run.
pub(crate) fn ok(name: &'static str) -> Scripted {
    task(name, [Do::Done])
}

/// Fails in its first run.
pub(crate) fn fails(name: &'static str) -> Scripted {
    task(name, [Do::Fail])
}

/// Waits for ever at a safe point.
pub(crate) fn waits(name: &'static str) -> Scripted {
    task(name, [Do::Wait])
}

/// Waits for ever where a finish does not stop it.
pub(crate) fn hangs(name: &'static str) -> Scripted {
    task(name, [Do::Hang])
}

impl Scripted {
    pub(crate) fn init(mut self, init: Do) -> Self {
        self.init = init;
        self
    }

    pub(crate) fn finalize(mut self, finalize: Do) -> Self {
        self.finalize = finalize;
        self
    }

    pub(crate) fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    pub(crate) fn journal(mut self, journal: &Journal) -> Self {
        self.journal = journal.clone();
        self
    }

    async fn follow<V: ?Sized>(&self, what: Do, cx: &Context<V>) -> Result<Flow> {
        match what {
            Do::Nothing | Do::Tick => Ok(Flow::Tick),
            Do::Fail => Err(format!("{} failed", self.name).into()),
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

/// A job of scripted tasks with one journal.
pub(crate) fn job(tasks: impl IntoIterator<Item = Scripted>) -> (Job, Journal) {
    let journal = Journal::default();
    let mut job = Job::new("test");
    for task in tasks {
        job.add_task(task.name, task.clone().journal(&journal));
    }
    (job, journal)
}

/// Where the tasks of a job run: every behaviour must be the same.
pub(crate) async fn both(
    make: impl Fn() -> (Job, Journal),
    look: impl Fn(Result<Report, Failure>, String),
) {
    for inline in [false, true] {
        let (job, journal) = make();
        let result = placed(job, inline).run().await;
        look(result, journal.text());
    }
}

/// Runs a job of scripted tasks, as Tokio tasks and inline, and compares the steps.
pub(crate) async fn check(tasks: impl IntoIterator<Item = Scripted> + Clone, expected: &str) {
    both(
        || job(tasks.clone()),
        |_, steps| assert_eq!(steps, expected),
    )
    .await;
}

/// Lets virtual time pass.
pub(crate) async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// A job whose tasks are polled in its future, or are Tokio tasks.
pub(crate) fn placed<V: ?Sized>(job: Job<V>, inline: bool) -> Job<V> {
    if inline { job.inline() } else { job }
}

/// Runs a job while something is done with its handle.
pub(crate) async fn run_with<V: ?Sized>(
    job: Job<V>,
    inline: bool,
    act: impl AsyncFnOnce(JobHandle<V>),
) -> Result<Report, Failure> {
    let handle = job.handle();
    tokio::join!(placed(job, inline).run(), act(handle)).0
}

/// The kinds of end that the tasks of a report had, by name.
pub(crate) fn outcomes(report: &Report) -> String {
    let each: Vec<_> = report
        .tasks()
        .map(|task| format!("{} {}", task.name, task.outcome))
        .collect();
    each.join(" · ")
}

/// Polls a future once and says whether it has to wait.
pub(crate) async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}
