//! What happens in a job, while it happens.

use std::{fmt, sync::Arc};

use tokio::sync::broadcast;

use crate::{Cause, Outcome, TaskOutcome, name::Shown};

/// How many events wait for a listener that is slow; it loses older ones and is told how many.
pub const EVENTS_MAX: usize = 1024;

/// Something that has happened in a job.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Event, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("server");
/// job.add_fn("serve", async |_: &Context| Ok(()));
/// let mut events = job.handle().events();
/// let watch = async {
///     while let Some(event) = events.next().await {
///         match event {
///             Event::Ready => println!("tell the service manager"),
///             Event::TaskEnded(task) => println!("{} has ended: {}", task.name, task.outcome),
///             Event::Missed(events) => println!("too slow for {events} of them"),
///             _ => {}
///         }
///     }
/// };
/// let (ended, ()) = tokio::join!(job.run(), watch);
/// ended?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The job has begun; it waits for its prerequisites, if it has any.
    Started,
    /// The oneshot is done and every init is through.
    Ready,
    /// The run of a task has ended.
    TaskDone(TaskEvent),
    /// A task is over, its finalizer included.
    TaskEnded(TaskEvent),
    /// A task did not end in the time it had. It is left to itself.
    TaskGivenUp(TaskEvent),
    /// The job is to stop, or to stop faster.
    Stopping(Stop),
    /// Every run has ended; finalizers run now.
    Finalizing,
    /// The job is over. Nothing follows.
    Ended(Outcome),
    /// So many events before the next one were lost, because this listener was too slow.
    Missed(u64),
}

/// A task that something has happened to.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Event, Job, TaskOutcome};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("work");
/// job.add_fn("one", async |_: &Context| Ok(()));
/// let mut events = job.handle().events();
/// job.run().await?;
/// while let Some(event) = events.next().await {
///     if let Event::TaskEnded(task) = event {
///         assert_eq!((&*task.name, task.index, task.outcome), ("one", 0, TaskOutcome::Done));
///     }
/// }
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskEvent {
    /// The task's name.
    pub name: String,
    /// The task's index in its job; that of a task that is over may be given to another one.
    pub index: usize,
    /// How it has ended so far.
    pub outcome: TaskOutcome,
}

/// How a job is to stop.
///
/// # Examples
///
/// ```
/// # use teamwork::{Event, Stop};
/// fn is_urgent(event: &Event) -> bool {
///     matches!(event, Event::Stopping(Stop::Cut(_)))
/// }
/// let (drain, cut) = (Event::Stopping(Stop::Drain), Event::Stopping(Stop::Cut(None)));
/// assert!(!is_urgent(&drain) && is_urgent(&cut));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Stop {
    /// No new tasks; running ones end by themselves.
    Drain,
    /// Every task completes the call that it is in.
    Finish,
    /// Every run is cut. The cause is `None` when it is only the grace of a finish that is over.
    Cut(Option<Arc<Cause>>),
}

/// The events of one job, in order; see [`JobHandle::events`](crate::JobHandle::events).
///
/// Listening never holds the job up. Of a listener that falls behind by more than [`EVENTS_MAX`], the oldest events are lost, and
/// [`Event::Missed`] says how many.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Job};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut job = Job::new("greeter");
/// job.add_fn("greet", async |_: &Context| Ok(()));
/// let (mut one, mut other) = (job.handle().events(), job.handle().events()); // Each hears everything.
/// job.run().await?;
/// assert_eq!(one.next().await.map(|event| event.to_string()).as_deref(), Some("started"));
/// assert_eq!(other.next().await.map(|event| event.to_string()).as_deref(), Some("started"));
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
pub struct Events {
    receiver: Option<broadcast::Receiver<Event>>,
}

impl Events {
    pub(crate) fn new(receiver: Option<broadcast::Receiver<Event>>) -> Self {
        Self { receiver }
    }

    /// The next event, or `None` when the job is over and every event was told.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no event is lost when this is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        let event = match self.receiver.as_mut()?.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(missed)) => Event::Missed(missed),
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        if matches!(event, Event::Ended(_)) {
            self.receiver = None;
        }
        Some(event)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("is_over", &self.receiver.is_none())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Event {
    /// Prints it in a few words, with the task's name first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Ready => f.write_str("ready"),
            Self::TaskDone(task) => write!(f, "{} is through: {}", Shown(&task.name), task.outcome),
            Self::TaskEnded(task) => write!(f, "{} has ended: {}", Shown(&task.name), task.outcome),
            Self::TaskGivenUp(task) => {
                write!(f, "{} is given up: {}", Shown(&task.name), task.outcome)
            }
            Self::Stopping(Stop::Drain) => f.write_str("draining"),
            Self::Stopping(Stop::Finish) => f.write_str("finishing"),
            Self::Stopping(Stop::Cut(None)) => f.write_str("cut: the grace is over"),
            Self::Stopping(Stop::Cut(Some(cause))) => write!(f, "cut: {cause}"),
            Self::Finalizing => f.write_str("finalizing"),
            Self::Ended(outcome) => write!(f, "ended: {outcome}"),
            Self::Missed(events) => write!(f, "{events} events missed"),
        }
    }
}
