//! Jobs of scripted tasks, whose every step is in a journal, so that a test reads as the order it expects.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use teamwork::{Failure, Job, JobHandle, Report, Result};

pub(crate) use teamwork::test_util::{Do, Journal, Scripted};

pub(crate) fn task(name: &'static str, runs: impl Into<Vec<Do>>) -> Scripted {
    Scripted::new(name, runs)
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

/// A job of scripted tasks with one journal.
pub(crate) fn job(tasks: impl IntoIterator<Item = Scripted>) -> (Job, Journal) {
    let journal = Journal::default();
    let mut job = Job::new("test");
    for task in tasks {
        job.add_task(task.name(), task.clone().journal(&journal));
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

/// Checks with which entries a journal ends.
#[track_caller]
pub(crate) fn assert_ends(journal: &Journal, last: &str) {
    let steps = journal.text();
    assert!(steps.ends_with(last), "{steps}");
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

/// Where the parent's tasks run, and where the child's.
pub(crate) const PLACES: [(bool, bool); 4] =
    [(false, false), (false, true), (true, false), (true, true)];

/// A job of scripted tasks that writes into this journal.
pub(crate) fn named(
    name: &'static str,
    journal: &Journal,
    tasks: impl IntoIterator<Item = Scripted>,
) -> Job {
    let mut job = Job::new(name);
    for task in tasks {
        job.add_task(task.name(), task.journal(journal));
    }
    job
}
