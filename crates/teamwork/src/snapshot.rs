//! A job as it is right now.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    Report, TaskOutcome,
    engine::{
        core::{Core, Look},
        machine::{Row, Seen},
    },
    name::Shown,
};

/// How long a look at a job waits for those who are asked. Who has something else to do is shown as busy.
pub const LOOK_TIME: Duration = Duration::from_millis(100);

/// A job and everything in it, as it was when [`JobHandle::snapshot`](crate::JobHandle::snapshot) asked.
///
/// It prints as a tree. With the feature `serde` it serializes.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("factory");
/// for name in ["press", "paint"] {
///     let mut part = Job::new(name);
///     part.add_fn("work", async |cx: &Context| Ok(cx.wait(std::future::pending::<()>()).await));
///     job.add_job(part);
/// }
/// let factory = job.run_in_background().await?;
/// let snapshot = factory.snapshot().await;
/// assert_eq!(snapshot.to_string(), "\
/// factory running
/// ├─ press running
/// │  └─ work waiting
/// └─ paint running
///    └─ work waiting");
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The job's name.
    pub name: String,
    /// What it is doing.
    pub phase: Phase,
    /// The first interruption, if there was one.
    pub cause: Option<String>,
    /// Its tasks, those that have come and gone excepted.
    pub tasks: Vec<TaskSnapshot>,
    /// How many tasks were added while it ran and are not listed any more; see [`Report::come_and_gone`].
    pub come_and_gone: u64,
}

/// What a job is doing.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, Phase};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("server");
/// job.add_fn("serve", async |cx: &Context| Ok(cx.wait(std::future::pending::<()>()).await));
/// let server = job.run_in_background().await?;
/// let is_ready = server.snapshot().await.phase == Phase::Running; // For `/readyz`.
/// assert!(is_ready);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Phase {
    /// It has not begun, or waits for its prerequisites.
    Waiting,
    /// Its oneshot runs.
    Oneshot,
    /// Its tasks are initialized, one after the other.
    Starting,
    /// Its tasks run.
    Running,
    /// Its runs are to end.
    Stopping,
    /// Its finalizers run.
    Finalizing,
    /// It is over.
    Ended,
    /// It did not answer in time: its thread is kept by something else.
    Busy,
}

/// A task of a [`Snapshot`].
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("import");
/// job.add_fn("read", async |_: &Context| Ok(std::future::pending::<()>().await));
/// let import = job.run_in_background().await?;
/// import.snapshot().await;
/// tokio::time::sleep(Duration::from_secs(60)).await;
/// let stuck = import.snapshot().await; // Who is looked at twice is seen to make no progress.
/// assert!(stuck.tasks.iter().all(|task| task.same_for >= Some(Duration::from_secs(60))));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TaskSnapshot {
    /// The task's name.
    pub name: String,
    /// The task's index in its job.
    pub index: usize,
    /// What it is doing.
    pub doing: Doing,
    /// How many of its `run` calls have returned [`Flow::Tick`](crate::Flow::Tick), as far as it could be asked.
    pub ticks: Option<u64>,
    /// For how long it has had that many ticks, as far as earlier snapshots tell: it has made no progress since. (A closure of
    /// [`add_fn`](crate::Job::add_fn) never ticks, so of one this is how long it has been looked at.)
    pub same_for: Option<Duration>,
    /// The job that it is.
    pub job: Option<Box<Snapshot>>,
}

/// What a task is doing.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Doing, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("server");
/// job.add_fn("accept", async |cx: &Context| Ok(cx.wait(std::future::pending::<()>()).await));
/// job.add_fn("export", async |_: &Context| Ok(std::future::pending::<()>().await));
/// let server = job.run_in_background().await?;
/// let doing: Vec<_> = server.snapshot().await.tasks.iter().map(|task| task.doing).collect();
/// assert_eq!(doing, [Doing::Waiting, Doing::Running]); // At a safe point, and in the midst of something.
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Doing {
    /// It has not started.
    Nothing,
    /// It is in its `init`.
    Init,
    /// It is initialized and waits for the others.
    AtGate,
    /// It waits at a safe point, inside [`Context::wait`](crate::Context::wait) or between two calls.
    Waiting,
    /// It waits in the middle of a `run` call, or between two attempts; or in its `init`, if it was added to an inline job that runs.
    Running,
    /// It did not answer: it keeps its thread, or has just been called.
    Busy,
    /// Its run has ended; it waits to be finalized.
    Parked,
    /// It is in its finalizer.
    Finalizing,
    /// It is over.
    Ended(TaskOutcome),
}

type Taken = Pin<Box<dyn Future<Output = Snapshot> + Send>>;

