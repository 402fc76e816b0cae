//! Places in a running job: room that is waited for, kept, and given back.

use std::time::Duration;

use teamwork::{Context, Flow, Job, JobHandle, Result, TaskOptions, Why};
use tokio::time::timeout;

use crate::scripted::{
    Do, fails, is_pending, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

/// Adds a task at once, or says why not.
fn offer(handle: &JobHandle) -> Result<(), Why> {
    let added = handle.add_task("late", ok("late"));
    added.map(drop).map_err(|refused| refused.why)
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_until_the_task_comes_or_it_is_dropped() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let result = run_with(job.max_tasks(2), inline, async |handle: JobHandle| {
            let place = handle.place().await.unwrap();
            assert_eq!(offer(&handle), Err(Why::Full));
            assert_eq!(handle.try_place().map(drop), Err(Why::Full));
            drop(place);
            let place = handle.try_place().unwrap();
            let value = place.add_fn("late", async |_: &Context| Ok(7)).unwrap();
            assert_eq!(value.await.unwrap(), 7);
            handle.finish();
        });
        assert_eq!(result.await.unwrap().come_and_gone(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_place_gets_the_one_that_is_given_back() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let result = run_with(job.max_tasks(2), inline, async |handle: JobHandle| {
            let first = handle.place().await.unwrap();
            let mut second = Box::pin(handle.place());
            let mut third = Box::pin(handle.place());
            assert!(is_pending(&mut second).await && is_pending(&mut third).await);
            drop(first);
            let second = second.await.unwrap();
            assert!(is_pending(&mut third).await);
            // One that ends leaves its place as well.
            let ended = second.add_task("late", ok("late")).unwrap();
            assert!(third.await.is_some());
            assert!(ended.is_ended());
            handle.finish();
        });
        result.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_closing_job_has_no_place_and_gives_back_what_comes_for_one() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let before = job.handle();
        assert_eq!(before.try_place().map(drop), Err(Why::NotStarted));
        let result = run_with(job.max_tasks(2), inline, async |handle: JobHandle| {
            let place = handle.place().await.unwrap();
            let mut waits = Box::pin(handle.place());
            assert!(is_pending(&mut waits).await);
            handle.finish();
            assert!(waits.await.is_none());
            assert_eq!(handle.try_place().map(drop), Err(Why::Closed));
            let mut child = Job::new("late");
            child.add_task("late", ok("late"));
            let refused = place.add_job(child).unwrap_err();
            assert_eq!((refused.why, refused.task.name()), (Why::Closed, "late"));
        });
        assert_eq!(outcomes(&result.await.unwrap()), "s done");
    }
}

/// Takes five milliseconds.
async fn five() -> Result {
    sleep(5).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whatever_a_job_takes_can_be_added_while_it_runs() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let result = run_with(job, inline, async |handle: JobHandle| {
            assert!(handle.room().await);
            let count = async |count: &mut u32, _: &Context| {
                *count += 1;
                Ok(if *count == 3 {
                    Flow::Done(*count)
                } else {
                    Flow::Tick
                })
            };
            let counted = handle.add_recurrent("count", 0, count).unwrap();
            assert_eq!(counted.await.unwrap(), 3);
            let placed = handle.try_place().unwrap();
            assert_eq!(
                placed
                    .add_recurrent("count", 1, count)
                    .unwrap()
                    .await
                    .unwrap(),
                3
            );
            let slept = handle.add_future("sleep", five());
            slept.unwrap().await.unwrap();
            let placed = handle.try_place().unwrap();
            let slept = placed.add_future("sleep", five());
            slept.unwrap().await.unwrap();
            let mut child = Job::new("child");
            child.add_task("late", ok("late"));
            handle.try_place().unwrap().add_job(child).unwrap();
            sleep(5).await;
            handle.finish();
        });
        assert_eq!(result.await.unwrap().come_and_gone(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn the_options_of_a_place_are_those_of_its_task() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let result = run_with(placed(job, inline), inline, async |handle: JobHandle| {
            let soon = TaskOptions::new().timeout(Duration::from_millis(5));
            let place = handle.place().await.unwrap().options(soon.optional());
            let late = place.add_task("slow", waits("slow")).unwrap();
            assert!(late.await.is_err());
            let place = handle.place().await.unwrap();
            let spare = place.options(TaskOptions::new().optional());
            assert!(spare.add_task("bad", fails("bad")).unwrap().await.is_err());
            handle.finish();
        });
        let report = result.await.unwrap();
        let later: Vec<_> = report.secondary().iter().map(ToString::to_string).collect();
        assert_eq!(later, ["slow: timed out after 5ms", "bad: bad failed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_or_panics_gives_its_place_back() {
    for inline in [false, true] {
        for what in [Do::Fail, Do::Unwind] {
            let (job, _) = job([waits("a")]);
            // One for "a", and one for those that fail one after the other.
            let result = run_with(job.max_tasks(2), inline, async |handle| {
                for late in [
                    ok("late").init(what),
                    task("late", [what]),
                    ok("late").finalize(what),
                ] {
                    let place = timeout(Duration::from_secs(60), handle.place()).await;
                    let place = place.unwrap().unwrap();
                    let optional = TaskOptions::new().optional();
                    drop(place.options(optional).add_task("late", late));
                }
                drop(handle.place().await.unwrap());
                handle.finish();
            });
            let report = result.await.unwrap();
            assert_eq!(report.secondary().len(), 3);
        }
    }
}
