//! Tasks that a job can do without, and children that fail alone: rule 10.

use std::time::Duration;

use teamwork::{CauseKind, Context, Job, TaskError, TaskOptions};

use crate::scripted::{Do, Journal, fails, job, ok, outcomes, placed, sleep, task, waits};

#[tokio::test(start_paused = true)]
async fn an_optional_task_fails_alone_and_is_finalized_at_once() {
    for inline in [false, true] {
        for fails in [Do::Fail, Do::Unwind] {
            let (mut job, journal) = job([]);
            job.add_task("a", task("a", [Do::Sleep(5), Do::Done]).journal(&journal));
            job.add_task("b", task("b", [fails]).journal(&journal))
                .optional();
            let report = placed(job, inline).run().await.unwrap();
            let steps = journal.text();
            assert_eq!(
                steps,
                "init a · init b · run a · run b · fin b · run a · fin a"
            );
            let [failure] = report.secondary() else {
                panic!("{report}")
            };
            assert_eq!(failure.task(), Some("b"));
            let what = if fails == Do::Fail {
                "failed"
            } else {
                "panicked"
            };
            assert_eq!(outcomes(&report), format!("a done · b {what}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_starts_without_an_optional_task_whose_init_fails() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        job.add_task("a", ok("a").journal(&journal));
        job.add_task("b", ok("b").init(Do::Fail).journal(&journal))
            .optional();
        job.add_task("c", ok("c").journal(&journal));
        let report = placed(job, inline).run().await.unwrap();
        let steps = journal.text();
        assert!(
            steps.starts_with("init a · init b · fin b · init c · run a"),
            "{steps}"
        );
        assert_eq!(outcomes(&report), "a done · b failed · c done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_of_an_optional_task_that_fails_is_only_reported() {
    let (mut job, journal) = job([]);
    job.add_task("a", task("a", [Do::Sleep(5), Do::Done]).journal(&journal));
    job.add_task("b", ok("b").finalize(Do::Fail).journal(&journal))
        .optional();
    let report = job.run().await.unwrap();
    assert_eq!(outcomes(&report), "a done · b failed");
    assert_eq!(report.secondary()[0].to_string(), "b (finalize): b failed");
}

#[tokio::test(start_paused = true)]
async fn the_handle_of_an_optional_task_tells_why_it_failed() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let handle = job
            .add_fn("b", async |_: &Context| -> teamwork::Result<u32> {
                Err("no such file".into())
            })
            .optional()
            .handle();
        job.add_fn("a", async |_: &Context| {
            sleep(5).await;
            Ok(())
        });
        placed(job, inline).run().await.unwrap();
        let Err(TaskError::Failed(Some(cause))) = handle.await else {
            panic!("it has a cause")
        };
        assert_eq!(cause.to_string(), "b: no such file");
    }
}

#[tokio::test(start_paused = true)]
async fn an_isolated_child_fails_alone_and_is_named() {
    for (outer, inner) in [(false, false), (false, true), (true, false), (true, true)] {
        let journal = Journal::default();
        let mut child = Job::new("child");
        child.add_task("c", waits("c").journal(&journal));
        child.add_task("d", task("d", [Do::Sleep(2), Do::Unwind]).journal(&journal));
        let mut parent = Job::new("parent");
        parent.add_task("a", task("a", [Do::Sleep(5), Do::Done]).journal(&journal));
        parent.add_job(placed(child, inner).isolated());
        let report = placed(parent, outer).run().await.unwrap();
        assert_eq!(outcomes(&report), "a done · child failed");
        let CauseKind::Job(cause) = report.secondary()[0].kind() else {
            panic!("{report}")
        };
        assert_eq!(cause.task(), Some("d"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_reaches_what_is_optional_like_everything_else() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        job.add_task("a", fails("a").journal(&journal));
        job.add_task("b", waits("b").journal(&journal)).optional();
        let mut child = Job::new("child").isolated();
        child.add_task("c", waits("c").journal(&journal));
        job.add_job(child);
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(outcomes(failure.report()), "a failed · b cut · child cut");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_fail_leave_a_count_and_the_first_failures() {
    for inline in [false, true] {
        let mut server = Job::new("server");
        server.add_fn("accept", async |cx: &Context| {
            for _ in 0..100 {
                let mut connection = Job::new("connection").isolated();
                connection.add_task("serve", fails("serve"));
                cx.job().add_job(connection).map_err(|_| "refused")?;
                let options = TaskOptions::new()
                    .optional()
                    .timeout(Duration::from_millis(1));
                let place = cx.job().try_place()?.options(options);
                place.add_task("probe", waits("probe"))?;
                sleep(2).await;
            }
            Ok(())
        });
        let report = placed(server, inline).run().await.unwrap();
        assert_eq!(outcomes(&report), "accept done");
        assert_eq!(report.come_and_gone(), 200);
        let failures = report.secondary().len() as u64 + report.secondary_dropped();
        assert_eq!(failures, 200);
    }
}