/// Looks at a job and at every job in it.
pub(crate) fn take(core: Arc<Core>) -> Taken {
    Box::pin(async move {
        let looker = core.look();
        let seen = timeout(LOOK_TIME, looker.ask()).await;
        if let Some(report) = core.report() {
            return of_report(&report);
        }
        let mut snapshot = Snapshot {
            name: (*core.name).to_owned(),
            phase: Phase::Waiting,
            cause: core.cause().map(ToString::to_string),
            tasks: Vec::new(),
            come_and_gone: 0,
        };
        let Ok(seen) = seen else {
            snapshot.phase = Phase::Busy;
            return snapshot;
        };
        if let Some(Seen {
            phase,
            come_and_gone,
            mut rows,
        }) = seen
        {
            looker.correct(&mut rows);
            // Who has not answered by then is busy.
            let _late = timeout(LOOK_TIME, looker.answers(&rows)).await;
            let (tasks, jobs): (Vec<_>, Vec<_>) = looker.join(&rows, of_task).into_iter().unzip();
            snapshot.tasks = tasks;
            take_jobs(&mut snapshot.tasks, jobs).await;
            snapshot.phase = phase;
            snapshot.come_and_gone = come_and_gone;
        }
        snapshot
    })
}

/// Puts together what the job knows of a task and what the task says itself; with the job that it is.
fn of_task(row: &Row, look: Option<&Look>) -> (TaskSnapshot, Option<Arc<Core>>) {
    let doing = match (row.doing, look) {
        (Doing::Running, None) => Doing::Busy,
        (Doing::Running, Some(look)) if look.is_waiting => Doing::Waiting,
        (doing, _) => doing,
    };
    let child = look.and_then(|look| look.child.clone());
    let is_over = matches!(doing, Doing::Ended(_));
    let is_plain = child.is_none();
    let ticks = row.ticks.or(look.map(|look| look.ticks));
    let same_for = look.and_then(|look| look.same_for);
    let task = TaskSnapshot {
        name: (*row.name).to_owned(),
        index: row.slot as usize,
        doing,
        ticks: ticks.filter(|_| is_plain),
        same_for: same_for.filter(|_| is_plain && !is_over),
        job: None,
    };
    (task, child)
}

/// Looks at those of the tasks that are jobs.
async fn take_jobs(tasks: &mut [TaskSnapshot], jobs: Vec<Option<Arc<Core>>>) {
    let jobs = tasks.iter_mut().zip(jobs);
    let jobs = jobs.filter_map(|(task, job)| Some((task, job?)));
    join_all(jobs.map(|(task, job)| async { task.job = Some(Box::new(take(job).await)) })).await;
}

fn of_report(report: &Report) -> Snapshot {
    let tasks = report.tasks().map(|task| TaskSnapshot {
        name: task.name.to_owned(),
        index: task.index,
        doing: Doing::Ended(task.outcome),
        ticks: Some(task.ticks),
        same_for: None,
        job: task.job.map(|job| Box::new(of_report(job))),
    });
    Snapshot {
        name: report.name().to_owned(),
        phase: Phase::Ended,
        cause: report.cause().map(ToString::to_string),
        tasks: tasks.collect(),
        come_and_gone: report.come_and_gone(),
    }
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Oneshot => "in its oneshot",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Finalizing => "finalizing",
            Self::Ended => "ended",
            Self::Busy => "busy",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.pad("not started"),
            Self::Init => f.pad("in init"),
            Self::AtGate => f.pad("at the start gate"),
            Self::Waiting => f.pad("waiting"),
            Self::Running => f.pad("in run"),
            Self::Busy => f.pad("busy"),
            Self::Parked => f.pad("to be finalized"),
            Self::Finalizing => f.pad("finalizing"),
            Self::Ended(outcome) => outcome.fmt(f),
        }
    }
}

impl Snapshot {
    /// Prints the job's tasks below a line that is indented like this.
    fn branches(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        for (position, task) in self.tasks.iter().enumerate() {
            let is_last = position + 1 == self.tasks.len() && self.come_and_gone == 0;
            let (branch, below) = if is_last {
                ("└─", "   ")
            } else {
                ("├─", "│  ")
            };
            write!(f, "\n{indent}{branch} {task}")?;
            if let Some(job) = &task.job {
                job.branches(f, &format!("{indent}{below}"))?;
            }
        }
        if self.come_and_gone > 0 {
            write!(f, "\n{indent}└─ {} came and went", self.come_and_gone)?;
        }
        Ok(())
    }
}

impl fmt::Display for TaskSnapshot {
    /// Prints one line; the tasks of a job that it is are not in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Shown(&self.name);
        match &self.job {
            Some(job) => write!(f, "{name} {}", job.phase)?,
            None => write!(f, "{name} {}", self.doing)?,
        }
        if let Some(ticks) = self.ticks.filter(|ticks| *ticks > 0) {
            write!(f, "  ticks {ticks}")?;
        }
        if let Some(same) = self.same_for {
            write!(f, "  no progress for {same:.1?}")?;
        }
        if let Some(cause) = self.job.as_ref().and_then(|job| job.cause.as_ref()) {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Snapshot {
    /// Prints the job and everything in it as a tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Shown(&self.name), self.phase)?;
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        self.branches(f, "")
    }
}
