//! Jobs whose tasks need no time. When the clock moves on all the same, somebody waits for a deadline because a message was missed, or
//! was looked for too late.

use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join;
use tokio::time::Instant;

use super::{SCRIPTS, beside, threads};
use crate::{
    Job, JobHandle,
    engine::model::seeds,
    test_util::{Do, Scripted},
};

/// One of these tasks.
fn task(rng: &mut Rng, from: &[&'static [Do]]) -> Scripted {
    Scripted::new("task", from[rng.usize(..from.len())])
}

/// These fail the job, or finish it.
const ENDS: [&[Do]; 3] = [&[Do::Fail], &[Do::Tick, Do::Fail], &[Do::FinishJob]];

/// These are done, or wait for the end of their job.
const GOES_ON: [&[Do]; 3] = [&[], &[Do::Tick, Do::Tick], &[Do::Wait]];

/// A job of a few tasks, some of which are children.
fn job(rng: &mut Rng) -> Job {
    let mut job = Job::new("job");
    for _ in 0..rng.usize(1..5) {
        let task = task(rng, &GOES_ON);
        if rng.u32(..3) == 0 {
            let mut child = Job::new("child");
            child.add_task("task", task);
            job.add_job(child);
        } else {
            job.add_task("task", task);
        }
    }
    job
}

/// Adds a task once there is room for it, and stops the job if that does not.
async fn act(handle: JobHandle, late: Scripted, stop: Option<fn(&JobHandle)>) {
    if let Some(place) = handle.place().await
        && let Ok(task) = place.add_task("late", late)
        && stop.is_none()
    {
        let _ = task.await;
    }
    if let Some(stop) = stop {
        stop(&handle);
    }
    handle.wait().await;
}

async fn play(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let stop: Option<fn(&JobHandle)> = match rng.u32(..3) {
        0 => None,
        1 => Some(|job| job.cancel("enough")),
        _ => Some(JobHandle::finish),
    };
    let late = match stop {
        None => task(&mut rng, &ENDS),
        Some(_) => task(&mut rng, &GOES_ON),
    };
    let job = job(&mut rng);
    let acts = beside(Box::pin(act(job.handle(), late, stop)));
    let began = Instant::now();
    let (ended, ()) = join(job.run(), acts).await;
    let took = began.elapsed();
    assert_eq!(took, Duration::ZERO, "TEAMWORK_SEED={seed}: {ended:?}");
}

#[test]
fn nobody_waits_for_a_clock_while_there_is_mail() {
    for seed in seeds(SCRIPTS) {
        threads::run(seed, play(seed));
    }
}
