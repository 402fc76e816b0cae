//! The ladder of stops and causes: rules 6 and 7.

use std::{sync::Arc, time::Duration};

use teamwork::{CauseKind, Context, Flow, Job, Outcome, Result, SECONDARY_MAX, Task};

use crate::scripted::{
    Do, Journal, both, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

#[tokio::test(start_paused = true)]
async fn a_drain_lets_tasks_end_by_themselves() {
    for inline in [false, true] {
        let (job, journal) = job([task("a", [Do::Sleep(10), Do::Sleep(10), Do::Done])]);
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.drain();
        });
        let report = result.await.unwrap();
        assert_eq!(journal.text(), "init a · run a · run a · run a · fin a");
        assert_eq!(report.outcome(), Outcome::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn an_accept_loop_learns_of_a_drain() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("server");
        let notes = journal.clone();
        job.add_fn("accept", async move |cx: &Context| {
            let next = cx.unless_draining(std::future::pending::<()>()).await;
            notes.note(format!(
                "{next:?}, draining {}, stopping {}",
                cx.is_draining(),
                cx.is_stopping()
            ));
            Ok(())
        });
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.drain();
        });
        result.await.unwrap();
        assert_eq!(journal.text(), "None, draining true, stopping false");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_becomes_a_finish_and_a_finish_a_cut() {
    for inline in [false, true] {
        let (job, journal) = job([waits("a"), hangs("b")]);
        let job = job
            .drain_deadline(Duration::from_secs(2))
            .grace(Duration::from_secs(3));
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            sleep(1000).await;
            handle.drain();
            sleep(1999).await;
            notes.note("before 3 s");
            sleep(2).await;
            notes.note("after 3 s");
            sleep(2998).await;
            notes.note("before 6 s");
        });
        let report = result.await.unwrap();
        assert_eq!(
            journal.text(),
            "init a · init b · run a · run b · before 3 s · cut a · after 3 s · before 6 s · cut b · fin b · fin a"
        );
        assert_eq!(
            (outcomes(&report).as_str(), report.outcome()),
            ("a done · b cut", Outcome::Done)
        );
    }
}

/// Notes the beginning and the end of each call.
struct Pieces(Journal);

