//! Why a job ended before its tasks were done.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use crate::{Error, engine::panics, name::Name};

/// One of the three routines of a task.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Job, Result, Routine, Task};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// struct Connect;
///
/// impl Task for Connect {
///     type Output = ();
///
///     async fn init(&mut self, _: &Context) -> Result {
///         Err("refused".into())
///     }
///
///     async fn run(&mut self, _: &Context) -> Result<Flow> {
///         Ok(Flow::Done(()))
///     }
/// }
///
/// let mut job = Job::new("client");
/// job.add_task("connect", Connect);
/// let failure = job.run().await.unwrap_err();
/// assert_eq!(failure.cause().routine(), Some(Routine::Init));
/// assert_eq!(failure.to_string(), "job client: connect (init): refused");
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "snake_case")
)]
pub enum Routine {
    /// [`Task::init`](crate::Task::init).
    Init,
    /// [`Task::run`](crate::Task::run).
    Run,
    /// [`Task::finalize`](crate::Task::finalize).
    Finalize,
}

impl fmt::Display for Routine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Init => "init",
            Self::Run => "run",
            Self::Finalize => "finalize",
        })
    }
}

/// Who asked for a cancellation.
///
/// # Examples
///
/// ```
/// # use teamwork::{By, CauseKind, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let job = Job::new("server");
/// job.handle().cancel("a newer one takes over");
/// let failure = job.run().await.unwrap_err();
/// let status = match failure.cause().kind() {
///     CauseKind::Cancelled { by: By::Signal, .. } => 130, // As a shell says it.
///     CauseKind::Cancelled { .. } => 0,
///     _ => 1,
/// };
/// assert_eq!(status, 0);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// A caller of [`JobHandle::cancel`](crate::JobHandle::cancel).
    Caller,
    /// The job that this job is a task of.
    Parent,
    /// A second SIGINT or SIGTERM, see [`run_until_signal`](crate::Job::run_until_signal).
    Signal,
    /// The last owner of the running job was dropped.
    Drop,
}

/// What happened.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{CauseKind, Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("fetch").timeout(Duration::from_secs(5));
/// job.add_future("wait", std::future::pending::<teamwork::Result>());
/// let failure = job.run().await.unwrap_err();
/// let status = match failure.cause().kind() {
///     CauseKind::Timeout(_) | CauseKind::IdleTimeout(_) => 504,
///     CauseKind::Cancelled { .. } => 503,
///     _ => 500,
/// };
/// assert_eq!(status, 504);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub enum CauseKind {
    /// A routine returned an error.
    Error(Arc<dyn std::error::Error + Send + Sync>),
    /// A routine panicked.
    Panic {
        /// The panic's message, or a note that its payload was not a string.
        message: String,
        /// `file:line:column` of the panic, unless the program replaced the panic hook that notes it.
        location: Option<String>,
    },
    /// Nothing progressed for as long as the idle timeout says.
    IdleTimeout(Duration),
    /// The time given to the task or to the job was over.
    Timeout(Duration),
    /// Somebody asked for it.
    Cancelled {
        /// Who.
        by: By,
        /// The words given with the request.
        reason: Cow<'static, str>,
    },
    /// A child job failed; its own cause is inside.
    Job(Arc<Cause>),
}

impl CauseKind {
    pub(crate) fn error(error: Error) -> Self {
        Self::Error(Arc::from(error))
    }

    pub(crate) fn cancelled(by: By, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Cancelled {
            by,
            reason: reason.into(),
        }
    }
}

/// The first interruption of a job: which task, which routine, what.
///
/// It is written before the stop signal is given, so every task and every finalizer that notices the stop can read it with
/// [`Context::cause`](crate::Context::cause). What fails later is kept apart, see [`Report::secondary`](crate::Report::secondary).
///
/// # Examples
///
/// ```
/// # use teamwork::{CauseKind, Context, Job, Routine};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("fetch");
/// job.add_fn("parse", async |_: &Context| Ok("x".parse::<u8>()?));
/// job.add_future("wait", std::future::pending::<teamwork::Result>());
/// let failure = job.run().await.unwrap_err();
/// let cause = failure.cause();
/// assert_eq!((cause.task(), cause.routine()), (Some("parse"), Some(Routine::Run)));
/// assert!(matches!(cause.kind(), CauseKind::Error(_)) && !cause.is_cancelled());
/// assert_eq!(cause.to_string(), "parse: invalid digit found in string");
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Cause {
    pub(crate) task: Option<Name>,
    pub(crate) routine: Option<Routine>,
    pub(crate) kind: CauseKind,
}

impl Cause {
    /// A cause that belongs to the job and to no task of it.
    pub(crate) fn of_job(kind: CauseKind) -> Self {
        Self {
            task: None,
            routine: None,
            kind,
        }
    }

    /// The task it came from; `None` when it came from outside (a cancel, the job's own timeout).
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// The routine it came from, if it came from a task.
    pub fn routine(&self) -> Option<Routine> {
        self.routine
    }

    /// What happened.
    pub fn kind(&self) -> &CauseKind {
        &self.kind
    }

    /// Whether somebody asked for it, as opposed to something going wrong.
    pub fn is_cancelled(&self) -> bool {
        match &self.kind {
            CauseKind::Cancelled { .. } => true,
            CauseKind::Job(inner) => inner.is_cancelled(),
            _ => false,
        }
    }

    /// The task's own error, if it was one and of this type.
    ///
    /// # Examples
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let mut job = teamwork::Job::new("parse");
    /// job.add_fn("number", async |_: &teamwork::Context| Ok("x".parse::<u8>()?));
    /// let failure = job.run().await.unwrap_err();
    /// assert!(failure.cause().downcast_ref::<std::num::ParseIntError>().is_some());
    /// # });
    /// ```
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match &self.kind {
            CauseKind::Error(error) => error.downcast_ref(),
            CauseKind::Job(inner) => inner.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.task {
            write!(f, "{task}")?;
            match self.routine {
                Some(Routine::Run) | None => f.write_str(": ")?,
                Some(routine) => write!(f, " ({routine}): ")?,
            }
        }
        write!(f, "{}", self.kind)
    }
}

impl fmt::Display for CauseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // These are words of the user's. They are asked for in places where a panic would take the job along.
            Self::Error(error) => panics::catch(|| write!(f, "{error}")).unwrap_or_else(|_| {
                f.write_str(" … (the error panicked when it was asked for its message)")
            }),
            Self::Panic {
                message,
                location: Some(at),
            } => write!(f, "panicked at {at}: {message}"),
            Self::Panic {
                message,
                location: None,
            } => write!(f, "panicked: {message}"),
            Self::IdleTimeout(after) => write!(f, "idle for {after:?}"),
            Self::Timeout(after) => write!(f, "timed out after {after:?}"),
            Self::Cancelled { by, reason } => {
                write!(f, "cancelled by {by}: {reason}")
            }
            Self::Job(inner) => write!(f, "{inner}"),
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Caller => "the caller",
            Self::Parent => "the parent job",
            Self::Signal => "a signal",
            Self::Drop => "the drop of its last owner",
        })
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            CauseKind::Error(error) => panics::catch(|| error.source()).ok().flatten(),
            CauseKind::Job(inner) => std::error::Error::source(&**inner),
            _ => None,
        }
    }
}
