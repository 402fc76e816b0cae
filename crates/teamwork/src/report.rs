//! What became of a job and of every task in it.

use std::{fmt, time::Duration};

use crate::{
    Cause, Routine,
    engine::Record,
    name::{Name, Shown},
};

/// How a job ended.
///
/// # Examples
///
/// ```
/// # use teamwork::{Job, Outcome};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let status = |outcome| match outcome {
///     Outcome::Done => 0,
///     Outcome::Failed => 1,
///     Outcome::Cancelled => 130,
/// };
/// let report = Job::new("nothing to do").run().await?;
/// assert_eq!(status(report.outcome()), 0);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every task was done, or the job was finished or drained on request.
    Done,
    /// Something went wrong; the [`Cause`] says what.
    Failed,
    /// Somebody asked for the end; the [`Cause`] says who.
    Cancelled,
}

/// How a task ended.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job, Result, TaskOutcome};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("job");
/// job.add_fn("fails", async |_: &Context| -> Result { Err("no".into()) });
/// job.add_future("waits", std::future::pending::<Result>());
/// let report = job.run().await.unwrap_err().into_report();
/// let outcomes: Vec<_> = report.tasks().map(|task| task.outcome).collect();
/// assert_eq!(outcomes, [TaskOutcome::Failed, TaskOutcome::Cut]);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
pub enum TaskOutcome {
    /// It ended by itself, or stopped at a safe point because the job was to finish.
    Done,
    /// A routine returned an error, or a timeout of the task was over.
    Failed,
    /// A routine panicked.
    Panicked,
    /// Its `run` or its `init` was dropped at an await point, or its `run` was never called, because the job was cancelled or its grace was
    /// over.
    Cut,
    /// The job stopped before its `init` was started; it was only dropped.
    NeverStarted,
    /// It did not end in the time it had, and this routine was left behind: one that does not yield, or a finalizer past its deadline. Of
    /// a child job: the routine of a task of its own, see [`Report::leaked`].
    Leaked(Routine),
}

impl fmt::Display for TaskOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Cut => "cut",
            Self::NeverStarted => "never started",
            Self::Leaked(Routine::Init) => "leaked in init",
            Self::Leaked(Routine::Run) => "leaked in run",
            Self::Leaked(Routine::Finalize) => "leaked in finalize",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// The post-mortem of a job.
///
/// Every task that was added before the job ran is listed, in the order of adding. Of the tasks that were added while it
/// ran, those that ended well or could be done without are only counted, and so are child jobs that were cancelled on their own: a
/// server may run a million connections through one job.
///
/// It prints as a tree. To serialize it, take a [`snapshot`](crate::JobHandle::snapshot) of the job that has ended.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Job, TaskOutcome};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("import").grace(Duration::from_secs(1));
/// job.add_future("deaf", std::future::pending::<teamwork::Result>());
/// job.add_fn("good", async |cx: &Context| Ok(cx.job().finish()));
/// let report = job.run().await?;
/// for task in report.tasks().filter(|task| task.outcome != TaskOutcome::Done) {
///     println!("{} was {} after {:?}", task.name, task.outcome, task.run); // deaf was cut after 1s
/// }
/// assert!(report.task("deaf").is_some_and(|task| task.outcome == TaskOutcome::Cut));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) name: Name,
    pub(crate) outcome: Outcome,
    pub(crate) cause: Option<std::sync::Arc<Cause>>,
    pub(crate) records: Vec<Record>,
    /// Apart, because a report that has nothing of it is moved about for each connection of a server.
    pub(crate) more: Option<Box<More>>,
    pub(crate) elapsed: Duration,
}

/// What few jobs have to tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct More {
    pub(crate) secondary: Vec<Cause>,
    pub(crate) secondary_dropped: u64,
    /// Of child jobs in which something went wrong, with their indices, if they are listed.
    pub(crate) jobs: Vec<(Option<u32>, Box<Report>)>,
    pub(crate) come_and_gone: u64,
}

