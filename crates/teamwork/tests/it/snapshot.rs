//! Looking at a job while it runs: rule 14.

use std::time::Duration;

use teamwork::{Context, Doing, Job, JobHandle, Phase, Snapshot};

use crate::scripted::{Do, hangs, job, ok, placed, run_with, sleep, task, waits};

/// Runs a job, and looks at it at some milliseconds.
async fn at<const N: usize>(job: Job, millis: [u64; N]) -> [Snapshot; N] {
    let handle: JobHandle = job.handle();
    let look = async {
        let mut seen = Vec::new();
        let began = tokio::time::Instant::now();
        for at in millis {
            tokio::time::sleep_until(began + Duration::from_millis(at)).await;
            seen.push(handle.snapshot().await);
        }
        handle.cancel("seen enough");
        seen
    };
    let (_, seen) = tokio::join!(job.run(), look);
    seen.try_into().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_says_what_everybody_does() {
    for inline in [false, true] {
        let (job, _) = job([
            waits("waits"),
            hangs("hangs"),
            task("idle", [Do::Idle; 1000]),
            task("ticks", [Do::Tick, Do::Tick, Do::Sleep(90)]),
            ok("ends").finalize(Do::Sleep(1)),
        ]);
        let [seen] = at(placed(job, inline), [50]).await;
        assert_eq!(
            seen.to_string(),
            "test running\n├─ waits waiting\n├─ hangs in run\n├─ idle waiting\n├─ ticks in run  ticks 2\n└─ ends done"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_makes_no_progress_is_seen_by_looking_again() {
    for inline in [false, true] {
        let (job, _) = job([hangs("stuck"), task("works", [Do::Sleep(4); 1000])]);
        let [first, second] = at(placed(job, inline), [50, 2050]).await;
        assert!(first.tasks.iter().all(|task| task.same_for.is_none()));
        let [stuck, works] = &second.tasks[..] else {
            panic!("{second}")
        };
        assert_eq!(stuck.same_for, Some(Duration::from_secs(2)));
        assert_eq!(works.same_for, None, "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_goes_through_jobs_in_jobs() {
    for (outer, inner) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut bottom = Job::new("bottom");
        bottom.add_task("b", waits("b"));
        let mut middle = Job::new("middle");
        middle.add_task("m", waits("m"));
        middle.add_job(placed(bottom, inner));
        let mut top = Job::new("top");
        top.add_job(placed(middle, outer));
        top.add_task("t", waits("t"));
        let [seen] = at(placed(top, inner), [50]).await;
        assert_eq!(
            seen.to_string(),
            "top running\n├─ middle running\n│  ├─ m waiting\n│  └─ bottom running\n│     └─ b waiting\n└─ t waiting"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn phases_are_told_from_the_beginning_to_the_end() {
    for inline in [false, true] {
        let first = task("first", [Do::Sleep(20), Do::Done]);
        let mut job = Job::new("test").add_oneshot_task("first", first);
        job.add_task(
            "a",
            task("a", [Do::FailAfter(20)])
                .init(Do::Sleep(20))
                .finalize(Do::Sleep(20)),
        );
        job.add_task("b", waits("b"));
        let handle = job.handle();
        assert_eq!(handle.snapshot().await.phase, Phase::Waiting);
        let look = async {
            let mut phases = Vec::new();
            for _ in 0..5 {
                sleep(if phases.is_empty() { 10 } else { 20 }).await;
                let seen = handle.snapshot().await;
                phases.push((seen.phase, seen.tasks[1].doing, seen.cause.is_some()));
            }
            phases
        };
        let (_, phases) = tokio::join!(placed(job, inline).run(), look);
        let expected = [
            (Phase::Oneshot, Doing::Nothing, false),
            (Phase::Starting, Doing::Init, false),
            (Phase::Running, Doing::Running, false),
            (Phase::Finalizing, Doing::Finalizing, true),
            (
                Phase::Ended,
                Doing::Ended(teamwork::TaskOutcome::Failed),
                true,
            ),
        ];
        assert_eq!(phases, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn looking_at_many_tasks_finds_all_of_them() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        for _ in 0..1_000 {
            job.add_fn("waits", async |cx: &Context| {
                cx.wait(std::future::pending::<()>()).await;
                Ok(())
            });
        }
        let [seen] = at(placed(job, inline), [50]).await;
        let waiting = seen
            .tasks
            .iter()
            .filter(|task| task.doing == Doing::Waiting);
        assert_eq!(waiting.count(), 1_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_its_thread_is_shown_as_busy() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let mut job = Job::new("test");
    job.add_task("a", waits("a"));
    job.add_fn("blocks", async move |_: &Context| {
        let _ = begun.send(());
        let _ = released.recv();
        Ok(())
    });
    let handle: JobHandle = job.run_in_background().await.unwrap();
    has_begun.await.unwrap();
    // On a busy machine, the other one may be late as well.
    let seen = loop {
        let seen = handle.snapshot().await;
        assert_eq!(seen.tasks[1].doing, Doing::Busy, "{seen}");
        if seen.tasks[0].doing == Doing::Waiting {
            break seen;
        }
    };
    drop(release);
    let printed = seen.to_string();
    assert!(printed.starts_with("test running\n├─ a waiting"), "{seen}");
    assert!(printed.ends_with("\n└─ blocks busy"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn who_cleans_up_while_the_others_run_is_seen_to_do_so() {
    for inline in [false, true] {
        let (job, _) = job([ok("ends").finalize(Do::Sleep(1000)), hangs("hangs")]);
        let [seen] = at(placed(job, inline), [50]).await;
        assert_eq!(
            seen.to_string(),
            "test running\n├─ ends finalizing\n└─ hangs in run"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_added_late_is_seen_in_its_init() {
    let (job, _) = job([waits("a")]);
    let handle = job.run_in_background().await.unwrap();
    let _late = handle.add_task("late", ok("late").init(Do::Hang)).unwrap();
    let seen = handle.snapshot().await.to_string();
    assert_eq!(seen, "test running\n├─ a waiting\n└─ late in init");
}

#[tokio::test(start_paused = true)]
async fn who_takes_the_place_of_another_has_its_own_time() {
    for inline in [false, true] {
        let (job, _) = job([waits("a")]);
        let result = run_with(job, inline, async |handle| {
            sleep(1).await;
            let old = handle.add_task("old", task("old", [Do::DoneAfter(5000)]));
            sleep(1000).await;
            assert_eq!(handle.snapshot().await.tasks[1].name, "old");
            old.unwrap().await.unwrap();
            // One of them takes the slot, as soon as it is known to be free.
            for _ in 0..2 {
                drop(handle.add_task("new", hangs("new")));
                sleep(1).await;
            }
            let seen = handle.snapshot().await;
            assert_eq!(seen.tasks[1].name, "new", "{seen}");
            for task in seen.tasks.iter().filter(|task| task.name == "new") {
                assert_eq!(task.same_for, None, "{seen}");
            }
            handle.cancel("seen enough");
        });
        result.await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_have_come_and_gone_are_counted_below_the_others() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("adds", async |cx: &Context| {
            for _ in 0..3 {
                let late = cx.job().add_fn("late", async |_: &Context| Ok(()))?;
                late.await?;
            }
            cx.wait(std::future::pending::<()>()).await;
            Ok(())
        });
        let [seen] = at(placed(job, inline), [50]).await;
        let expected = "test running\n├─ adds waiting\n└─ 3 came and went";
        assert_eq!(seen.to_string(), expected);
    }
}

/// What a monitor relies on: with the feature `serde`.
#[tokio::test(start_paused = true)]
async fn a_snapshot_is_the_same_as_json() {
    for inline in [false, true] {
        let mut child = Job::new("child");
        child.add_task("waits", waits("waits"));
        let (mut job, _) = job([ok("ends"), hangs("stuck").finalize(Do::Hang)]);
        job.add_job(placed(child, inline));
        let handle = job.handle();
        let [first, second] = at(placed(job, inline), [50, 2050]).await;
        assert_eq!(first.tasks.len(), second.tasks.len());
        let child = serde_json::json!({
            "name": "child", "phase": "running", "cause": null, "come_and_gone": 0,
            "tasks": [{
                "name": "waits", "index": 0, "doing": "waiting", "ticks": 0,
                "same_for": { "secs": 2, "nanos": 0 }, "job": null,
            }],
        });
        let expected = serde_json::json!({
            "name": "test", "phase": "running", "cause": null, "come_and_gone": 0,
            "tasks": [
                { "name": "ends", "index": 0, "doing": { "ended": "done" }, "ticks": 0, "same_for": null, "job": null },
                {
                    "name": "stuck", "index": 1, "doing": "running", "ticks": 0,
                    "same_for": { "secs": 2, "nanos": 0 }, "job": null,
                },
                { "name": "child", "index": 2, "doing": "running", "ticks": null, "same_for": null, "job": child },
            ],
        });
        assert_eq!(serde_json::to_value(&second).unwrap(), expected);
        let over = serde_json::to_value(handle.snapshot().await).unwrap();
        assert_eq!(over["phase"], "ended");
        assert_eq!(over["cause"], "cancelled by the caller: seen enough");
        assert_eq!(
            over["tasks"][1]["doing"],
            serde_json::json!({ "ended": { "leaked": "finalize" } })
        );
    }
}
