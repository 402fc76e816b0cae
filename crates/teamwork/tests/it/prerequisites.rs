//! What a job waits for before it starts: rule 3.

use std::time::Duration;

use teamwork::{CauseKind, Outcome};

use crate::scripted::{job, ok, outcomes, placed, run_with, sleep};

#[tokio::test(start_paused = true)]
async fn a_job_starts_once_all_its_prerequisites_are_met() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        let (one, two) = (journal.clone(), journal.clone());
        let job = job
            .after(async move {
                sleep(50).await;
                one.note("one");
                Ok(())
            })
            .after(async move {
                sleep(20).await;
                two.note("two");
                Ok(())
            });
        placed(job, inline).run().await.unwrap();
        assert_eq!(journal.text(), "two · one · init a · run a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prerequisite_that_fails_fails_the_job_and_ends_the_others() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        let job = job
            .after(async {
                sleep(20).await;
                Err("no database".into())
            })
            .after(std::future::pending());
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.to_string(), "job test: no database");
        assert_eq!(outcomes(failure.report()), "a never started");
        assert_eq!(journal.text(), "");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prerequisite_that_panics_fails_the_job() {
    for inline in [false, true] {
        let (job, _) = job([ok("a")]);
        let job = job.after(async { panic!("no luck") });
        let failure = placed(job, inline).run().await.unwrap_err();
        let CauseKind::Panic { message, .. } = failure.cause().kind() else {
            panic!("{failure}")
        };
        assert_eq!(
            (message.as_str(), failure.report().outcome()),
            ("no luck", Outcome::Failed)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_can_be_stopped_while_it_waits_for_its_prerequisites() {
    for inline in [false, true] {
        for cancel in [false, true] {
            let (job, journal) = job([ok("a")]);
            let job = job.after(std::future::pending());
            let result = run_with(job, inline, async |handle| {
                sleep(10).await;
                if cancel {
                    handle.cancel("enough");
                } else {
                    handle.finish();
                }
            });
            let report = result.await.unwrap_or_else(teamwork::Failure::into_report);
            assert_eq!(report.outcome() == Outcome::Cancelled, cancel);
            assert_eq!(outcomes(&report), "a never started");
            assert_eq!(journal.text(), "");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_to_drain_still_waits_for_its_prerequisites() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        let job = job.after(async {
            sleep(50).await;
            Ok(())
        });
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.drain();
        });
        result.await.unwrap();
        assert_eq!(journal.text(), "init a · run a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn the_jobs_timeout_counts_the_prerequisites() {
    for inline in [false, true] {
        let (job, _) = job([ok("a")]);
        let job = job
            .after(std::future::pending())
            .timeout(Duration::from_secs(3));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.to_string(), "job test: timed out after 3s");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_prerequisites_that_fail_at_once_is_the_cause_and_the_other_is_kept() {
    for inline in [false, true] {
        let (job, _) = job([ok("a")]);
        let job = job
            .after(async { Err("one".into()) })
            .after(async { Err("two".into()) });
        let failure = placed(job, inline).run().await.unwrap_err();
        let [later] = failure.report().secondary() else {
            panic!("{failure:?}")
        };
        assert_eq!(failure.to_string(), "job test: one");
        assert_eq!(later.to_string(), "two");
    }
}