impl Task for Pieces {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        cx.wait(sleep(5)).await;
        self.0.note("begin");
        sleep(50).await;
        self.0.note("end");
        Ok(Flow::Tick)
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_tears_no_tick() {
    for inline in [false, true] {
        for at in [3, 30, 57, 80] {
            let journal = Journal::default();
            let mut job = Job::new("pieces");
            job.add_task("a", Pieces(journal.clone()));
            let result = run_with(job, inline, async |handle| {
                sleep(at).await;
                handle.finish();
            });
            let report = result.await.unwrap();
            let begun = journal.text().matches("begin").count();
            assert_eq!(
                begun,
                journal.text().matches("end").count(),
                "finished at {at}"
            );
            assert_eq!(
                begun as u64,
                report.task("a").unwrap().ticks,
                "finished at {at}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_does_not_wait_for_the_pause_of_an_idle_task() {
    for inline in [false, true] {
        let (job, journal) = job([task("a", vec![Do::Idle; 99])]);
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            // The pause from 127 to 227 ms has begun.
            sleep(130).await;
            notes.note("finish");
            handle.finish();
            sleep(1).await;
            notes.note("a moment later");
        });
        let report = result.await.unwrap();
        assert!(
            journal
                .text()
                .ends_with("run a · finish · fin a · a moment later"),
            "{}",
            journal.text()
        );
        assert_eq!(outcomes(&report), "a done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_cuts_runs_at_their_await_points_and_then_finalizes_in_reverse() {
    for inline in [false, true] {
        let (job, journal) = job([hangs("a"), waits("b"), task("c", vec![Do::Idle; 99])]);
        let result = run_with(job, inline, async |handle| {
            sleep(2).await;
            handle.cancel("enough");
        });
        let failure = result.await.unwrap_err();
        let steps = journal.text();
        let (runs, finalizers) = steps.split_once(" · fin").unwrap();
        assert!(runs.contains("cut a") && runs.contains("cut b"), "{steps}");
        assert_eq!(finalizers, " c · fin b · fin a");
        assert_eq!(outcomes(failure.report()), "a cut · b cut · c cut");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_escalates_and_a_lower_one_changes_nothing() {
    for inline in [false, true] {
        let (job, journal) = job([hangs("a")]);
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            handle.drain();
            sleep(1).await;
            handle.finish();
            sleep(1).await;
            handle.drain();
            handle.finish();
            sleep(1).await;
            notes.note("cancel");
            handle.cancel("now");
            handle.cancel("again");
            handle.finish();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(journal.text(), "init a · run a · cancel · cut a · fin a");
        assert_eq!(
            failure.to_string(),
            "job test: cancelled by the caller: now"
        );
        assert!(failure.report().secondary().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_failures_at_once_is_the_cause() {
    both(
        || {
            let script = [Do::Sleep(5), Do::Fail];
            job([task("a", script), task("b", script)])
        },
        |result, steps| {
            let failure = result.unwrap_err();
            let runs: Vec<_> = steps
                .split(" · ")
                .filter_map(|step| step.strip_prefix("run "))
                .collect();
            assert_eq!(failure.cause().task(), Some(runs[2]), "{steps}");
            let later: Vec<_> = failure
                .report()
                .secondary()
                .iter()
                .map(|cause| cause.task())
                .collect();
            assert_eq!(later, [Some(runs[3])], "{steps}");
            assert_eq!(outcomes(failure.report()), "a failed · b failed");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cancels_its_job_and_then_fails_has_cancelled_it() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("a", async |cx: &Context| -> Result {
            cx.job().cancel("enough");
            Err("broken pipe".into())
        });
        let failure = placed(job, inline).run().await.unwrap_err();
        let report = failure.report();
        assert_eq!(report.outcome(), Outcome::Cancelled, "inline: {inline}");
        assert_eq!(report.secondary()[0].to_string(), "a: broken pipe");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_during_a_finish_becomes_the_cause() {
    for inline in [false, true] {
        let (job, journal) = job([task("a", [Do::FailAfter(20)]), hangs("b")]);
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.to_string(), "job test: a: a failed");
        assert_eq!(failure.report().outcome(), Outcome::Failed);
        assert!(
            journal.text().ends_with("cut b · fin b · fin a"),
            "{}",
            journal.text()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_after_a_failure_does_not_become_the_cause() {
    for inline in [false, true] {
        let (job, _) = job([
            task("a", [Do::Fail]),
            ok("b").finalize(Do::Sleep(50)).init(Do::Sleep(1)),
        ]);
        let result = run_with(job, inline, async |handle| {
            sleep(20).await;
            handle.cancel("late");
        });
        assert_eq!(
            result.await.unwrap_err().to_string(),
            "job test: a: a failed"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failures_beyond_the_bound_are_counted() {
    both(
        || {
            job(vec![waits("x").finalize(Do::Fail); SECONDARY_MAX + 6]
                .into_iter()
                .chain([task("y", [Do::Fail])]))
        },
        |result, _| {
            let failure = result.unwrap_err();
            let report = failure.report();
            assert_eq!(
                (report.secondary().len(), report.secondary_dropped()),
                (SECONDARY_MAX, 6)
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_before_the_start_starts_the_job_as_ever() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        job.handle().drain();
        placed(job, inline).run().await.unwrap();
        assert_eq!(journal.text(), "init a · run a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_before_the_start_starts_nothing_and_is_no_failure() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        job.handle().finish();
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(
            (journal.text().as_str(), outcomes(&report).as_str()),
            ("", "a never started")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_during_the_oneshot_starts_nothing_after_it() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test").add_oneshot_task(
            "first",
            task("first", [Do::Sleep(50), Do::Done]).journal(&journal),
        );
        job.add_task("a", ok("a").journal(&journal));
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_eq!(journal.text(), "init first · run first · fin first");
        assert_eq!(outcomes(&report), "first done · a never started");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_during_an_init_lets_it_complete_and_runs_nothing() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a"), ok("b").init(Do::Sleep(50)), ok("c")]);
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_eq!(journal.text(), "init a · init b · fin b · fin a");
        assert_eq!(outcomes(&report), "a done · b done · c never started");
    }
}

/// Notes what its finalizer knows of the job's end.
struct Witness(Journal, &'static str);

impl Task for Witness {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        cx.wait(std::future::pending::<()>()).await;
        Ok(Flow::Tick)
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        let cause = cx.cause().map(|cause| cause.to_string());
        self.0.note(format!("{}: {cause:?}", self.1));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_finalizer_can_read_the_cause() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        job.add_task("a", Witness(journal.clone(), "a"));
        job.add_task("b", task("b", [Do::Fail]));
        placed(job, inline).run().await.unwrap_err();
        assert_eq!(journal.text(), "a: Some(\"b: b failed\")");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_fails_first_is_the_cause_for_those_after_it() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        job.add_task("a", Witness(journal.clone(), "a"));
        job.add_task("b", waits("b").finalize(Do::Fail));
        job.add_task("c", Witness(journal.clone(), "c"));
        let result = run_with(job, inline, async |handle| {
            sleep(1).await;
            handle.finish();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.report().outcome(), Outcome::Failed);
        assert_eq!(
            journal.text(),
            "c: None · a: Some(\"b (finalize): b failed\")"
        );
    }
}

/// Panics before it returns a future, in the routine of this number.
struct Eager(usize);

impl Task for Eager {
    type Output = ();

    fn init(&mut self, _: &Context) -> impl Future<Output = Result> + Send {
        assert_ne!(self.0, 0, "eager init");
        std::future::ready(Ok(()))
    }

    fn run(&mut self, _: &Context) -> impl Future<Output = Result<Flow>> + Send {
        assert_ne!(self.0, 1, "eager run");
        std::future::ready(Ok(Flow::Done(())))
    }

    fn finalize(&mut self, _: &Context) -> impl Future<Output = Result> + Send {
        assert_ne!(self.0, 2, "eager finalize");
        std::future::ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_future_is_there_is_a_failure_like_any_other() {
    for inline in [false, true] {
        for routine in 0..3 {
            let (mut job, journal) = job([waits("a")]);
            job.add_task("b", Eager(routine));
            let failure = placed(job, inline).run().await.unwrap_err();
            let kind = failure.cause().kind();
            assert!(matches!(kind, CauseKind::Panic { .. }), "{failure}");
            assert_eq!(
                failure.cause().routine().map(|routine| routine as usize),
                Some(routine)
            );
            assert!(journal.text().ends_with("fin a"), "{}", journal.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn times_without_end_are_no_deadline() {
    for inline in [false, true] {
        let (mut job, _) = job([hangs("a")]);
        job.add_task("b", waits("b"))
            .timeout(Duration::MAX)
            .idle_timeout(Duration::MAX);
        let job = job
            .timeout(Duration::MAX)
            .grace(Duration::MAX)
            .drain_deadline(Duration::MAX)
            .finalizer_deadline(Duration::MAX);
        let result = run_with(job, inline, async |handle| {
            handle.drain();
            sleep(1).await;
            handle.finish();
            sleep(1).await;
            handle.cancel("enough");
        });
        assert!(result.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn a_tasks_own_error_can_be_had_from_the_failure() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("parse", async |_: &Context| Ok("x".parse::<u8>()?));
        let failure = placed(job, inline).run().await.unwrap_err();
        let CauseKind::Error(error) = failure.cause().kind() else {
            panic!("{failure}")
        };
        assert!(Arc::clone(error).is::<std::num::ParseIntError>());
        assert!(
            failure
                .cause()
                .downcast_ref::<std::num::ParseIntError>()
                .is_some()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_can_wait_for_the_drain_without_being_at_a_safe_point() {
    for inline in [false, true] {
        let mut job = Job::new("drained");
        let said = job
            .add_fn("greeter", async |cx: &Context| {
                cx.drained().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok("good-bye")
            })
            .handle();
        let job = if inline { job.inline() } else { job };
        let handle = job.handle();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.finish();
        };
        let (report, ()) = tokio::join!(job.run(), stop);
        assert_eq!(report.unwrap().elapsed().as_secs(), 2);
        assert_eq!(said.await.unwrap(), "good-bye");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_while_the_job_stops_is_finalized_in_its_turn() {
    for inline in [false, true] {
        let script = |millis| [Do::DoneAfter(millis)];
        let (job, journal) = job([
            task("a", script(20)),
            task("b", script(50)),
            task("c", script(30)),
        ]);
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
            sleep(35).await;
            notes.note("45 ms");
        });
        result.await.unwrap();
        let steps = journal.text();
        assert!(
            steps.ends_with("run c · 45 ms · fin c · fin b · fin a"),
            "{steps}"
        );
    }
}
