//! Errors that misbehave, and what breaks between the routines of a task: neither takes a job along, or hides what became of it.

use std::{error::Error, fmt, io, panic::resume_unwind, time::Duration};

use teamwork::{
    CauseKind, Context, Failure, Flow, Job, Report, Restart, Result, Task, TaskOptions,
};
use tokio::{runtime, task::yield_now, time::timeout};
use tracing::{Level, Subscriber};

use crate::scripted::{Do, outcomes, placed, run_with, sleep, waits};

/// An error that panics whatever one does with it, without a word in the output.
struct Hostile {
    is_bomb: bool,
}

fn panics() -> ! {
    resume_unwind(Box::new("the error panicked"))
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of it")?;
        panics()
    }
}

impl fmt::Debug for Hostile {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panics()
    }
}

impl Error for Hostile {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        panics()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if self.is_bomb && !std::thread::panicking() {
            panics();
        }
    }
}

/// Fails with such an error. `true` for one that panics even when it is dropped.
#[derive(Clone, Copy)]
struct Fails(bool);

impl Task for Fails {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        sleep(1).await;
        Err(Hostile { is_bomb: self.0 }.into())
    }
}

/// What goes with each of its events into nowhere.
fn log() -> impl Subscriber + Send + Sync {
    let log = tracing_subscriber::fmt().with_max_level(Level::TRACE);
    log.with_writer(io::sink).finish()
}

/// Looks at what becomes of a job all of whose words are logged, in less time than it would take to give something up.
async fn check<V: ?Sized>(make: impl Fn(bool, bool) -> Job<V>, look: impl Fn(&Report)) {
    for (inline, is_bomb) in [(false, false), (false, true), (true, false), (true, true)] {
        let job = placed(make(inline, is_bomb), inline).subscriber(log());
        let ended = timeout(Duration::from_secs(9), job.run()).await;
        let report = ended.expect("it ends").unwrap_or_else(Failure::into_report);
        look(&report);
        // The errors that are kept belong to whoever has the report.
        std::mem::forget(report);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_cannot_say_what_it_is_is_a_failure_all_the_same() {
    let make = |_: bool, is_bomb: bool| {
        let mut job = Job::new("test");
        job.add_task("a", Fails(is_bomb));
        job.add_task("b", waits("b"));
        job
    };
    check(make, |report| {
        assert_eq!(outcomes(report), "a failed · b cut");
        let cause = report.cause().unwrap();
        assert!(
            cause.to_string().starts_with("a: half of it … ("),
            "{cause}"
        );
        assert!(cause.source().is_none());
        assert!(cause.downcast_ref::<Hostile>().is_some());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn children_are_stopped_though_the_cause_cannot_say_what_it_is() {
    let make = |inline: bool, is_bomb: bool| {
        let mut job = Job::new("test");
        for child_inline in [inline, !inline] {
            let mut child = Job::new("child");
            child.add_task("b", waits("b"));
            job.add_job(placed(child, child_inline));
        }
        job.add_task("a", Fails(is_bomb));
        job
    };
    check(make, |report| {
        assert_eq!(outcomes(report), "child cut · child cut · a failed");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_like_that_is_followed_by_another() {
    let thrice = || Restart::at_most(2, Duration::from_secs(60));
    let make = |inline: bool, is_bomb: bool| {
        let mut job = Job::new("test");
        job.add_task("a", thrice().task(move || Fails(is_bomb)))
            .optional();
        let child = move || {
            let mut child = Job::new("child");
            child.add_task("a", Fails(is_bomb));
            placed(child, inline).isolated()
        };
        job.add_job(thrice().job(child));
        job
    };
    check(make, |report| {
        assert_eq!(outcomes(report), "a failed · child failed");
        assert_eq!(report.secondary().len(), 2, "each had a third failure");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_beyond_the_bound_are_dropped_and_counted() {
    let make = |inline: bool, is_bomb: bool| {
        let mut job = Job::new("test");
        for _ in 0..40 {
            job.add_task("a", Fails(is_bomb)).optional();
            let mut child = Job::new("child").isolated();
            child.add_task("a", Fails(is_bomb));
            job.add_job(placed(child, inline));
        }
        job.add_fn("adds", async move |cx: &Context| {
            for _ in 0..40 {
                let place = cx.job().place().await.ok_or("it is open")?;
                let place = place.options(TaskOptions::new().optional());
                drop(place.add_task("late", Fails(is_bomb)));
            }
            Ok(())
        });
        job
    };
    check(make, |report| {
        assert_eq!(
            (report.secondary().len(), report.secondary_dropped()),
            (64, 56)
        );
        assert_eq!(report.come_and_gone(), 40);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_at_a_job_whose_cause_cannot_say_what_it_is_shows_the_rest() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("a", Fails(false));
        job.add_task("b", waits("b").finalize(Do::Sleep(50)));
        let result = run_with(job, inline, async |handle| {
            sleep(20).await;
            let seen = handle.snapshot().await.to_string();
            assert!(
                seen.starts_with("test finalizing: a: half of it … ("),
                "{seen}"
            );
        });
        assert!(result.await.is_err());
    }
}

/// A task with a timeout, on a runtime without a clock, panics outside of its routines.
#[test]
fn a_task_that_breaks_between_its_routines_is_a_failure_and_does_not_hang_its_job() {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let report = runtime.block_on(async {
        let mut job = Job::new("test");
        let five_seconds = Duration::from_secs(5);
        let broken = job
            .add_fn("broken", async |_: &Context| {
                yield_now().await;
                Ok(())
            })
            .idle_timeout(five_seconds)
            .handle();
        let report = job.run().await.unwrap_err().into_report();
        assert!(broken.await.is_err());
        report
    });
    assert_eq!(outcomes(&report), "broken panicked");
    let kind = report.cause().unwrap().kind();
    assert!(matches!(kind, CauseKind::Panic { .. }), "{kind}");
}

/// What comes from a peer may end a line, or tell the terminal what to do.
const NAME: &str = "a\n├─ b done\r\u{1b}[31m\u{202e}";
const SHOWN: &str = r"a\n├─ b done\r\u{1b}[31m\u{202e}";

#[tokio::test(start_paused = true)]
async fn a_name_cannot_forge_a_line_of_what_is_printed() {
    for inline in [false, true] {
        let mut job = Job::new(NAME);
        job.add_fn(NAME, async |_: &Context| Err::<(), _>("no".into()));
        let (handle, mut events) = (job.handle(), job.handle().events());
        let failure = placed(job, inline).run().await.unwrap_err();
        let seen = handle.snapshot().await;
        assert_eq!((failure.report().name(), &*seen.name), (NAME, NAME));
        let mut printed = vec![
            failure.to_string(),
            format!("{failure:?}"),
            seen.to_string(),
        ];
        while let Some(event) = events.next().await {
            printed.push(event.to_string());
        }
        let printed = printed.join("|");
        assert!(
            printed.contains(&format!("job {SHOWN}: {SHOWN}: no")),
            "{printed}"
        );
        assert!(
            printed.contains(&format!("├─ {SHOWN} failed").replacen('├', "└", 1)),
            "{printed}"
        );
        let is_unsafe = |char: char| char != '\n' && char.is_control() || char == '\u{202e}';
        assert!(!printed.contains(is_unsafe), "{printed:?}");
        assert_eq!(
            printed.matches('\n').count(),
            2,
            "a line for each task: {printed}"
        );
    }
}
