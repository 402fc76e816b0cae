//! Spawn and join of trivial tasks, per task.

use anyhow::Result;
use teamwork::{Context, Job};

use super::{Setting, contender, goroutines::Measure, hand, row};
use crate::rows::{Row, Target};

fn trivial_job(tasks: usize) -> Job {
    let mut job = Job::new("trivial");
    for _ in 0..tasks {
        job.add_fn("task", async |_: &Context| Ok(()));
    }
    job
}

async fn run(job: Job) {
    job.run().await.expect("trivial tasks do not fail");
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, go } = *setting;
    let runtime = &workers.runtime()?;
    let tasks = scale.count(100_000);
    let label = workers.label();
    let peers = || {
        let goroutines = go.map(|go| go.contender(Measure::Spawn(tasks), workers));
        let here = [
            contender("JoinSet", move || {
                hand::on(runtime, hand::nanos_each(tasks, hand::join_set(tasks)))
            }),
            contender("spawn", move || {
                hand::on(runtime, hand::nanos_each(tasks, hand::bare_spawns(tasks)))
            }),
        ];
        here.into_iter().chain(goroutines)
    };
    let spawned = move || {
        hand::on(
            runtime,
            hand::nanos_each(tasks, async move { run(trivial_job(tasks)).await }),
        )
    };
    let inline = move || {
        hand::on(
            runtime,
            hand::nanos_each(tasks, async move { run(trivial_job(tasks).inline()).await }),
        )
    };
    let [with_spawned, with_inline] = [contender("job", spawned), contender("inline job", inline)]
        .map(|ours| std::iter::once(ours).chain(peers()).collect::<Vec<_>>());
    Ok(vec![
        row(
            format!("spawn + join of a task, {label}"),
            "ns",
            scale,
            with_spawned,
        )
        .target(Target::RatioTo("JoinSet", 1.1)),
        row(
            format!("spawn + join of a task, inline, {label}"),
            "ns",
            scale,
            with_inline,
        )
        .target(Target::AtMost(150.0)),
    ])
}
