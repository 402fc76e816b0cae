//! From a cancel to the end of everything, with many parked tasks.

use anyhow::Result;
use teamwork::{Context, Flow, Job, JobHandle, Task};

use super::{Setting, contender, goroutines::Measure, hand, row};
use crate::rows::{Row, Target};

/// Waits for ever; has a finalizer.
struct Parked(u64);

impl Task for Parked {
    type Output = ();

    async fn run(&mut self, _: &Context) -> teamwork::Result<Flow> {
        hand::park().await
    }

    async fn finalize(&mut self, _: &Context) -> teamwork::Result {
        self.0 += std::hint::black_box(1);
        Ok(())
    }
}

fn with_finalizers(tasks: usize) -> Job {
    let mut job = Job::new("parked");
    for _ in 0..tasks {
        job.add_task("task", Parked(0));
    }
    job
}

fn without_finalizers(tasks: usize) -> Job {
    let mut job = Job::new("parked");
    for _ in 0..tasks {
        job.add_fn("task", async |_: &Context| {
            hand::park::<teamwork::Result>().await
        });
    }
    job
}

async fn cancel(handle: JobHandle) {
    handle.cancel("measured");
    handle.wait().await;
}

async fn cancel_job(job: Job, tasks: usize) -> f64 {
    hand::unpark_all();
    let handle = job.run_in_background().await.expect("parked tasks start");
    hand::all_parked(tasks).await;
    hand::nanos_each(tasks, cancel(handle)).await
}

async fn abort_all(tasks: usize) -> f64 {
    let set = hand::parked_set(tasks).await;
    hand::nanos_each(tasks, hand::abort_and_join(set)).await
}

/// Builds a job of so many parked tasks.
type MakeJob = fn(usize) -> Job;

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, go } = *setting;
    let runtime = &workers.runtime()?;
    let tasks = scale.count(100_000);
    let label = workers.label();
    let ours: [(&str, MakeJob); 2] = [
        ("cancel → all finalized", with_finalizers),
        ("cancel → all ended, no finalizers", without_finalizers),
    ];
    let measured = ours.map(|(name, make)| {
        let here = [
            contender("job", move || {
                hand::on(runtime, async move { cancel_job(make(tasks), tasks).await })
            }),
            contender("JoinSet", move || hand::on(runtime, abort_all(tasks))),
        ];
        let goroutines = go.map(|go| go.contender(Measure::Cancel(tasks), workers));
        let contenders = here.into_iter().chain(goroutines).collect();
        row(
            format!("{name}, per task, {label}"),
            "ns",
            scale,
            contenders,
        )
        .target(Target::RatioTo("JoinSet", 1.0))
    });
    Ok(measured.into())
}
