//! Start, fate sharing, causes and finalizers: rules 3, 5, 7 and 8.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use teamwork::{
    CauseKind, Context, Job, OnPanic, Outcome, Result, Routine, TaskError, TaskOutcome,
};

use crate::scripted::{
    Do, Journal, assert_ends, both, check, fails, hangs, job, ok, placed, task, waits,
};

#[tokio::test(start_paused = true)]
async fn a_task_goes_through_its_three_routines() {
    check(
        [task("a", [Do::Tick, Do::Tick, Do::Done])],
        "init a · run a · run a · run a · fin a",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn inits_run_in_order_before_any_run() {
    check(
        [
            ok("a").init(Do::Sleep(50)),
            ok("b").init(Do::Sleep(5)),
            ok("c"),
        ],
        "init a · init b · init c · run a · fin a · run b · fin b · run c · fin c",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_cancels_siblings_and_finalizes_in_reverse() {
    check(
        [waits("a"), fails("b")],
        "init a · init b · run a · run b · cut a · fin b · fin a",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_with_message_and_place() {
    both(
        || job([hangs("a"), task("b", [Do::Sleep(5), Do::Panic])]),
        |result, steps| {
            assert_eq!(
                steps,
                "init a · init b · run a · run b · run b · cut a · fin b · fin a"
            );
            let failure = result.unwrap_err();
            assert_eq!(
                (failure.cause().task(), failure.cause().routine()),
                (Some("b"), Some(Routine::Run))
            );
            let CauseKind::Panic { message, location } = failure.cause().kind() else {
                panic!("{failure}")
            };
            assert_eq!(message, "b panicked");
            assert!(
                location
                    .as_ref()
                    .is_some_and(|location| location.contains("test_util.rs")),
                "{location:?}"
            );
            assert_eq!(
                failure.report().task("b").unwrap().outcome,
                TaskOutcome::Panicked
            );
            assert_eq!(
                failure.report().task("a").unwrap().outcome,
                TaskOutcome::Cut
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_panic_is_its_own_and_not_that_of_one_before_it() {
    let mut job = Job::new("test");
    job.add_fn("a", async |_: &Context| -> Result {
        let caught = std::panic::catch_unwind(|| panic!("caught"));
        teamwork::ensure!(caught.is_err(), "it panics");
        // Goes on without a word to the hook, and so without a place.
        std::panic::resume_unwind(Box::new("resumed"))
    });
    let failure = job.run().await.unwrap_err();
    assert_eq!(failure.cause().to_string(), "a: panicked: resumed");
}

#[tokio::test(start_paused = true)]
async fn what_has_not_started_never_starts() {
    both(
        || job([ok("a"), ok("b").init(Do::Fail), ok("c")]),
        |result, steps| {
            assert_eq!(steps, "init a · init b · fin b · fin a");
            let failure = result.unwrap_err();
            assert_eq!(failure.cause().routine(), Some(Routine::Init));
            assert_eq!(failure.to_string(), "job test: b (init): b failed");
            assert_eq!(
                failure.report().task("c").unwrap().outcome,
                TaskOutcome::NeverStarted
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn finish_job_stops_the_others_at_their_safe_points() {
    both(
        || job([waits("a"), task("b", [Do::Sleep(5), Do::FinishJob]), task("c", vec![Do::Sleep(10); 9])]),
        |result, steps| {
            assert_eq!(
                steps,
                "init a · init b · init c · run a · run b · run c · run b · cut a · fin c · fin b · fin a"
            );
            assert!(result.unwrap().tasks().all(|task| task.outcome == TaskOutcome::Done));
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_fails_or_panics_stops_nothing_and_hides_nothing() {
    both(
        || {
            job([
                waits("a").finalize(Do::Fail),
                waits("b").finalize(Do::Panic),
                fails("c"),
            ])
        },
        |result, steps| {
            assert!(
                steps.ends_with("cut a · cut b · fin c · fin b · fin a"),
                "{steps}"
            );
            let failure = result.unwrap_err();
            assert_eq!(failure.cause().to_string(), "c: c failed");
            let later: Vec<_> = failure
                .report()
                .secondary()
                .iter()
                .map(|cause| cause.task())
                .collect();
            assert_eq!(later, [Some("b"), Some("a")]);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_hangs_is_given_up_and_the_others_still_run() {
    both(
        || {
            let (job, journal) = job([waits("a"), waits("b").finalize(Do::Hang), fails("c")]);
            (job.finalizer_deadline(Duration::from_secs(4)), journal)
        },
        |result, steps| {
            assert!(steps.ends_with("fin c · fin b · fin a"), "{steps}");
            let failure = result.unwrap_err();
            assert_eq!(
                failure.report().task("b").unwrap().outcome,
                TaskOutcome::Leaked(Routine::Finalize)
            );
            assert_eq!(
                failure.report().task("a").unwrap().outcome,
                TaskOutcome::Cut
            );
            assert_eq!(failure.report().elapsed().as_secs(), 4);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn finish_completes_the_run_call_and_the_grace_cuts_what_does_not_end() {
    for inline in [false, true] {
        let (job, journal) = job([task("a", [Do::Sleep(3000), Do::Done]), hangs("b")]);
        let job = if inline { job.inline() } else { job }.grace(Duration::from_secs(7));
        let handle = job.handle();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.finish();
        };
        let (result, ()) = tokio::join!(job.run(), stop);
        let report = result.unwrap();
        assert_eq!(
            journal.text(),
            "init a · init b · run a · run b · cut b · fin b · fin a"
        );
        assert_eq!(report.task("a").unwrap().outcome, TaskOutcome::Done);
        assert_eq!(report.task("b").unwrap().outcome, TaskOutcome::Cut);
        assert_eq!(report.elapsed().as_secs(), 8);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_can_go_on_after_all_finalizers() {
    for inline in [false, true] {
        let (job, journal) = job([waits("a"), task("b", [Do::Unwind])]);
        let run = placed(job.on_panic(OnPanic::Rethrow), inline).run();
        let panicked = AssertUnwindSafe(run).catch_unwind().await.unwrap_err();
        assert_eq!(panicked.downcast_ref::<String>().unwrap(), "unwound");
        assert_ends(&journal, "fin b · fin a");
        // Other failures are values as ever.
        let (job, _) = crate::scripted::job([fails("a")]);
        assert!(
            placed(job.on_panic(OnPanic::Rethrow), inline)
                .run()
                .await
                .is_err()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_start_is_remembered() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        let job = if inline { job.inline() } else { job };
        job.handle().cancel("early");
        let failure = job.run().await.unwrap_err();
        assert_eq!(
            (journal.text().as_str(), failure.report().outcome()),
            ("", Outcome::Cancelled)
        );
        assert_eq!(
            failure.report().task("a").unwrap().outcome,
            TaskOutcome::NeverStarted
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_during_the_start_cuts_the_init_and_finalizes_it() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a"), ok("b").init(Do::Hang), ok("c")]);
        let job = if inline { job.inline() } else { job };
        let handle = job.handle();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.cancel("no");
        };
        let (result, ()) = tokio::join!(job.run(), stop);
        assert_eq!(journal.text(), "init a · init b · fin b · fin a");
        assert_eq!(
            result.unwrap_err().report().task("c").unwrap().outcome,
            TaskOutcome::NeverStarted
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_the_start_finds_what_needs_no_init_as_if_it_had_one() {
    for (inline, cancels) in [(false, false), (true, false), (false, true), (true, true)] {
        let (mut job, _) = job([]);
        let never_run = async |_: &Context| -> Result { panic!("it was not let run") };
        let before = job.add_fn("before", never_run).handle();
        job.add_job(Job::new("child"));
        job.add_task("init", ok("init").init(Do::Sleep(2_000)));
        let after = job.add_fn("after", never_run).handle();
        let handle = job.handle();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if cancels {
                handle.cancel("no");
            } else {
                handle.finish();
            }
        };
        let (result, ()) = tokio::join!(placed(job, inline).run(), stop);
        let report = result.unwrap_or_else(|failure| failure.report().clone());
        let outcomes: Vec<_> = report.tasks().map(|task| task.outcome).collect();
        let stopped = if cancels {
            TaskOutcome::Cut
        } else {
            TaskOutcome::Done
        };
        assert_eq!(outcomes[..2], [stopped; 2]);
        assert_eq!(outcomes[3], TaskOutcome::NeverStarted);
        assert_eq!(matches!(before.await, Err(TaskError::Stopped)), !cancels);
        assert!(matches!(after.await, Err(TaskError::Failed(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_of_a_running_job_still_finalizes() {
    for inline in [false, true] {
        let (job, journal) = job([waits("a"), waits("b")]);
        let job = if inline { job.inline() } else { job };
        let handle = job.handle();
        let dropped = tokio::time::timeout(Duration::from_secs(1), job.run()).await;
        assert!(dropped.is_err());
        let report = handle.wait().await;
        assert_eq!(report.outcome(), Outcome::Cancelled);
        assert_ends(&journal, "fin b · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn the_oneshots_value_is_there_for_every_task_and_its_finalizer_is_the_last() {
    let journal = Journal::default();
    let mut job = Job::new("value").add_oneshot_task("first", ok("first").journal(&journal));
    let notes = journal.clone();
    job.add_fn("second", async move |cx: &Context<()>| {
        let () = cx.value();
        notes.note("run second");
        Ok(())
    });
    job.add_task("third", ok("third").journal(&journal));
    job.run().await.unwrap();
    assert_eq!(
        journal.text(),
        "init first · run first · init third · run second · run third · fin third · fin first"
    );
}

#[tokio::test(start_paused = true)]
async fn an_inline_job_spawns_nothing() {
    let mut job = Job::new("session").add_oneshot_fn("connect", async |_: &Context| Ok(7_u8));
    let count = job
        .add_fn("count", async |cx: &Context<u8>| {
            tokio::time::sleep(Duration::from_secs(u64::from(*cx.value()))).await;
            Ok(tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks())
        })
        .handle();
    job.add_task("other", task("other", [Do::Sleep(9000), Do::Done]));
    job.run_inline().await.unwrap();
    assert_eq!(count.await.unwrap(), 0);
}
