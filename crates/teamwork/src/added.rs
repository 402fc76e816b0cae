//! Options of a task that is being added to a job.

use std::{fmt, time::Duration};

use crate::{
    Job, Task, TaskHandle,
    engine::{Kind, drive::Extras, guard::Clocks},
    name::Name,
    task_handle::Filler,
};

/// What follows when a task makes no progress for as long as its idle timeout.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Job, OnIdle, Outcome};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut session = Job::new("session");
/// session.add_fn("read", async |cx: &Context| {
///     cx.wait(std::future::pending::<()>()).await; // The peer is silent.
///     Ok(())
/// }).idle_timeout(Duration::from_secs(8)).on_idle(OnIdle::FinishJob);
/// assert_eq!(session.run().await?.outcome(), Outcome::Done);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnIdle {
    /// The job fails with [`CauseKind::IdleTimeout`](crate::CauseKind::IdleTimeout).
    #[default]
    FailJob,
    /// The task is done; its handle yields [`TaskError::Stopped`](crate::TaskError::Stopped).
    FinishTask,
    /// The job finishes normally.
    FinishJob,
}

/// Options of a task; see [`TaskOptions::idle_timeout`] and the others.
///
/// They can be set where a task is added to a [`Job`], see [`Added`]; a task that is added to a running job gets them by its
/// [`Place`](crate::Place).
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{OnIdle, TaskOptions};
/// let session = TaskOptions::new()
///     .idle_timeout(Duration::from_secs(30))
///     .on_idle(OnIdle::FinishTask)
///     .optional();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskOptions {
    idle: Option<Duration>,
    on_idle: OnIdle,
    timeout: Option<Duration>,
    is_optional: bool,
}

impl TaskOptions {
    /// No timeouts.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the task may go without a [`Flow::Tick`](crate::Flow::Tick) or a [`touch`](crate::Context::touch) while it runs.
    #[must_use]
    pub fn idle_timeout(mut self, after: Duration) -> Self {
        self.idle = Some(after);
        self
    }

    /// What an idle timeout does; fails the job by default.
    #[must_use]
    pub fn on_idle(mut self, policy: OnIdle) -> Self {
        self.on_idle = policy;
        self
    }

    /// How long the task may run in all. Past that, the job fails.
    #[must_use]
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = Some(after);
        self
    }

    /// The job can do without the task: its failure, or its panic, is reported as [secondary](crate::Report::secondary) and logged,
    /// and nothing else comes of it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job, Result};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("metrics", async |_: &Context| -> Result { Err("the port is taken".into()) }).optional();
    /// server.add_fn("serve", async |_: &Context| Ok(()));
    /// let report = server.run().await?; // It serves without.
    /// assert_eq!(report.secondary()[0].to_string(), "metrics: the port is taken");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    pub(crate) fn kind(self) -> Kind {
        if self.is_optional {
            Kind::OptionalTask
        } else {
            Kind::Task
        }
    }

    pub(crate) fn clocks(self) -> Option<Clocks> {
        let has_clock = self.idle.is_some() || self.timeout.is_some();
        has_clock.then(|| Clocks::new(self.idle, self.on_idle, self.timeout))
    }
}

/// A task that is being added to a [`Job`]: options can be set on it. It is added when this is dropped, usually at the end of
/// the statement.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Job, OnIdle};
/// let mut job = Job::new("session");
/// job.add_fn("download", async |_: &Context| Ok(()))
///     .idle_timeout(Duration::from_secs(8))
///     .on_idle(OnIdle::FinishJob);
/// ```
pub struct Added<'a, V: ?Sized + Send + Sync + 'static, T: Task<V>, const FINALIZES: bool> {
    job: &'a mut Job<V>,
    name: Name,
    task: Option<T>,
    options: TaskOptions,
    filler: Option<Filler<T::Output>>,
}

impl<'a, V: ?Sized + Send + Sync + 'static, T: Task<V>, const FINALIZES: bool>
    Added<'a, V, T, FINALIZES>
{
    pub(crate) fn new(job: &'a mut Job<V>, name: Name, task: T) -> Self {
        Self {
            job,
            name,
            task: Some(task),
            options: TaskOptions::new(),
            filler: None,
        }
    }

    /// See [`TaskOptions::idle_timeout`].
    pub fn idle_timeout(mut self, after: Duration) -> Self {
        self.options = self.options.idle_timeout(after);
        self
    }

    /// See [`TaskOptions::on_idle`].
    pub fn on_idle(mut self, policy: OnIdle) -> Self {
        self.options = self.options.on_idle(policy);
        self
    }

    /// See [`TaskOptions::timeout`].
    pub fn timeout(mut self, after: Duration) -> Self {
        self.options = self.options.timeout(after);
        self
    }

    /// See [`TaskOptions::optional`].
    pub fn optional(mut self) -> Self {
        self.options = self.options.optional();
        self
    }

    /// A handle that yields the task's value. It comes last: the task is added here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("sum");
    /// let sum = job.add_fn("add", async |_: &Context| Ok(3 + 4)).timeout(Duration::from_secs(1)).handle();
    /// job.run().await?;
    /// assert_eq!(sum.await?, 7);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[must_use = "to ignore the value, do not ask for a handle"]
    pub fn handle(mut self) -> TaskHandle<T::Output> {
        let filler = Filler::new(self.job.core());
        let handle = filler.handle();
        self.filler = Some(filler);
        handle
    }
}

impl<V: ?Sized + Send + Sync + 'static, T: Task<V>, const FINALIZES: bool> Drop
    for Added<'_, V, T, FINALIZES>
{
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            let extras = extras(self.options, self.filler.take());
            let name = std::mem::replace(&mut self.name, Name::Static(""));
            self.job
                .push::<T, FINALIZES>(name, task, (extras, self.options.kind()));
        }
    }
}

pub(crate) fn extras<O>(options: TaskOptions, filler: Option<Filler<O>>) -> Option<Box<Extras<O>>> {
    let clocks = options.clocks();
    (clocks.is_some() || filler.is_some() || options.is_optional).then(|| {
        Box::new(Extras {
            clocks,
            filler,
            is_optional: options.is_optional,
            own: None,
        })
    })
}

impl<V: ?Sized + Send + Sync + 'static, T: Task<V>, const FINALIZES: bool> fmt::Debug
    for Added<'_, V, T, FINALIZES>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Added")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
