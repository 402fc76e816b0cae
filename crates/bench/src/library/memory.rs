//! Memory per parked task: what the process has grown by, in a fresh process for each kind.

use std::{future::Future, process::Command};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use teamwork::{Context, Flow, Job, Task};
use tokio_util::sync::CancellationToken;

use super::{
    Scale, Setting, Workers, contender,
    goroutines::Measure,
    hand,
    jobs::{self, Runs},
    row,
};
use crate::rows::{Row, Target};

const TASKS: usize = 100_000;
const JOBS: usize = 10_000;

/// What is parked.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Parked {
    /// Tasks of one job.
    Job,
    /// Carrier tasks, each running an inline job of two tasks.
    Inline,
    /// Carrier tasks that run nothing; what they take is not counted for the inline jobs.
    Carrier,
    /// Tasks of a `JoinSet`, each waiting for a shared token.
    JoinSet,
    /// Jobs of one task, all in one job.
    Jobs,
    /// The same in one runtime task.
    InlineJobs,
    /// Subsystems of tokio-graceful-shutdown.
    Subsystems,
}

/// Waits for ever; has a finalizer.
struct Waits;

impl Task for Waits {
    type Output = ();

    async fn run(&mut self, _: &Context) -> teamwork::Result<Flow> {
        hand::park().await
    }

    async fn finalize(&mut self, _: &Context) -> teamwork::Result {
        Ok(())
    }
}

impl Parked {
    /// Parks the tasks and says how many bytes of memory each takes.
    pub(crate) fn bytes_each(self, workers: Workers) -> Result<f64> {
        let runtime = workers.runtime()?;
        runtime.block_on(async {
            let before = resident()?;
            let grown = match self {
                Self::Job => grown_by(before, TASKS, park_job()).await?,
                Self::Inline => grown_by(before, 2 * TASKS, park_carriers(inline_job)).await?,
                Self::Carrier => grown_by(before, TASKS, park_carriers(hand::park::<()>)).await?,
                Self::JoinSet => grown_by(before, TASKS, park_join_set()).await?,
                Self::Jobs => grown_by(before, JOBS, park_jobs(Runs::Spawned)).await?,
                Self::InlineJobs => grown_by(before, JOBS, park_jobs(Runs::Inline)).await?,
                Self::Subsystems => grown_by(before, JOBS, park_subsystems()).await?,
            };
            Ok(grown as f64 / self.count() as f64)
        })
    }

    /// How many there are.
    fn count(self) -> usize {
        match self {
            Self::Jobs | Self::InlineJobs | Self::Subsystems => JOBS,
            Self::Job | Self::Inline | Self::Carrier | Self::JoinSet => TASKS,
        }
    }

    /// Measures it in a process of its own.
    fn measured(self, workers: Workers) -> f64 {
        self.measure(workers).unwrap_or(f64::NAN)
    }

    fn measure(self, workers: Workers) -> Result<f64> {
        // The process that is started inherits this. Huge pages would count what is near a task, too.
        rustix::thread::disable_transparent_huge_pages(true).context("disable huge pages")?;
        let name = self
            .to_possible_value()
            .context("a name")?
            .get_name()
            .to_owned();
        let output = Command::new(std::env::current_exe()?)
            .args(["--parked", &name])
            .args(matches!(workers, Workers::Two).then_some("--two-workers"))
            .output()?;
        ensure!(
            output.status.success(),
            "bench --parked {name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }
}

/// How much the process has grown while what the future made is still there.
async fn grown_by<T>(
    before: usize,
    tasks: usize,
    park: impl Future<Output = Result<T>>,
) -> Result<usize> {
    let parked = park.await?;
    hand::all_parked(tasks).await;
    let grown = resident()?.saturating_sub(before);
    // Everything is let go at once with the process.
    std::mem::forget(parked);
    Ok(grown)
}

async fn park_job() -> Result<teamwork::JobHandle> {
    let mut job = Job::new("parked");
    for _ in 0..TASKS {
        job.add_task("task", Waits);
    }
    Ok(job.run_in_background().await?)
}

fn session() -> Job {
    let mut job = Job::new("session");
    job.add_task("upload", Waits);
    job.add_task("download", Waits);
    job
}

async fn inline_job() {
    // It is parked for good.
    let _ = session().run_inline().await;
}

async fn park_carriers<F: Future<Output = ()> + Send + 'static>(carried: fn() -> F) -> Result<()> {
    for _ in 0..TASKS {
        drop(hand::spawned(carried()));
    }
    Ok(())
}

async fn park_join_set() -> Result<tokio::task::JoinSet<()>> {
    let token = CancellationToken::new();
    Ok(hand::token_set(TASKS, &token))
}

async fn park_jobs(runs: Runs) -> Result<teamwork::JobHandle> {
    Ok(jobs::family(JOBS, runs).run_in_background().await?)
}

async fn park_subsystems() -> Result<()> {
    drop(hand::spawned(jobs::subsystems(
        JOBS,
        CancellationToken::new(),
    )));
    Ok(())
}

/// Bytes of this process that are in memory.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/statm").context("read /proc/self/statm")?;
    let pages: usize = status
        .split_whitespace()
        .nth(1)
        .context("the second field of statm")?
        .parse()?;
    Ok(pages * 4096)
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, go } = *setting;
    let label = workers.label();
    let scale = Scale {
        rounds: scale.rounds.min(5),
        ..scale
    };
    let ours = contender("job", move || Parked::Job.measured(workers));
    let join_set = contender("JoinSet + token", move || Parked::JoinSet.measured(workers));
    let goroutines = go.map(|go| go.contender(Measure::Memory(TASKS), workers));
    let of_jobs = |runs: Runs| {
        let parked = match runs {
            Runs::Spawned => Parked::Jobs,
            Runs::Inline => Parked::InlineJobs,
        };
        runs.judged(row(
            format!(
                "memory per job, {JOBS} {} of one task, {label}",
                runs.plural()
            ),
            "B",
            scale,
            vec![
                contender("job", move || parked.measured(workers)),
                contender("subsystem", move || Parked::Subsystems.measured(workers)),
            ],
        ))
    };
    Ok(vec![
        row(
            format!("memory per parked task, {label}"),
            "B",
            scale,
            [ours, join_set].into_iter().chain(goroutines).collect(),
        )
        .target(Target::AtMost(400.0)),
        row(
            format!("memory per parked inline job of two, no carrier, {label}"),
            "B",
            scale,
            vec![
                contender("inline job", move || {
                    Parked::Inline.measured(workers) - Parked::Carrier.measured(workers)
                }),
                contender("JoinSet + token, two tasks", move || {
                    2.0 * Parked::JoinSet.measured(workers)
                }),
            ],
        )
        .target(Target::AtMost(800.0)),
        of_jobs(Runs::Spawned),
        of_jobs(Runs::Inline),
    ])
}
