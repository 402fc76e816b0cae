//! What is the cause, what comes after it, and who can read it: rule 7.

use std::sync::Arc;

use teamwork::{CauseKind, Context, Flow, Job, Outcome, Result, SECONDARY_MAX, Task};

use crate::scripted::{
    Do, Journal, assert_ends, both, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

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
        assert_ends(&journal, "cut b · fin b · fin a");
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
            assert_ends(&journal, "fin a");
        }
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
