//! Jobs as tasks of jobs: rule 10.

use std::time::Duration;

use teamwork::{By, CauseKind, Context, JOBS_MAX, Job, Outcome, Report};

use crate::scripted::{
    Do, Journal, PLACES, assert_ends, fails, hangs, named, ok, outcomes, placed, run_with, sleep,
    task, waits,
};

#[tokio::test(start_paused = true)]
async fn a_childs_failure_is_its_parents() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [waits("p")]);
        let child = named(
            "child",
            &journal,
            [waits("c"), task("d", [Do::Sleep(5), Do::Fail])],
        );
        parent.add_job(placed(child, inner));
        let failure = placed(parent, outer).run().await.unwrap_err();
        let CauseKind::Job(cause) = failure.cause().kind() else {
            panic!("{failure}")
        };
        assert_eq!(
            (failure.cause().task(), cause.task()),
            (Some("child"), Some("d"))
        );
        assert_eq!(failure.to_string(), "job parent: child: d: d failed");
        assert_ends(&journal, "cut c · fin d · fin c · cut p · fin p");
        assert_eq!(outcomes(failure.report()), "p cut · child failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_parents_cancel_finalizes_its_children_first() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [waits("p")]);
        let child = named(
            "child",
            &journal,
            [waits("c").finalize(Do::Sleep(50)), hangs("d")],
        );
        let of_child = child.handle();
        parent.add_job(placed(child, inner));
        parent.add_task("q", waits("q").journal(&journal));
        let result = run_with(parent, outer, async |handle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        assert!(result.await.unwrap_err().is_cancelled());
        let steps = journal.text();
        let finalizers: Vec<_> = steps
            .split(" · ")
            .filter(|step| step.starts_with("fin"))
            .collect();
        assert_eq!(finalizers, ["fin d", "fin c", "fin q", "fin p"]);
        let report = of_child.wait().await;
        let CauseKind::Cancelled {
            by: By::Parent,
            reason,
        } = report.cause().unwrap().kind()
        else {
            panic!("{report}")
        };
        assert_eq!(reason, "cancelled by the caller: enough");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_is_passed_on() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [waits("p")]);
        let child = named(
            "child",
            &journal,
            [waits("c"), task("d", [Do::Sleep(50), Do::Sleep(50)])],
        );
        parent.add_job(placed(child, inner));
        let result = run_with(parent, outer, async |handle| {
            sleep(5).await;
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_eq!(outcomes(&report), "p done · child done");
        let steps = journal.text();
        assert_eq!(steps.matches("run d").count(), 1, "{steps}");
        assert!(steps.ends_with("fin d · fin c · fin p"), "{steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_passed_on() {
    for (outer, inner) in PLACES {
        let mut parent = Job::new("parent");
        let mut child = Job::new("child");
        child.add_fn("accept", async |cx: &Context| {
            let next = cx.unless_draining(std::future::pending::<()>()).await;
            assert!(next.is_none() && !cx.is_stopping());
            Ok(())
        });
        let of_child = child.handle();
        parent.add_job(placed(child, inner));
        let result = run_with(parent, outer, async |handle| {
            sleep(5).await;
            handle.drain();
            sleep(5).await;
            assert!(of_child.is_ended());
        });
        result.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_parents_grace_cuts_a_child_that_does_not_end() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, []);
        let child = named("child", &journal, [hangs("c")]);
        parent.add_job(placed(child.grace(Duration::from_secs(99)), inner));
        let result = run_with(
            parent.grace(Duration::from_secs(3)),
            outer,
            async |handle| {
                sleep(1000).await;
                handle.finish();
            },
        );
        let report = result.await.unwrap();
        assert_eq!(
            (outcomes(&report).as_str(), report.outcome()),
            ("child cut", Outcome::Done)
        );
        assert_eq!(report.elapsed().as_secs(), 4);
        assert_eq!(journal.text(), "init c · run c · cut c · fin c");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_cancelled_by_its_own_handle_does_not_fail_its_parent() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [task("p", [Do::Sleep(50), Do::Done])]);
        let child = named("child", &journal, [waits("c")]);
        let of_child = child.handle();
        parent.add_job(placed(child, inner));
        let result = run_with(parent, outer, async |_| {
            sleep(5).await;
            of_child.cancel("not you");
        });
        let report = result.await.unwrap();
        assert_eq!(outcomes(&report), "p done · child cut");
        assert_eq!(
            journal.text(),
            "init p · run p · init c · run c · cut c · fin c · run p · fin p"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn three_levels_end_from_the_bottom_up() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut top = named("top", &journal, [waits("t")]);
        let mut middle = named("middle", &journal, [waits("m")]);
        let bottom = named(
            "bottom",
            &journal,
            [waits("b"), task("x", [Do::Sleep(5), Do::Panic])],
        );
        middle.add_job(placed(bottom, outer));
        top.add_job(placed(middle, inner));
        let failure = placed(top, outer).run().await.unwrap_err();
        assert_ends(&journal, "fin x · fin b · cut m · fin m · cut t · fin t");
        let text = failure.to_string();
        assert!(
            text.starts_with("job top: middle: bottom: x: panicked at "),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_can_be_the_oneshot_of_another_and_gives_it_its_value() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut first = Job::new("first").add_oneshot_fn("one", async |_: &Context| Ok(7_u32));
        first.add_task("a", task("a", [Do::Sleep(5), Do::Done]).journal(&journal));
        let mut job = Job::new("test").add_oneshot_job(placed(first, inner));
        let noted = journal.clone();
        job.add_fn("use", async move |cx: &Context<u32>| {
            noted.note(format!("use {}", cx.value()));
            Ok(())
        });
        let report = placed(job, outer).run().await.unwrap();
        assert_eq!(journal.text(), "init a · run a · run a · fin a · use 7");
        assert_eq!(outcomes(&report), "first done · use done");
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_oneshot_job_a_job_starts_nothing() {
    for (outer, inner) in PLACES {
        for (how, says) in [
            ("fail", "first failed · a never started"),
            ("cancel", "first failed · a never started"),
            ("finish", "first done · a never started"),
            ("cancel parent", "first cut · a never started"),
        ] {
            let journal = Journal::default();
            let mut first = Job::new("first").add_oneshot_fn("one", async move |cx: &Context| {
                if how == "fail" {
                    return Err("out of luck".into());
                }
                cx.wait(std::future::pending::<()>()).await;
                Ok(7_u32)
            });
            first.add_task("b", ok("b").journal(&journal));
            let child = first.handle();
            let mut job = Job::new("test").add_oneshot_job(placed(first, inner));
            job.add_task("a", ok("a").journal(&journal));
            let parent = job.handle();
            let stop = async {
                sleep(5).await;
                match how {
                    "cancel" => child.cancel("enough"),
                    "finish" => child.finish(),
                    _ => parent.cancel("enough"),
                }
            };
            let (ended, ()) = tokio::join!(placed(job, outer).run(), stop);
            let report = ended.unwrap_or_else(|failure| failure.report().clone());
            assert_eq!(outcomes(&report), says, "{how}");
            let outcome = match how {
                "fail" => Outcome::Failed,
                "finish" => Outcome::Done,
                _ => Outcome::Cancelled,
            };
            assert_eq!(report.outcome(), outcome, "{how}");
            assert_eq!(journal.text(), "");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_at_the_start_gate_ends_at_once_when_a_later_init_fails() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [ok("p")]);
        parent.add_job(placed(named("child", &journal, [ok("c")]), inner));
        parent.add_fn("q", async |_: &Context| Ok(()));
        parent.add_task("r", ok("r").init(Do::Fail).journal(&journal));
        let failure = placed(parent, outer).run().await.unwrap_err();
        assert_eq!(journal.text(), "init p · init r · fin r · fin p");
        assert_eq!(
            outcomes(failure.report()),
            "p cut · child cut · q cut · r failed"
        );
        assert_eq!(failure.report().elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_can_be_added_while_its_parent_runs() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let parent = named("parent", &journal, [waits("p")]);
        let child = placed(named("child", &journal, [fails("c")]), inner);
        let result = run_with(parent, outer, async |handle| {
            sleep(5).await;
            handle.add_job(child).unwrap();
        });
        assert_eq!(
            result.await.unwrap_err().to_string(),
            "job parent: child: c: c failed"
        );
        assert_eq!(
            journal.text(),
            "init p · run p · init c · run c · fin c · cut p · fin p"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_parents_future_finalizes_the_children_too() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [waits("p")]);
        parent.add_job(placed(named("child", &journal, [waits("c")]), inner));
        let handle = parent.handle();
        let ran = tokio::time::timeout(Duration::from_secs(1), placed(parent, outer).run()).await;
        assert!(ran.is_err());
        assert_eq!(handle.wait().await.outcome(), Outcome::Cancelled);
        assert_ends(&journal, "fin c · fin p");
    }
}

/// A job with a task that hangs in its finalizer, and a child that fails alone.
fn troubled(name: &'static str, journal: &Journal, inline: bool) -> Job {
    let stuck = waits("stuck").finalize(Do::Hang);
    let mut job = named(name, journal, [waits("good"), stuck]);
    let flaky = named("flaky", journal, [fails("probe")]);
    job.add_job(placed(flaky.isolated(), inline));
    placed(job, inline)
}

#[tokio::test(start_paused = true)]
async fn what_went_wrong_in_a_child_is_seen_in_its_parents_report() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [waits("p")]);
        parent.add_job(placed(named("fine", &journal, [ok("f")]), inner));
        parent.add_job(troubled("child", &journal, inner));
        let parent = parent.finalizer_deadline(Duration::from_secs(4));
        let result = run_with(parent, outer, async |handle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        let report = result.await.unwrap_err().into_report();
        let told = "p cut · fine done · child leaked in finalize";
        assert_eq!(outcomes(&report), told);
        let jobs: Vec<_> = report.jobs().map(Report::name).collect();
        assert_eq!(jobs, ["child"]);
        let child = report.task("child").unwrap().job.unwrap();
        assert_eq!(child.leaked().next().unwrap().name, "stuck");
        assert_eq!(
            child.secondary()[0].to_string(),
            "flaky: probe: probe failed"
        );
        assert_eq!(child.jobs().next().unwrap().name(), "flaky");
        let printed = report.to_string();
        let lines: Vec<_> = printed.lines().skip(1).collect();
        let lines = lines
            .iter()
            .map(|line| line.split("  ticks").next().unwrap());
        let expected = [
            "├─ p cut",
            "├─ fine done",
            "└─ child leaked in finalize",
            "   ├─ good cut",
            "   ├─ stuck leaked in finalize",
            "   └─ flaky failed",
            "      └─ probe failed",
            "      later: flaky: probe: probe failed",
        ];
        assert_eq!(lines.collect::<Vec<_>>(), expected, "{printed}");
    }
}

#[tokio::test(start_paused = true)]
async fn children_that_come_and_go_and_fail_are_kept_up_to_a_bound() {
    for inline in [false, true] {
        let mut job = Job::new("server");
        job.add_fn("accept", async |cx: &Context| {
            for _ in 0..200 {
                let mut connection = Job::new("connection").isolated();
                connection.add_task("reset", fails("reset"));
                cx.job()
                    .add_job(connection)
                    .map_err(|refused| refused.why)?;
                sleep(1).await;
            }
            Ok(())
        });
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(report.come_and_gone(), 200);
        assert_eq!(report.jobs().count(), JOBS_MAX);
        assert_eq!(report.tasks().count(), 1);
        let printed = report.to_string();
        assert!(
            printed.contains("\n├─ connection failed\n│  └─ reset failed"),
            "{printed}"
        );
    }
}
