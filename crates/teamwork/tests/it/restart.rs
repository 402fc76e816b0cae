//! Tasks and children that are started again after a failure: rule 10.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use teamwork::{Context, Job, Outcome, Restart, TaskOptions};

use crate::scripted::{Do, Journal, Scripted, outcomes, placed, run_with, sleep, task, waits};

/// At most two restarts, with a pause of 50 to 100 milliseconds before the first.
fn twice() -> Restart {
    let pause = Duration::from_millis(100);
    Restart::at_most(2, Duration::from_secs(60)).pause(pause, pause)
}

/// Makes one of these for each attempt; the last of them again and again.
fn attempts(
    journal: &Journal,
    attempts: impl Into<Vec<Scripted>>,
) -> impl FnMut() -> Scripted + Send + 'static {
    let (journal, mut left) = (journal.clone(), attempts.into());
    move || {
        let next = if left.len() > 1 {
            left.remove(0)
        } else {
            left[0].clone()
        };
        next.journal(&journal)
    }
}

async fn check(scripts: impl Into<Vec<Scripted>> + Clone, expected: &str, says: &str) {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        job.add_task("a", twice().task(attempts(&journal, scripts.clone())));
        let ended = placed(job, inline).run().await;
        let report = ended.unwrap_or_else(|failure| failure.report().clone());
        assert_eq!(journal.text(), expected, "inline: {inline}");
        assert_eq!(outcomes(&report), says, "inline: {inline}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_new_and_begins_when_the_one_before_is_finalized() {
    let fails = task("a", [Do::Tick, Do::Fail]).finalize(Do::Sleep(20));
    check(
        [fails, task("b", [Do::Done])],
        "init a · run a · run a · fin a · init b · run b · fin b",
        "a done",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_failure_too_many_counts() {
    check(
        [
            task("a", [Do::Fail]),
            task("b", [Do::Unwind]),
            task("c", [Do::Fail]),
        ],
        "init a · run a · fin a · init b · run b · fin b · init c · run c · fin c",
        "a failed",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_init_can_fail_and_be_tried_again_while_the_job_starts() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        let scripts = [task("a", []).init(Do::Fail), task("a", [Do::Done])];
        job.add_task("a", twice().task(attempts(&journal, scripts)));
        job.add_task("b", task("b", [Do::Done]).journal(&journal));
        let report = placed(job, inline).run().await.unwrap();
        let steps = journal.text();
        assert!(
            steps.starts_with("init a · fin a · init a · init b · run"),
            "{steps}"
        );
        assert_eq!(outcomes(&report), "a done · b done");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_be_finalized_is_the_last() {
    check(
        [
            task("a", [Do::Fail]).finalize(Do::Fail),
            task("b", [Do::Done]),
        ],
        "init a · run a · fin a",
        "a failed",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_a_failure_like_any_other() {
    let journal = Journal::default();
    let mut job = Job::new("test");
    let scripts = [task("a", [Do::Hang]), task("b", [Do::Done])];
    job.add_task("a", twice().task(attempts(&journal, scripts)))
        .timeout(Duration::from_millis(10));
    job.run().await.unwrap();
    assert_eq!(
        journal.text(),
        "init a · run a · cut a · fin a · init b · run b · fin b"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_pause() {
    for inline in [false, true] {
        for (cancels, says, outcome) in [
            (false, "a done", Outcome::Done),
            (true, "a cut", Outcome::Cancelled),
        ] {
            let journal = Journal::default();
            let mut job = Job::new("test");
            job.add_task(
                "a",
                twice().task(attempts(&journal, [task("a", [Do::Fail])])),
            );
            let handle = job.handle();
            let stop = async {
                sleep(20).await;
                if cancels {
                    handle.cancel("enough");
                } else {
                    handle.finish();
                }
            };
            let (ended, ()) = tokio::join!(placed(job, inline).run(), stop);
            let report = ended.unwrap_or_else(|failure| failure.report().clone());
            assert!(report.elapsed() < Duration::from_millis(30), "{report}");
            assert_eq!(journal.text(), "init a · run a · fin a");
            assert_eq!(
                (outcomes(&report).as_str(), report.outcome()),
                (says, outcome)
            );
        }
    }
}

/// What has begun ends by itself under a drain, in as many attempts as it may have.
#[tokio::test(start_paused = true)]
async fn what_fails_while_its_job_drains_starts_again() {
    for (outer, inner) in [(false, false), (false, true), (true, false), (true, true)] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        let scripts = |name| [task(name, [Do::FailAfter(20)]), task(name, [Do::Done])];
        job.add_task("a", twice().task(attempts(&journal, scripts("a"))));
        let mut make = attempts(&journal, scripts("c"));
        job.add_job(twice().job(move || {
            let mut child = Job::new("child");
            child.add_task("c", make());
            placed(child, inner)
        }));
        let result = run_with(job, outer, async |handle| {
            sleep(10).await;
            handle.drain();
        });
        let report = result.await.unwrap();
        assert_eq!(outcomes(&report), "a done · child done");
        let steps = journal.steps();
        for name in ["a", "c"] {
            let step = format!("init {name}");
            let inits = steps.iter().filter(|noted| **noted == step);
            assert_eq!(inits.count(), 2, "{steps:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_job_is_made_anew() {
    for (outer, inner) in [(false, false), (false, true), (true, false), (true, true)] {
        for (most, says) in [(1, "child failed"), (2, "child done")] {
            let journal = Journal::default();
            let mut make = attempts(
                &journal,
                [
                    task("a", [Do::Fail]),
                    task("b", [Do::Unwind]),
                    task("c", [Do::Done]),
                ],
            );
            let child = Restart::at_most(most, Duration::from_secs(60)).job(move || {
                let mut child = Job::new("child");
                let task = make();
                child.add_task(task.name(), task);
                placed(child, inner)
            });
            let mut parent = Job::new("parent");
            parent.add_job(child);
            let ended = placed(parent, outer).run().await;
            let report = ended.unwrap_or_else(|failure| failure.report().clone());
            assert_eq!(outcomes(&report), says);
            let steps = journal.text();
            assert!(
                steps.starts_with("init a · run a · fin a · init b · run b · fin b"),
                "{steps}"
            );
            assert_eq!(
                steps.ends_with("init c · run c · fin c"),
                most == 2,
                "{steps}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_child_that_was_made_anew_is_that_of_its_last_attempt() {
    for inline in [false, true] {
        let journal = Journal::default();
        let scripts = [
            task("a", [Do::Sleep(10), Do::Fail]),
            task("b", [Do::DoneAfter(30)]),
        ];
        let mut make = attempts(&journal, scripts);
        let child = Restart::at_most(1, Duration::from_secs(60)).job(move || {
            let mut child = Job::new("child");
            child.add_task("task", make());
            child
        });
        let mut parent = Job::new("parent");
        parent.add_job(child);
        let report = placed(parent, inline).run().await.unwrap();
        let run = report.tasks().next().unwrap().run;
        assert_eq!(run, Duration::from_millis(30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_added_late_can_be_started_again_too() {
    for inline in [false, true] {
        let journal = Journal::default();
        let noted = journal.clone();
        let mut job = Job::new("test");
        job.add_fn("adds", async move |cx: &Context| {
            let scripts = [task("a", [Do::Fail]), task("b", [Do::DoneAfter(5)])];
            let late = twice().task(attempts(&noted, scripts));
            let options = TaskOptions::new().idle_timeout(Duration::from_secs(5));
            let place = cx.job().try_place()?.options(options);
            place.add_task("late", late)?.await?;
            Ok(())
        });
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(
            journal.text(),
            "init a · run a · fin a · init b · run b · fin b"
        );
        assert_eq!(report.come_and_gone(), 1);
    }
}

/// Has a number for a value, but for the first two times.
fn third_time_lucky() -> impl FnMut() -> Job<u32> + Send + 'static {
    let mut attempt = 0;
    move || {
        attempt += 1;
        let attempt = attempt;
        Job::new("dial").add_oneshot_fn("one", async move |_: &Context| {
            teamwork::ensure!(attempt == 3, "no answer");
            Ok(attempt)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_oneshot_job_is_made_anew_and_its_last_value_counts() {
    for inline in [false, true] {
        for (most, says) in [
            (1, "dial failed · use never started"),
            (2, "dial done · use done"),
        ] {
            let dial = Restart::at_most(most, Duration::from_secs(60)).job(third_time_lucky());
            let mut job = Job::new("test").add_oneshot_job(dial);
            job.add_fn("use", async |cx: &Context<u32>| {
                teamwork::ensure!(*cx.value() == 3, "{} is wrong", cx.value());
                Ok(())
            });
            let ended = placed(job, inline).run().await;
            let report = ended.unwrap_or_else(teamwork::Failure::into_report);
            assert_eq!(outcomes(&report), says);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_oneshot_job_that_was_cancelled_is_not_made_anew() {
    for inline in [false, true] {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = made.clone();
        let dial = twice().job(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut dial = Job::new("dial");
            dial.add_task("a", waits("a"));
            dial
        });
        let dialling = dial.handle();
        let mut job = Job::new("test").add_oneshot_job(dial);
        job.add_task("b", waits("b"));
        let ended = run_with(job, inline, async |_| {
            sleep(5).await;
            dialling.cancel("wrong number");
        });
        let failure = ended.await.unwrap_err();
        assert!(failure.is_cancelled(), "{failure}");
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_even_be_made_is_a_failure_like_any_other() {
    for inline in [false, true] {
        for (most, cause) in [(1, Some("child: panicked: no child")), (2, None)] {
            let mut attempt = 0;
            let child = Restart::at_most(most, Duration::from_secs(60)).job(move || {
                attempt += 1;
                if attempt == 2 {
                    std::panic::resume_unwind(Box::new("no child"));
                }
                let mut child = Job::new("child");
                let runs = if attempt == 1 { Do::Fail } else { Do::Done };
                child.add_task("a", task("a", [runs]));
                child
            });
            let mut job = Job::new("test");
            job.add_job(child);
            let ended = placed(job, inline).run().await;
            let report = ended.unwrap_or_else(teamwork::Failure::into_report);
            let told = report.cause().map(ToString::to_string);
            assert_eq!(told.as_deref(), cause);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_while_its_job_finishes_has_failed_whatever_restarts_are_left() {
    for inline in [false, true] {
        let again = || Restart::at_most(9, Duration::from_secs(60));
        let slow = || task("c", [Do::FailAfter(50)]);
        let mut job = Job::new("test");
        job.add_job(again().job(move || {
            let mut child = Job::new("child");
            child.add_task("c", slow());
            placed(child, inline)
        }));
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.finish();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.to_string(), "job test: child: c: c failed");
        let mut job = Job::new("test");
        job.add_task("c", again().task(slow));
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.finish();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.to_string(), "job test: c: c failed");
    }
}