/// What became of one task.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("job");
/// job.add_fn("sleep", async |_: &Context| Ok(tokio::time::sleep(Duration::from_secs(2)).await));
/// let report = job.run().await?;
/// let task = report.task("sleep").ok_or("it was there")?;
/// assert_eq!((task.index, task.ticks, task.run), (0, 0, Duration::from_secs(2))); // Virtual time.
/// assert_eq!(task.to_string(), "sleep done  ticks 0  init 0.0ns  run 2.0s  finalize 0.0ns");
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TaskReport<'a> {
    /// The task's name.
    pub name: &'a str,
    /// The task's index in its job; a oneshot has 0.
    pub index: usize,
    /// How it ended.
    pub outcome: TaskOutcome,
    /// How many of its `run` calls returned [`Flow::Tick`](crate::Flow::Tick).
    pub ticks: u64,
    /// Time from the start of `init` to its end. Of each of these times the report keeps seven digits, and every nanosecond below a tenth of a
    /// second.
    pub init: Duration,
    /// Time from when the task was let run, which is the same moment for all that were added before the start, to the end of its last
    /// `run` call; of a call that only waited when the job stopped it, to that moment. Of a task or a job that was started over, this and the other times are those of its last attempt.
    pub run: Duration,
    /// Time from the start of `finalize` to its end.
    pub finalize: Duration,
    /// The report of the job that it is, if something went wrong in that; see [`Report::jobs`].
    pub job: Option<&'a Report>,
}

impl Report {
    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the job ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The first interruption; `None` when the job is [`Done`](Outcome::Done).
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_deref()
    }

    /// Failures after the first, in the order in which they were noticed; the first [`SECONDARY_MAX`] of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job, Result};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("server");
    /// for port in [80, 443] {
    ///     job.add_fn(format!("port {port}"), async |_: &Context| -> Result { Err("taken".into()) });
    /// }
    /// let report = job.run().await.unwrap_err().into_report();
    /// assert_eq!(report.cause().map(|cause| cause.to_string()).as_deref(), Some("port 80: taken"));
    /// let later: Vec<_> = report.secondary().iter().map(|cause| cause.to_string()).collect();
    /// assert_eq!(later, ["port 443: taken"]);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn secondary(&self) -> &[Cause] {
        self.more.as_ref().map_or(&[], |more| &more.secondary)
    }

    /// How many failures came after [`secondary`](Self::secondary) was full.
    pub fn secondary_dropped(&self) -> u64 {
        self.more.as_ref().map_or(0, |more| more.secondary_dropped)
    }

    /// The tasks, in the order in which they were added.
    pub fn tasks(&self) -> impl Iterator<Item = TaskReport<'_>> {
        let listed = self
            .records
            .iter()
            .enumerate()
            .filter(|(_, record)| record.is_listed());
        listed.map(|(index, record)| TaskReport {
            job: self.job_at(index),
            ..record.report(index)
        })
    }

    fn job_at(&self, index: usize) -> Option<&Self> {
        let is_it = |place: &Option<u32>| place.is_some_and(|place| place as usize == index);
        let found = self.told().iter().find(|(place, _)| is_it(place));
        found.map(|(_, report)| &**report)
    }

    /// The reports of child jobs in which something went wrong: they failed, have failures to tell of besides their cause, or gave up on
    /// something; or a child of theirs did. The first [`JOBS_MAX`] of them, be they listed or have come and gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job, Outcome, Result};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut session = Job::new("session").isolated();
    /// session.add_fn("read", async |_: &Context| -> Result { Err("reset by peer".into()) });
    /// let mut server = Job::new("server");
    /// server.add_job(session);
    /// let report = server.run().await?;
    /// for job in report.jobs() {
    ///     assert_eq!((job.name(), job.outcome()), ("session", Outcome::Failed));
    /// }
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn jobs(&self) -> impl Iterator<Item = &Self> {
        self.told().iter().map(|(_, report)| &**report)
    }

    fn told(&self) -> &[(Option<u32>, Box<Self>)] {
        self.more.as_ref().map_or(&[], |more| &more.jobs)
    }

    /// Whether there is more to tell than how it ended.
    pub(crate) fn is_telling(&self) -> bool {
        self.outcome == Outcome::Failed
            || !self.secondary().is_empty()
            || !self.told().is_empty()
            || self.leaked().next().is_some()
    }

    /// The task of this name, if one is listed.
    pub fn task(&self, name: &str) -> Option<TaskReport<'_>> {
        self.tasks().find(|task| task.name == name)
    }

    /// The tasks that the job had to give up on, because they did not end in time; or child jobs that had to give up on theirs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Job, Result, Task};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// struct Stuck;
    ///
    /// impl Task for Stuck {
    ///     type Output = ();
    ///
    ///     async fn run(&mut self, _: &Context) -> Result<Flow> {
    ///         Ok(Flow::FinishJob(()))
    ///     }
    ///
    ///     async fn finalize(&mut self, _: &Context) -> Result {
    ///         std::future::pending().await
    ///     }
    /// }
    ///
    /// let mut job = Job::new("job");
    /// job.add_task("stuck", Stuck);
    /// let report = job.run().await?;
    /// let names: Vec<_> = report.leaked().map(|task| task.name).collect();
    /// assert_eq!(names, ["stuck"]); // Worth an alarm: it holds what it holds.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn leaked(&self) -> impl Iterator<Item = TaskReport<'_>> {
        self.tasks()
            .filter(|task| matches!(task.outcome, TaskOutcome::Leaked(_)))
    }

    /// Whether anything was given up, at any level.
    pub(crate) fn has_leaked(&self) -> bool {
        self.leaked().next().is_some() || self.jobs().any(Self::has_leaked)
    }

    /// How many tasks were added while the job ran and are not listed: they ended well, or the job could do without them
    /// ([optional](crate::TaskOptions::optional) ones, [isolated](crate::Job::isolated) jobs). Failures of those are among the
    /// [secondary](Self::secondary) ones.
    pub fn come_and_gone(&self) -> u64 {
        self.more.as_ref().map_or(0, |more| more.come_and_gone)
    }

    /// Time from the start of the job to its end.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// How many failures after the first a report keeps; further ones are counted.
