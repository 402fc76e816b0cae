//! The scenarios of the Go package that the idea comes from: its tests and its README; and, in `vocabulary`, what its words have become.
//!
//! The names in the comments are those of `AgentCoop/go-work`. Where Go's answer was unsound, the test says so, and ours holds.

mod vocabulary;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use teamwork::{
    CauseKind, Context, Doing, Flow, Job, OnIdle, Outcome, Phase, Result, Routine, Task,
    TaskOutcome,
};
use tokio::time::Instant;

use crate::scripted::{
    Do, Journal, assert_ends, both, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

/// `squareNumTask`: a number after a while.
async fn square(number: u64, millis: u64) -> Result<u64> {
    sleep(millis).await;
    Ok(number * number)
}

/// `divideNumTask`: asserts that the divider is not zero.
async fn divide(number: u64, divider: u64, millis: u64) -> Result<u64> {
    sleep(millis).await;
    // Go's `AssertTrue` was inverted: it failed when its condition held.
    teamwork::ensure!(divider != 0, "division by zero");
    Ok(number / divider)
}

/// `sleepIncCounterTask`.
async fn count(counter: Arc<AtomicUsize>, millis: u64) -> Result {
    sleep(millis).await;
    counter.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// `TestDone`.
#[tokio::test(start_paused = true)]
async fn a_job_is_done_when_all_its_tasks_are() {
    for inline in [false, true] {
        let counter = Arc::new(AtomicUsize::new(0));
        let mut job = Job::new("done");
        for millis in 0..50 {
            job.add_future("count", count(counter.clone(), millis));
        }
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(report.outcome(), Outcome::Done);
        assert_eq!(counter.load(Ordering::Relaxed), 50);
    }
}

/// The end of a job: Go does not finalize the tasks of a job that is simply done.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_has_finalized_its_tasks() {
    both(
        || job([ok("a"), ok("b")]),
        |result, steps| {
            assert_eq!(result.unwrap().outcome(), Outcome::Done);
            assert_eq!(steps, "init a · init b · run a · fin a · run b · fin b");
        },
    )
    .await;
}

/// `TestDoneWithOneshot`, `GetIndex`.
#[tokio::test(start_paused = true)]
async fn the_oneshot_runs_first_and_has_index_0() {
    for inline in [false, true] {
        let journal = Journal::default();
        let notes = journal.clone();
        let first = async move |cx: &Context| {
            sleep(5).await;
            notes.note(format!("{} {}", cx.name(), cx.index()));
            Ok(())
        };
        let mut job = Job::new("oneshot").add_oneshot_fn("first", first);
        let notes = journal.clone();
        job.add_fn("second", async move |cx: &Context<()>| {
            notes.note(format!("{} {}", cx.name(), cx.index()));
            Ok(())
        });
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(journal.text(), "first 0 · second 1");
        let index = report.tasks().map(|task| task.index).collect::<Vec<_>>();
        assert_eq!(index, [0, 1], "`GetTaskByIndex`");
    }
}

/// `TestCancel`, the first half, and `TestAssert`: Go keeps one error and drops the others.
#[tokio::test(start_paused = true)]
async fn a_failed_assertion_cancels_the_job_and_is_its_cause() {
    for inline in [false, true] {
        let mut job = Job::new("assert");
        for millis in 0..10 {
            job.add_future("sound", divide(9, 3, millis));
            job.add_future("unsound", divide(9, 0, 2 * millis));
        }
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.report().outcome(), Outcome::Failed);
        // `GetInterruptedBy`: the task and its error, and the routine as well.
        assert_eq!(failure.cause().task(), Some("unsound"));
        assert_eq!(failure.cause().routine(), Some(Routine::Run));
        assert_eq!(failure.to_string(), "job assert: unsound: division by zero");
    }
}

/// `TestAssert`, the second half: `Assert(err)` is `?`, and the error keeps its type.
#[tokio::test(start_paused = true)]
async fn the_error_of_a_failed_job_is_the_tasks_own() {
    for inline in [false, true] {
        let mut job = Job::new("assert");
        for _ in 0..2 {
            job.add_fn("open", async |_: &Context| {
                fs::File::open("/nowhere/foobar")?;
                Ok(())
            });
        }
        let failure = placed(job, inline).run().await.unwrap_err();
        let error = failure.cause().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    }
}

