//! Start and stop of many small jobs beside subsystems of tokio-graceful-shutdown, per job.

use std::time::Duration;

use anyhow::Result;
use teamwork::{Context, Flow, Job, Task};
use tokio_graceful_shutdown::{
    SubsystemBuilder, SubsystemHandle, Toplevel, errors::GracefulShutdownError,
};
use tokio_util::sync::CancellationToken;

use super::{Setting, contender, hand, row};
use crate::rows::{Row, Target};

/// Far more than any stop takes.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// Waits for the stop of its job.
struct Waits;

impl Task for Waits {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        cx.wait(hand::park()).await
    }
}

/// Where the tasks of a job run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Runs {
    /// Jobs and tasks on runtime tasks of their own.
    Spawned,
    /// All of them in one runtime task.
    Inline,
}

impl Runs {
    fn place(self, job: Job) -> Job {
        match self {
            Self::Spawned => job,
            Self::Inline => job.inline(),
        }
    }

    /// What shares a runtime task has to be far ahead; two runtime tasks cannot be made in a fifth of the time of two.
    pub(super) fn judged(self, row: Row) -> Row {
        match self {
            Self::Spawned => row.target(Target::RatioTo("subsystem", 1.0)),
            Self::Inline => row.target(Target::RatioTo("subsystem", 0.2)),
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Spawned => "jobs",
            Self::Inline => "inline jobs",
        }
    }
}

/// A job of so many jobs of one task.
pub(super) fn family(children: usize, runs: Runs) -> Job {
    let mut root = runs.place(Job::new("root"));
    for _ in 0..children {
        let mut child = runs.place(Job::new("child"));
        child.add_task("task", Waits);
        root.add_job(child);
    }
    root
}

async fn start_and_stop_jobs(children: usize, runs: Runs) {
    hand::unpark_all();
    let handle = family(children, runs).run_in_background().await;
    let handle = handle.expect("parked tasks start");
    hand::all_parked_soon(children).await;
    handle.finish();
    let report = handle.wait().await;
    assert_eq!(report.outcome(), teamwork::Outcome::Done);
}

async fn subsystem(subsystem: &mut SubsystemHandle) -> Result<()> {
    tokio::select! {
        () = hand::park() => {}
        () = subsystem.on_shutdown_requested() => {}
    }
    Ok(())
}

/// So many subsystems, until the token is cancelled.
pub(super) async fn subsystems(
    children: usize,
    stop: CancellationToken,
) -> Result<(), GracefulShutdownError> {
    let root = async move |root: &mut SubsystemHandle| {
        for _ in 0..children {
            root.start(SubsystemBuilder::new("child", subsystem));
        }
    };
    Toplevel::new_with_shutdown_token(root, stop)
        .handle_shutdown_requests(STOP_WITHIN)
        .await
}

async fn start_and_stop_subsystems(children: usize) {
    hand::unpark_all();
    let stop = CancellationToken::new();
    let stopper = async {
        hand::all_parked_soon(children).await;
        stop.cancel();
    };
    let (stopped, ()) = tokio::join!(subsystems(children, stop.clone()), stopper);
    stopped.expect("subsystems do not fail");
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, .. } = *setting;
    let runtime = &workers.runtime()?;
    let label = workers.label();
    let mut rows = Vec::new();
    for (children, runs) in [
        (1_000, Runs::Spawned),
        (10_000, Runs::Spawned),
        (1_000, Runs::Inline),
        (10_000, Runs::Inline),
    ] {
        let contenders = vec![
            contender("job", move || {
                let stopped = start_and_stop_jobs(children, runs);
                hand::on(runtime, hand::nanos_each(children, stopped))
            }),
            contender("subsystem", move || {
                let stopped = start_and_stop_subsystems(children);
                hand::on(runtime, hand::nanos_each(children, stopped))
            }),
        ];
        let name = format!(
            "start + stop of {children} {} of one task, {label}",
            runs.plural()
        );
        rows.push(runs.judged(row(name, "ns", scale, contenders)));
    }
    Ok(rows)
}