pub const SECONDARY_MAX: usize = 64;

/// How many reports of child jobs a report keeps.
pub const JOBS_MAX: usize = 64;

/// How many tasks the printed form of a report lists, whatever became of them; and how many more that came to no good end.
const LISTED_MAX: usize = 50;

impl Report {
    /// Prints the tasks, and what is in them, below a line that is indented like this.
    fn branches(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        let listed = self.listed();
        let hidden = self.tasks().count() - listed.len();
        let gone = self.come_and_gone();
        for (position, task) in listed.iter().enumerate() {
            let is_last = position + 1 == listed.len() && hidden == 0 && gone == 0;
            let (branch, below) = if is_last {
                ("└─", "   ")
            } else {
                ("├─", "│  ")
            };
            write!(f, "\n{indent}{branch} {task}")?;
            if let Some(job) = task.job {
                job.branches(f, &format!("{indent}{below}"))?;
            }
        }
        if hidden > 0 {
            let branch = if gone == 0 { "└─" } else { "├─" };
            write!(f, "\n{indent}{branch} … and {hidden} more")?;
        }
        // Those that are not listed are among those that came and went.
        for (_, job) in self.told().iter().filter(|(place, _)| place.is_none()) {
            write!(f, "\n{indent}├─ {} {}", job.name, job.outcome)?;
            job.branches(f, &format!("{indent}│  "))?;
        }
        if gone > 0 {
            write!(f, "\n{indent}└─ {gone} tasks came and went")?;
        }
        for later in self.secondary() {
            write!(f, "\n{indent}   later: {later}")?;
        }
        if self.secondary_dropped() > 0 {
            let dropped = self.secondary_dropped();
            write!(f, "\n{indent}   later: … and {dropped} more failures")?;
        }
        Ok(())
    }

    /// The tasks that are printed: the first ones, and then those that one has to know of.
    fn listed(&self) -> Vec<TaskReport<'_>> {
        let mut further = 0..LISTED_MAX;
        let tasks = self.tasks().enumerate();
        let listed = tasks.filter(|(position, task)| {
            *position < LISTED_MAX || task.is_bad() && further.next().is_some()
        });
        listed.map(|(_, task)| task).collect()
    }
}

impl TaskReport<'_> {
    /// Whether something went wrong with it.
    fn is_bad(&self) -> bool {
        use TaskOutcome::{Failed, Leaked, Panicked};
        matches!(self.outcome, Failed | Panicked | Leaked(_))
    }
}

impl fmt::Display for TaskReport<'_> {
    /// Prints one line; the tasks of a job that it is are not in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Shown(self.name), self.outcome)?;
        write!(
            f,
            "  ticks {}  init {:.1?}  run {:.1?}  finalize {:.1?}",
            self.ticks, self.init, self.run, self.finalize
        )
    }
}

impl fmt::Display for Report {
    /// Prints the job and its tasks as a tree, the cause first; and in the same way the child jobs in which something went wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {:.1?}", self.name, self.outcome, self.elapsed)?;
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        self.branches(f, "")
    }
}