/// `TestCancel`, the second half. Go runs finalizers in the order of a map, beside runs that go on, with its state locked (so that one
/// that asks for the state hangs), and also for tasks that never started; its test has to sleep before it can count them.
#[tokio::test(start_paused = true)]
async fn a_cancelled_job_has_finalized_every_task_that_began_after_all_runs_and_in_reverse() {
    both(
        || job([waits("a"), hangs("b"), task("c", [Do::Sleep(10), Do::Fail])]),
        |result, steps| {
            assert!(result.is_err());
            let (runs, finalizers) = steps.split_once(" · fin ").unwrap();
            assert!(runs.contains("cut a") && runs.contains("cut b"), "{steps}");
            assert_eq!(finalizers, "c · fin b · fin a");
        },
    )
    .await;
}

/// What a finalizer may ask: the state, while the job is being stopped.
struct Asks(Journal);

impl Task for Asks {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        std::future::pending().await
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        let (job, cause) = (cx.job(), cx.cause().ok_or("there is a cause")?);
        let (stopping, ended) = (cx.is_stopping(), job.is_ended());
        self.0
            .note(format!("stopping {stopping}, ended {ended}, {cause}"));
        Ok(())
    }
}

/// `GetState` in a finalizer deadlocks in Go.
#[tokio::test(start_paused = true)]
async fn a_finalizer_can_ask_for_the_state_of_its_job() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("state");
        job.add_task("asks", Asks(journal.clone()));
        job.add_task("fails", task("fails", [Do::Fail]));
        placed(job, inline).run().await.unwrap_err();
        let told = "stopping true, ended false, fails: fails failed";
        assert_eq!(journal.text(), told);
    }
}

/// `GetState` and `GetTaskByIndex` from outside.
#[tokio::test(start_paused = true)]
async fn the_state_of_a_job_and_of_each_task_can_be_had_at_any_time() {
    for inline in [false, true] {
        let (job, _) = job([waits("a"), task("b", [Do::DoneAfter(10)])]);
        let result = run_with(job, inline, async |handle| {
            let phase = handle.snapshot().await.phase;
            assert_eq!(phase, Phase::Running);
            sleep(50).await;
            let now = handle.snapshot().await;
            let by_index = now.tasks.iter().map(|task| (task.index, task.doing));
            let expected = [(0, Doing::Waiting), (1, Doing::Ended(TaskOutcome::Done))];
            assert_eq!(by_index.collect::<Vec<_>>(), expected, "{now}");
            handle.finish();
        });
        result.await.unwrap();
    }
}

/// `TestTimeout`, the first half.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_in_time_has_no_timeout() {
    for inline in [false, true] {
        let counter = Arc::new(AtomicUsize::new(0));
        let mut job = Job::new("timeout").timeout(Duration::from_millis(200));
        for millis in 1..=100 {
            job.add_future("count", count(counter.clone(), millis));
        }
        placed(job, inline).run().await.unwrap();
        assert_eq!(counter.load(Ordering::Relaxed), 100);
    }
}

/// `TestTimeout`, the second half. Go returns while the second task still runs, and never ends it.
#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_is_cut_and_nothing_of_it_runs_on() {
    for inline in [false, true] {
        let counter = Arc::new(AtomicUsize::new(0));
        let mut job = Job::new("timeout").timeout(Duration::from_millis(20));
        job.add_future("short", count(counter.clone(), 10));
        job.add_future("endless", count(counter.clone(), u64::from(u32::MAX)));
        let failure = placed(job, inline).run().await.unwrap_err();
        let kind = failure.cause().kind();
        assert!(matches!(kind, CauseKind::Timeout(_)), "{failure}");
        assert_eq!(outcomes(failure.report()), "short done · endless cut");
        assert_eq!(counter.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&counter), 1, "the tasks are gone");
        // Go's timer for the timeout goes on until it fires.
        let alive = tokio::runtime::Handle::current().metrics();
        assert_eq!(alive.num_alive_tasks(), 0);
    }
}

/// `TestOneshot`, `SetResult` and `GetResult`: typed, and there when they can be had.
#[tokio::test(start_paused = true)]
async fn tasks_have_results() {
    for inline in [false, true] {
        let mut job = Job::new("results");
        let (four, nine) = (
            job.add_future("four", square(2, 7)).handle(),
            job.add_future("nine", square(3, 5)).handle(),
        );
        placed(job, inline).run().await.unwrap();
        assert_eq!((four.await.unwrap(), nine.await.unwrap()), (4, 9));
    }
}

