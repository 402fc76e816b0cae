//! What listeners hear of a job.

use std::time::Duration;

use teamwork::{Context, EVENTS_MAX, Event, Events, Job, JobHandle};
use tokio::time::timeout;

use crate::scripted::{Do, fails, hangs, job, ok, placed, run_with, sleep, task, waits};

async fn all(mut events: Events) -> String {
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        told.push(event.to_string());
    }
    told.join(" · ")
}

/// Runs a job while something is done with it, and gives what a listener heard.
async fn heard(job: Job, act: impl AsyncFnOnce(JobHandle)) -> String {
    let handle = job.handle();
    let events = handle.events();
    let (_, (), told) = tokio::join!(job.run(), act(handle), all(events));
    told
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_what_happens_in_order() {
    for inline in [false, true] {
        let (job, _) = job([task("a", [Do::Sleep(5), Do::Done]), waits("b")]);
        let told = heard(placed(job, inline), async |handle: JobHandle| {
            sleep(10).await;
            handle.drain();
            sleep(10).await;
            handle.finish();
        })
        .await;
        assert_eq!(
            told,
            "started · ready · a is through: done · a has ended: done · draining · finishing · b is through: done · \
             finalizing · b has ended: done · ended: done"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_heard_before_what_follows_from_it() {
    for inline in [false, true] {
        let (job, _) = job([waits("a"), fails("b")]);
        let told = heard(placed(job, inline), async |_: JobHandle| {}).await;
        assert_eq!(
            told,
            "started · ready · b is through: failed · cut: b: b failed · a is through: cut · finalizing · \
             b has ended: failed · a has ended: cut · ended: failed"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_named() {
    let (job, _) = job([waits("a").finalize(Do::Hang), hangs("b")]);
    let job = job
        .grace(Duration::from_secs(1))
        .finalizer_deadline(Duration::from_secs(1));
    let told = heard(job, async |handle: JobHandle| {
        sleep(10).await;
        handle.finish();
    })
    .await;
    assert!(
        told.contains(
            "finishing · a is through: done · cut: the grace is over · b is through: cut"
        ),
        "{told}"
    );
    assert!(
        told.ends_with("a is given up: leaked in finalize · ended: done"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_how_much_it_has_missed() {
    let mut job = Job::new("test");
    job.add_fn("adds", async |cx: &Context| {
        for _ in 0..2_000 {
            let added = cx.job().add_fn("late", async |_: &Context| Ok(()));
            drop(added.map_err(|_| "refused")?);
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let mut events = job.handle().events();
    job.run().await.unwrap();
    let Some(Event::Missed(missed)) = events.next().await else {
        panic!("it was not listening")
    };
    // Started, ready, finalizing and ended; two for each task.
    let total = 4 + 2 * 2_001;
    assert_eq!(missed, total - EVENTS_MAX as u64);
    assert!(all(events).await.ends_with("finalizing · ended: done"));
}

#[tokio::test(start_paused = true)]
async fn of_a_job_that_is_over_there_is_nothing_to_hear() {
    let (job, _) = job([ok("a")]);
    let handle = job.handle();
    job.run().await.unwrap();
    assert!(handle.events().next().await.is_none());
    // One that is dropped before it runs ends as well.
    let (job, _) = crate::scripted::job([ok("a")]);
    let events = job.handle().events();
    drop(job);
    let told = all(events).await;
    assert!(told.ends_with("ended: cancelled"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_at_once_and_not_with_the_next_thing() {
    for inline in [false, true] {
        let (job, _) = job([waits("a")]);
        let result = run_with(job, inline, async |handle| {
            sleep(1).await;
            let mut events = handle.events();
            drop(handle.add_task("b", ok("b")));
            for expected in ["b is through: done", "b has ended: done"] {
                let heard = timeout(Duration::from_secs(60), events.next()).await;
                assert_eq!(heard.unwrap().unwrap().to_string(), expected);
            }
            handle.finish();
        });
        result.await.unwrap();
    }
}
