//! What can go wrong, as types a caller can act on.

use std::fmt;

use crate::{Cause, Outcome, Report};

/// The error of a task's routine: anything that can be boxed, so that `?` works on every error type.
///
/// # Examples
///
/// ```
/// fn port(text: &str) -> Result<u16, teamwork::Error> {
///     let port = text.parse()?;
///     if port == 0 {
///         return Err("port 0 is no port".into());
///     }
///     Ok(port)
/// }
/// assert!(port("x").is_err() && port("0").is_err() && port("80").is_ok());
/// ```
pub type Error = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The result of a task's routine.
///
/// # Examples
///
/// ```
/// fn check() -> teamwork::Result { // `Result<(), teamwork::Error>`
///     let _port: u16 = "80".parse()?;
///     Ok(())
/// }
/// # check().unwrap();
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Returns early with an error unless a condition holds.
///
/// It takes the place of go-work's `AssertTrue`, with the sense a reader expects: the condition is what must be true.
///
/// # Examples
///
/// ```
/// fn check(port: u16) -> teamwork::Result {
///     teamwork::ensure!(port >= 1024, "port {port} is reserved");
///     Ok(())
/// }
/// assert!(check(80).is_err_and(|error| error.to_string() == "port 80 is reserved"));
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return ::std::result::Result::Err(::std::convert::Into::into(::std::format!($($message)+)));
        }
    };
}

/// A job that did not end as [`Done`](Outcome::Done): it failed or was cancelled.
///
/// Its message is the message of the [`Cause`]; its [`source`](std::error::Error::source) is the task's own error.
///
/// Its `Debug` form, which `main` and `unwrap` print, is the report as a tree.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("parse");
/// job.add_fn("number", async |_: &Context| Ok("x".parse::<u8>()?));
/// let failure = job.run().await.unwrap_err();
/// assert_eq!(failure.to_string(), "job parse: number: invalid digit found in string");
/// assert!(!failure.is_cancelled() && failure.report().leaked().count() == 0);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Failure {
    report: Box<Report>,
}

impl Failure {
    /// The report of a job that is done; of any other, its failure.
    #[inline]
    pub(crate) fn or_report(report: Report) -> Result<Report, Self> {
        match report.outcome() {
            Outcome::Done => Ok(report),
            Outcome::Failed | Outcome::Cancelled => Err(Self::new(report)),
        }
    }

    fn new(report: Report) -> Self {
        debug_assert!(report.cause().is_some(), "a failed job has a cause");
        Self {
            report: Box::new(report),
        }
    }

    /// The first interruption: what ended the job.
    ///
    /// # Panics
    ///
    /// Never: a failure is only built from a report that has a cause.
    pub fn cause(&self) -> &Cause {
        self.report.cause().expect("a failed job has a cause")
    }

    /// What became of every task.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Takes the report out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Failure, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("import");
    /// job.add_fn("read", async |_: &Context| Ok("x".parse::<u8>()?));
    /// // Whatever became of it, what became of its tasks.
    /// let report = job.run().await.unwrap_or_else(Failure::into_report);
    /// println!("{report}");
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn into_report(self) -> Report {
        *self.report
    }

    /// Whether somebody asked for the end, as opposed to something going wrong.
    pub fn is_cancelled(&self) -> bool {
        self.report.outcome() == Outcome::Cancelled
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.report)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}: {}", self.report.name, self.cause())
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self.cause())
    }
}

/// Why a running job did not accept a task.
///
/// # Examples
///
/// ```
/// # use teamwork::{Job, Why};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let job = Job::new("server");
/// assert!(matches!(job.handle().try_place(), Err(Why::NotStarted)));
/// let server = job.handle();
/// job.run().await?;
/// assert!(matches!(server.try_place(), Err(Why::Closed)));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The job has not begun to run; add to the [`Job`](crate::Job) itself, or wait for a [`place`](crate::JobHandle::place).
    NotStarted,
    /// The job is draining, stopping or over; it will never accept a task again.
    Closed,
    /// The job has as many tasks as [`max_tasks`](crate::Job::max_tasks) allows; see [`place`](crate::JobHandle::place).
    Full,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStarted => "the job does not run yet",
            Self::Closed => "the job accepts no more tasks: it is draining, stopping or over",
            Self::Full => "the job has as many tasks as it may have",
        })
    }
}

impl std::error::Error for Why {}

/// A task that a running job did not accept, given back. Where the task is not wanted, `.map_err(|refused| refused.why)?` says the rest.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Job, Result, Task, Why};
/// struct Greet(&'static str);
///
/// impl Task for Greet {
///     type Output = ();
///     async fn run(&mut self, _: &Context) -> Result<Flow> {
///         println!("hello, {}", self.0);
///         Ok(Flow::Done(()))
///     }
/// }
///
/// let job = Job::new("greetings"); // It does not run yet.
/// let refused = job.handle().add_task("greet", Greet("Ann")).unwrap_err();
/// assert_eq!((refused.task.0, refused.why), ("Ann", Why::NotStarted));
/// ```
pub struct Refused<T> {
    /// The task, untouched.
    pub task: T,
    /// Why it was refused.
    pub why: Why,
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl<T> std::error::Error for Refused<T> {}