/// `TestOneshot`, the second half.
#[tokio::test(start_paused = true)]
async fn nothing_starts_after_a_oneshot_that_has_failed() {
    for inline in [false, true] {
        let failing = async |_: &Context| divide(3, 0, 5).await;
        let mut job = Job::new("oneshot").add_oneshot_fn("divide", failing);
        let result = job.add_future("square", square(3, 0)).handle();
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.cause().task(), Some("divide"));
        let told = outcomes(failure.report());
        assert_eq!(told, "divide failed · square never started");
        assert!(result.await.is_err());
    }
}

/// `TestOneshotBg`, `RunInBackground`, `JobDoneNotify`. In Go one channel with one place says both that the oneshot is done and that the
/// job is, or that it has failed: whoever waits cannot tell which.
#[tokio::test(start_paused = true)]
async fn a_job_in_the_background_says_when_its_oneshot_is_done_and_when_it_is_done() {
    for inline in [false, true] {
        let journal = Journal::default();
        let first = task("first", [Do::DoneAfter(10)]).journal(&journal);
        let mut job = Job::new("background").add_oneshot_task("first", first);
        job.add_task(
            "second",
            task("second", [Do::DoneAfter(5)]).journal(&journal),
        );
        let begun = Instant::now();
        let handle = placed(job, inline).run_in_background().await.unwrap();
        assert_eq!(begun.elapsed().as_millis(), 10);
        assert!(!handle.is_ended());
        let report = handle.wait().await;
        assert_eq!(
            (report.outcome(), begun.elapsed().as_millis()),
            (Outcome::Done, 15)
        );
        assert_ends(&journal, "fin second · fin first");
    }
    let failing = async |_: &Context| divide(3, 0, 5).await;
    let job = Job::new("background").add_oneshot_fn("divide", failing);
    let failure = job.run_in_background().await.unwrap_err();
    assert_eq!(failure.cause().task(), Some("divide"));
}

/// `TestIdleTimedout`. Go's `Idle` calls `run` again at once and keeps a core busy until the timeout.
#[tokio::test(start_paused = true)]
async fn a_task_that_is_idle_for_too_long_cancels_the_job_and_does_not_spin_till_then() {
    for inline in [false, true] {
        let mut job = Job::new("idle");
        let calls = Arc::new(AtomicUsize::new(0));
        let idle = async |calls: &mut Arc<AtomicUsize>, _: &Context| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(Flow::<()>::Idle)
        };
        job.add_recurrent("idle", calls.clone(), idle)
            .idle_timeout(Duration::from_millis(29));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.to_string(), "job idle: idle: idle for 29ms");
        // After 0, 1, 3, 7 and 15 ms.
        assert_eq!(calls.load(Ordering::Relaxed), 5);
    }
}

/// `TestIdle`; and what the timeout does is a policy, where Go always cancels the job.
#[tokio::test(start_paused = true)]
async fn a_task_may_be_idle_for_less_than_its_timeout_or_end_alone() {
    for inline in [false, true] {
        let (mut job, _) = job([]);
        let idles = task("idles", [Do::Idle, Do::Idle, Do::Idle, Do::Done]);
        job.add_task("idles", idles)
            .idle_timeout(Duration::from_millis(21));
        job.add_task("gives up", task("gives up", vec![Do::Idle; 99]))
            .idle_timeout(Duration::from_millis(21))
            .on_idle(OnIdle::FinishTask);
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(outcomes(&report), "idles done · gives up done");
    }
}

/// `TestCatchPanic`, in `run` and in `init`; Go does not guard finalizers.
#[tokio::test(start_paused = true)]
async fn a_panic_in_any_routine_is_the_cause_and_names_the_routine() {
    let panics = |routine| match routine {
        Routine::Init => ok("p").init(Do::Panic),
        Routine::Run => task("p", [Do::Sleep(10), Do::Panic]),
        Routine::Finalize => ok("p").finalize(Do::Panic),
    };
    for inline in [false, true] {
        for routine in [Routine::Init, Routine::Run, Routine::Finalize] {
            let (job, journal) = job([waits("a"), panics(routine)]);
            let failure = placed(job, inline).run().await.unwrap_err();
            let cause = failure.cause();
            assert_eq!((cause.task(), cause.routine()), (Some("p"), Some(routine)));
            let kind = cause.kind();
            assert!(
                matches!(kind, CauseKind::Panic { message, .. } if message == "p panicked"),
                "{failure}"
            );
            assert!(journal.text().contains("fin p"), "{}", journal.text());
            assert_ends(&journal, "fin a");
        }
    }
}
