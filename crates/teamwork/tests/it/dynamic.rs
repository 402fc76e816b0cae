//! Tasks that come and go while a job runs: rules 4, 11 and 15.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use teamwork::{Context, Flow, Job, JobHandle, Result, Task};
use tokio::sync::Notify;

use crate::scripted::{
    Do, Journal, assert_ends, fails, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

#[tokio::test(start_paused = true)]
async fn tasks_that_the_oneshot_adds_start_once_it_is_done() {
    for inline in [false, true] {
        let journal = Journal::default();
        let notes = journal.clone();
        let mut job = Job::new("test").add_oneshot_fn("first", async move |cx: &Context| {
            let job = cx.job();
            let _a = job.add_task("a", ok("a").journal(&notes)).unwrap();
            sleep(50).await;
            let _b = job.add_task("b", ok("b").journal(&notes)).unwrap();
            notes.note("first is done");
            Ok(())
        });
        job.add_task("s", ok("s").journal(&journal));
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(
            journal.text(),
            "first is done · init s · init a · init b · run s · fin s · run a · fin a · run b · fin b"
        );
        assert_eq!(outcomes(&report), "first done · s done · a done · b done");
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_that_an_init_adds_start_with_the_others() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        job.add_task("a", ok("a").init(Do::Sleep(50)).journal(&journal));
        job.add_task("b", ok("b").journal(&journal));
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            let c = handle.add_task("c", ok("c").journal(&journal)).unwrap();
            c.await.unwrap();
        });
        result.await.unwrap();
        assert_eq!(
            journal.text(),
            "init a · init b · init c · run a · fin a · run b · fin b · run c · fin c"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_are_added_by_handle_and_by_other_tasks() {
    for inline in [false, true] {
        let (mut job, journal) = job([task("s", [Do::Sleep(90), Do::Done])]);
        let notes = journal.clone();
        job.add_fn("adder", async move |cx: &Context| {
            cx.job().add_task("a", ok("a").journal(&notes))?.await?;
            notes.note("a is done");
            Ok(())
        });
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            let b = handle.add_task("b", ok("b").journal(&journal)).unwrap();
            b.await.unwrap();
            journal.note("b is done");
        });
        let report = result.await.unwrap();
        assert_eq!(
            journal.text(),
            "init s · run s · init a · run a · fin a · a is done · init b · run b · fin b · b is done · run s · fin s"
        );
        assert_eq!(
            (outcomes(&report).as_str(), report.come_and_gone()),
            ("s done · adder done", 2)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_tasks_come_and_go_and_leave_nothing() {
    const TASKS: usize = 100_000;
    for inline in [false, true] {
        let highest = Arc::new(AtomicUsize::new(0));
        let index = highest.clone();
        let mut job = Job::new("server").max_tasks(65);
        job.add_fn("accept", async move |cx: &Context| {
            let job = cx.job();
            for _ in 0..TASKS {
                assert!(job.room().await);
                let index = index.clone();
                job.add_fn("connection", async move |cx: &Context| {
                    index.fetch_max(cx.index(), Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    Ok(())
                })?;
            }
            Ok(())
        });
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(report.come_and_gone(), TASKS as u64);
        assert_eq!(outcomes(&report), "accept done");
        // A slot is used again once the job has looked at its mail, which it does in batches.
        let highest = highest.load(Ordering::Relaxed);
        assert!(highest < 1000, "{highest} slots for 65 tasks at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn late_tasks_are_finalized_in_reverse_before_the_others() {
    for inline in [false, true] {
        let (job, journal) = job([waits("s"), waits("t")]);
        let result = run_with(job, inline, async |handle| {
            for name in ["one", "gone", "two", "three"] {
                sleep(1).await;
                let script = if name == "gone" {
                    ok(name)
                } else {
                    waits(name)
                };
                handle.add_task(name, script.journal(&journal)).unwrap();
            }
            sleep(1).await;
            // Takes the slot of the one that is gone.
            handle
                .add_task("four", waits("four").journal(&journal))
                .unwrap();
            sleep(1).await;
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_ends(
            &journal,
            "fin four · fin three · fin two · fin one · fin t · fin s",
        );
        assert_eq!(report.come_and_gone(), 5);
        assert_eq!(outcomes(&report), "s done · t done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_task_that_fails_fails_the_job() {
    for inline in [false, true] {
        for late in [
            fails("late"),
            ok("late").init(Do::Panic),
            ok("late").finalize(Do::Fail),
        ] {
            let (job, journal) = job([waits("s")]);
            let result = run_with(job, inline, async |handle| {
                sleep(1).await;
                let _late = handle.add_task("late", late.journal(&journal)).unwrap();
            });
            let failure = result.await.unwrap_err();
            assert_eq!(failure.cause().task(), Some("late"));
            let steps = journal.text();
            assert_eq!(steps.matches("fin late").count(), 1, "{steps}");
            assert!(steps.ends_with("fin s"), "{steps}");
            assert!(failure.report().task("late").is_some(), "it is listed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn late_children_that_are_cancelled_on_their_own_leave_nothing() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let result = run_with(job.max_tasks(2), inline, async |handle| {
            sleep(1).await;
            for _ in 0..50 {
                assert!(handle.room().await);
                let mut session = Job::new("session").inline();
                session.add_task("a", waits("a"));
                let of_session = session.handle();
                handle.add_job(session).unwrap();
                sleep(1).await;
                of_session.cancel("closed by the operator");
                of_session.wait().await;
            }
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_eq!(
            (outcomes(&report).as_str(), report.come_and_gone()),
            ("s done", 50)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_finalizer_that_hangs_is_reported_and_fails_the_job() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let job = job.finalizer_deadline(Duration::from_secs(4));
        let result = run_with(job, inline, async |handle| {
            sleep(1).await;
            let _late = handle
                .add_task("late", ok("late").finalize(Do::Hang))
                .unwrap();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "job test: late (finalize): timed out after 4s"
        );
        assert_eq!(
            outcomes(failure.report()),
            "s cut · late leaked in finalize"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_added_in_the_moment_of_a_stop_is_finalized_only_if_it_started() {
    for inline in [false, true] {
        for stop in [JobHandle::finish, |handle: &JobHandle| handle.cancel("")] {
            let (job, journal) = job([waits("s")]);
            let result = run_with(job, inline, async |handle| {
                sleep(1).await;
                let _late = handle
                    .add_task("late", ok("late").journal(&journal))
                    .unwrap();
                stop(&handle);
            });
            let report = result.await.unwrap_or_else(teamwork::Failure::into_report);
            let steps = journal.text();
            let has_started = steps.contains("init late");
            assert_eq!(has_started, steps.contains("fin late"), "{steps}");
            let is_new = outcomes(&report).contains("late never started");
            assert_eq!(has_started, !is_new, "{steps}\n{report}");
        }
    }
}

/// Waits, adds more tasks than an inline job polls whenever it is woken, and fails in the same poll.
struct AddsManyAndFails(Journal);

impl Task for AddsManyAndFails {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        sleep(5).await;
        for _ in 0..10 {
            let added = task("late", [Do::Sleep(5), Do::Done]).journal(&self.0);
            cx.job().add_task("late", added)?;
        }
        Err("a failed".into())
    }

    async fn finalize(&mut self, _: &Context) -> Result {
        self.0.note("fin a");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_adds_many_and_fails_is_finalized_after_all_runs_and_once() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        job.add_task("a", AddsManyAndFails(journal.clone()));
        job.add_task("b", hangs("b").journal(&journal));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.cause().to_string(), "a: a failed");
        let steps = journal.text();
        let (cut, fin) = (steps.find("cut b").unwrap(), steps.find("fin a").unwrap());
        assert!(cut < fin && steps.matches("fin a").count() == 1, "{steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_optional_task_that_adds_many_and_fails_leaves_them_to_run() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        job.add_task("a", AddsManyAndFails(journal.clone()))
            .optional();
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(outcomes(&report), "a failed");
        assert_eq!(report.come_and_gone(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn an_inline_job_that_was_large_and_is_small_can_become_large_again_at_once() {
    let go = Arc::new(Notify::new());
    let goes = go.clone();
    let mut job = Job::new("test");
    job.add_fn("adds", async move |cx: &Context| {
        for _ in 0..12 {
            cx.job().add_task("early", ok("early"))?;
        }
        goes.notified().await;
        let late = AddsManyAndFails(Journal::default());
        cx.job().add_task("late", late)?;
        Ok(())
    });
    let result = run_with(job, true, async |handle| {
        sleep(1).await;
        // Looked at, it polls all of its tasks once; of those that it had, none is left then.
        go.notify_one();
        handle.snapshot().await;
    });
    let failure = result.await.unwrap_err();
    assert_eq!(failure.cause().to_string(), "late: a failed");
}
