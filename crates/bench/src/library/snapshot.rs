//! A look at a job of many tasks.

use std::time::Instant;

use anyhow::Result;
use teamwork::{Context, Job};

use super::{Setting, contender, hand};
use crate::rows::{Row, Target};

const TASKS: usize = 100_000;

/// Milliseconds until the snapshot is there.
async fn millis_to_look() -> f64 {
    hand::unpark_all();
    let mut job = Job::new("parked");
    for _ in 0..TASKS {
        job.add_fn("task", async |_: &Context| {
            hand::park::<teamwork::Result>().await
        });
    }
    let handle = job.run_in_background().await.expect("parked tasks start");
    hand::all_parked(TASKS).await;
    let start = Instant::now();
    let snapshot = handle.snapshot().await;
    let millis = start.elapsed().as_secs_f64() * 1_000.0;
    assert_eq!(snapshot.tasks.len(), TASKS);
    handle.cancel("measured");
    handle.wait().await;
    millis
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, .. } = *setting;
    let runtime = &workers.runtime()?;
    let contenders = vec![contender("snapshot", move || {
        hand::on(runtime, millis_to_look())
    })];
    let name = format!("snapshot of {TASKS} tasks, {}", workers.label());
    Ok(vec![
        super::row(name, "ms", scale, contenders).target(Target::AtMost(20.0)),
    ])
}
