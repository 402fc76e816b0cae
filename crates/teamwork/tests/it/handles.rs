//! What handles on tasks and on jobs yield, and what dropping them does.

use std::{sync::Arc, time::Duration};

use teamwork::{Context, Flow, Job, Outcome, Restart, Result, Task, TaskError};

use crate::scripted::{
    Do, Journal, assert_ends, fails, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

/// Is done with a value at once; its finalizer takes a while.
struct Valued(Journal);

impl Task for Valued {
    type Output = u32;

    async fn run(&mut self, _: &Context) -> Result<Flow<u32>> {
        Ok(Flow::Done(7))
    }

    async fn finalize(&mut self, _: &Context) -> Result {
        sleep(50).await;
        self.0.note("finalized");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_handle_yields_the_value_after_the_finalizer() {
    for inline in [false, true] {
        let (mut job, journal) = job([waits("s")]);
        let mut valued = job.add_task("v", Valued(journal.clone())).handle();
        let result = run_with(job, inline, async |handle| {
            assert!(!valued.is_ended());
            let value = (&mut valued).await.unwrap();
            journal.note(format!("value {value}"));
            assert!(valued.is_ended());
            assert!(
                matches!(valued.await, Err(TaskError::Taken)),
                "who asks again is not told that there was none"
            );
            handle.finish();
        });
        result.await.unwrap();
        assert_ends(&journal, "finalized · value 7 · cut s · fin s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_for_whoever_asks_after_the_end() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let done = job.add_fn("done", async |_: &Context| Ok("early")).handle();
        let finishes = job
            .add_recurrent("finishes", (), async |(): &mut (), _: &Context| {
                sleep(5).await;
                Ok(Flow::FinishJob("last"))
            })
            .handle();
        placed(job, inline).run().await.unwrap();
        assert_eq!(
            (done.await.unwrap(), finishes.await.unwrap()),
            ("early", "last")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_a_finish_stops_has_no_value() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let stopped = job.add_task("a", waits("a")).handle();
        job.add_task("b", task("b", [Do::Sleep(1), Do::FinishJob]));
        placed(job, inline).run().await.unwrap();
        assert!(matches!(stopped.await, Err(TaskError::Stopped)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_value_names_the_cause_of_its_job() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let cut = job.add_task("a", hangs("a")).handle();
        let cut_fn = job
            .add_fn("f", async |_: &Context| {
                sleep(9000).await;
                Ok(())
            })
            .handle();
        let failed = job
            .add_task("b", task("b", [Do::Sleep(5), Do::Fail]))
            .handle();
        placed(job, inline).run().await.unwrap_err();
        for error in [cut.await, cut_fn.await, failed.await].map(Result::unwrap_err) {
            assert_eq!(
                error.to_string(),
                "the task ended without a value: b: b failed"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_started_has_no_value() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("a", ok("a").init(Do::Fail));
        let never = job.add_task("b", ok("b")).handle();
        placed(job, inline).run().await.unwrap_err();
        assert_eq!(
            never.await.unwrap_err().to_string(),
            "the task ended without a value: a (init): a failed"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_started_because_of_a_drop_names_it() {
    let mut job = Job::new("test");
    let never = job.add_task("a", ok("a")).handle();
    drop(job);
    let Err(TaskError::Failed(Some(cause))) = never.await else {
        panic!("it names its cause");
    };
    assert!(cause.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_given_up_names_the_cause_of_its_job() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let stuck = waits("a").finalize(Do::Hang);
        let stuck = job.add_task("a", stuck).handle();
        job.add_task("b", fails("b"));
        placed(job, inline).run().await.unwrap_err();
        assert_eq!(
            stuck.await.unwrap_err().to_string(),
            "the task ended without a value: b: b failed"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_be_finalized_names_its_failure() {
    let once = Restart::at_most(1, Duration::from_secs(60));
    for inline in [false, true] {
        for optional in [false, true] {
            let mut job = Job::new("test");
            let added = job.add_task("a", once.task(|| fails("a").finalize(Do::Unwind)));
            let value = if optional {
                added.optional().handle()
            } else {
                added.handle()
            };
            let ended = placed(job, inline).run().await;
            assert_eq!(ended.is_ok(), optional);
            assert_eq!(
                value.await.unwrap_err().to_string(),
                "the task ended without a value: a: a failed"
            );
            let report = ended.unwrap_or_else(|failure| failure.into_report());
            assert_eq!(outcomes(&report), "a failed");
            let both = report.cause().into_iter().chain(report.secondary());
            let both: Vec<_> = both.map(ToString::to_string).collect();
            assert_eq!(both, ["a: a failed", "a (finalize): panicked: unwound"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_in_the_background_is_returned_once_it_has_started() {
    for inline in [false, true] {
        let journal = Journal::default();
        let first = task("first", [Do::Sleep(50), Do::Done]).journal(&journal);
        let mut job = Job::new("test").add_oneshot_task("first", first);
        job.add_task("a", waits("a").init(Do::Sleep(50)).journal(&journal));
        let handle = placed(job, inline).run_in_background().await.unwrap();
        assert!(
            journal
                .text()
                .starts_with("init first · run first · run first · init a")
        );
        assert!(!handle.is_ended());
        handle.finish();
        assert_eq!(handle.wait().await.outcome(), Outcome::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_the_way_to_the_background_is_returned() {
    for inline in [false, true] {
        for finalize in [Do::Nothing, Do::Sleep(50)] {
            let (job, journal) = job([ok("a").finalize(finalize), ok("b").init(Do::Fail)]);
            let failure = placed(job, inline).run_in_background().await.unwrap_err();
            assert_eq!(failure.to_string(), "job test: b (init): b failed");
            assert_eq!(journal.text(), "init a · init b · fin b · fin a");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_over_before_it_is_in_the_background_has_a_handle_all_the_same() {
    for inline in [false, true] {
        let (job, _) = job([ok("a")]);
        let handle = placed(job, inline).run_in_background().await.unwrap();
        assert_eq!(handle.wait().await.outcome(), Outcome::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_owner_cancels_the_job() {
    for inline in [false, true] {
        let (job, journal) = job([waits("a")]);
        let observer = job.handle();
        let owner = placed(job, inline).run_in_background().await.unwrap();
        let other = owner.clone();
        drop(owner);
        sleep(1000).await;
        assert!(!observer.is_ended(), "a clone keeps it");
        drop(other);
        let report = observer.wait().await;
        assert_eq!(
            report.cause().unwrap().to_string(),
            "cancelled by the drop of its last owner: nobody holds the job any more"
        );
        assert_eq!(journal.text(), "init a · run a · cut a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_that_starts_a_job_in_the_background_cancels_it() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a").init(Do::Hang)]);
        let observer = job.handle();
        let start = placed(job, inline).run_in_background();
        assert!(
            tokio::time::timeout(Duration::from_secs(1), start)
                .await
                .is_err()
        );
        assert_eq!(observer.wait().await.outcome(), Outcome::Cancelled);
        assert_eq!(journal.text(), "init a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn any_number_of_handles_wait_for_the_end_and_after_it() {
    for inline in [false, true] {
        let (job, _) = job([task("a", [Do::Sleep(50), Do::Done])]);
        let (one, two, late) = (job.handle(), job.handle(), job.handle());
        let (report, first, second) =
            tokio::join!(placed(job, inline).run(), one.wait(), two.wait());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(outcomes(&*late.wait().await), outcomes(&report.unwrap()));
        assert!(late.is_ended() && late.name() == "test");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_dropped_before_it_runs_has_a_report_too() {
    let (job, journal) = job([ok("a")]);
    let handle = job.handle();
    drop(job);
    let report = handle.wait().await;
    assert_eq!(
        (outcomes(&report).as_str(), report.outcome()),
        ("a never started", Outcome::Cancelled)
    );
    assert_eq!(journal.text(), "");
}

#[tokio::test(start_paused = true)]
async fn a_handle_knows_the_cause_while_the_job_stops_and_after() {
    for inline in [false, true] {
        let (job, _) = job([fails("a").finalize(Do::Sleep(50))]);
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            assert!(!handle.is_ended());
            assert_eq!(handle.cause().unwrap().to_string(), "a: a failed");
            handle.wait().await;
            assert_eq!(handle.cause().unwrap().to_string(), "a: a failed");
        });
        result.await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_awaited_gives_what_the_job_would_have_given() {
    for inline in [false, true] {
        let (job, _) = job([task("a", [Do::Sleep(50), Do::Done])]);
        let handle = placed(job, inline).run_in_background().await.unwrap();
        let (one, two) = tokio::join!(handle.clone(), handle);
        assert_eq!(outcomes(&one.unwrap()), outcomes(&two.unwrap()));

        let (job, _) = crate::scripted::job([task("a", [Do::FailAfter(50)])]);
        let handle = placed(job, inline).run_in_background().await.unwrap();
        let failure = handle.await.unwrap_err();
        assert_eq!(failure.to_string(), "job test: a: a failed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_no_longer_awaited_lets_go_of_its_job() {
    for inline in [false, true] {
        let (job, journal) = job([hangs("a")]);
        let observer = job.handle();
        let owner = placed(job, inline).run_in_background().await.unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(1), owner).await;
        assert!(waited.is_err());
        assert!(observer.await.unwrap_err().is_cancelled());
        assert_ends(&journal, "cut a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn the_value_of_a_job_can_be_had_from_outside_once_its_oneshot_is_done() {
    for inline in [false, true] {
        let mut job = Job::new("test").add_oneshot_fn("first", async |_: &Context| {
            sleep(10).await;
            Ok(7)
        });
        let waits = async |cx: &Context<i32>| {
            cx.wait(std::future::pending::<()>()).await;
            Ok(())
        };
        job.add_fn("waits", waits);
        let before = job.handle();
        assert_eq!(before.value(), None);
        let handle = placed(job, inline).run_in_background().await.unwrap();
        assert_eq!((before.value(), handle.value()), (Some(&7), Some(&7)));
        handle.finish();
        handle.await.unwrap();
        assert_eq!(before.value(), Some(&7), "the handle keeps it");
    }
}
