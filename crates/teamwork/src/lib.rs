//! Tasks that start together, fail together and clean up together.
//!
//! A [`Job`] is a group of tasks with one fate, on Tokio. Each task is a value with three routines: `init` prepares, `run` is
//! called again and again, `finalize` cleans up, whatever happened. The job starts them in order, runs them at once, stops all of
//! them when one fails, waits until every one has ended, finalizes in reverse order, and reports who did what.
//!
//! ```
//! use std::time::Duration;
//! use teamwork::{Context, Flow, Job, Result, Task};
//!
//! struct Ping(u32);
//!
//! impl Task for Ping {
//!     type Output = ();
//!
//!     async fn run(&mut self, _cx: &Context) -> Result<Flow> {
//!         self.0 += 1;
//!         Ok(if self.0 == 3 { Flow::FinishJob(()) } else { Flow::Tick })
//!     }
//!
//!     async fn finalize(&mut self, _cx: &Context) -> Result {
//!         println!("hang up after {} pings", self.0); // always runs
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let mut job = Job::new("call");
//! job.add_task("ping", Ping(0)).idle_timeout(Duration::from_secs(8));
//! job.add_fn("listen", async |cx: &Context| {
//!     cx.wait(std::future::pending::<()>()).await; // the job's finish stops it right here
//!     Ok(())
//! });
//! let report = job.timeout(Duration::from_secs(60)).run().await?;
//! println!("{report}");
//! # Ok::<(), teamwork::Error>(()) }).unwrap();
//! ```
//!
//! # Where to go on
//!
//! * [`Task`] and [`Flow`]: what a task is.
//! * [`Job`]: how tasks are put together and run, as Tokio tasks or inline.
//! * [`Context`]: what a routine sees of its job.
//! * [`JobHandle`]: the three ways to stop, and adding tasks while it runs.
//! * [`Cause`] and [`Report`]: why it ended, and what became of every task.
//!
//! # What cannot be promised
//!
//! Finalizers are async code: they do not run when the runtime is shut down under a job, when the process is killed, or with
//! `panic = "abort"`. A `run` that never yields cannot be cut; when the time for that is over, the job ends without it and
//! reports it as [`Leaked`](TaskOutcome::Leaked). A job whose own thread is blocked by such a `run` (an inline job, or one on a
//! current-thread runtime) cannot even notice; its parent, if it has one elsewhere, gives up on it.

mod added;
mod cause;
mod context;
mod engine;
mod error;
mod events;
pub mod guide;
mod handle;
mod job;
mod name;
mod pool;
mod rendezvous;
mod report;
mod restart;
#[cfg(feature = "signal")]
mod signal;
mod task;
mod task_handle;

pub use added::{Added, OnIdle, TaskOptions};
pub use cause::{By, Cause, CauseKind, Routine};
pub use context::{Context, IDLE_PAUSE_MAX, IDLE_PAUSE_MIN, TaskWaker, Wait};
pub use error::{Error, Failure, Refused, Result, Why};
pub use events::{EVENTS_MAX, Event, Events, Stop, TaskEvent};
pub use handle::JobHandle;
pub use job::{FINALIZER_DEADLINE, GRACE, Job, Run};
pub use pool::{Blocking, BlockingPool, Full, PoolError, StopFlag};
pub use rendezvous::{Delivery, Receiver, SendError, Sender, rendezvous};
pub use report::{Outcome, Report, SECONDARY_MAX, TaskOutcome, TaskReport};
pub use restart::{RESTART_PAUSE_MAX, RESTART_PAUSE_MIN, Restart, Restarting};
pub use task::{Anything, Flow, NoValue, Once, OnceFn, Recurrent, StepFn, Task};
pub use task_handle::{TaskError, TaskHandle};
