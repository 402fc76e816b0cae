//! Tasks that start together, fail together and clean up together.
//!
//! A [`Job`] is a group of tasks with one fate, on Tokio. It starts them in order, runs them at once, stops all of them when one fails,
//! waits until every one has ended, cleans up in reverse order, and reports who did what and why it ended.
//!
//! ```
//! # use std::time::Duration;
//! # use teamwork::{Context, Job};
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> teamwork::Result {
//! let (sender, mut receiver) = tokio::sync::mpsc::channel(8);
//! let mut job = Job::new("mail");
//! job.add_fn("write", async move |_: &Context| Ok(sender.send("a letter").await?));
//! job.add_fn("deliver", async move |cx: &Context| {
//!     while let Some(letter) = cx.wait(receiver.recv()).await { // A stop ends the task right here.
//!         println!("{letter}"); // … and not in here.
//!     }
//!     Ok(())
//! }).idle_timeout(Duration::from_secs(8));
//! println!("{}", job.timeout(Duration::from_secs(60)).run().await?);
//! # Ok(())
//! # }
//! ```
//!
//! It is for servers, proxies, workers and pipelines: programs for which one writes `JoinSet`, `CancellationToken`, `select!`, signal handling,
//! timeouts and clean-up once more each time, and gets one of them wrong. With [`run_until_signal`](Job::run_until_signal) in place of
//! `run`, the first Ctrl-C drains the job, and a second one cancels it.
//!
//! # A task
//!
//! A closure is a task. One with a state and something to clean up is a value with three routines: `init` prepares, `run` is called again and
//! again, `finalize` cleans up, whatever happened.
//!
//! ```
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
//!         println!("hang up after {} pings", self.0); // Always runs.
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result {
//! let mut job = Job::new("call");
//! job.add_task("ping", Ping(0));
//! let report = job.run().await?;
//! assert_eq!(report.task("ping").map(|task| task.ticks), Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! # The life of a job
//!
//! ```text
//! time ─▶  start                            │ run                      │ stop   │ finalize
//! after    [prereq.]                        │                          │        │
//! connect           [init][run]             │                          │        │           [fin]
//! read                         [init]       │ [run][run][run][run][run │ … cut] │      [fin]
//! write                              [init] │ [run][run][run … error]  │        │ [fin]
//! timer                                     │ [run][run: done][fin]    │        │
//!                                         ready               write has failed  every run has ended
//! ```
//!
//! `connect` is the oneshot, on whose value the others rely. `write` fails; its error becomes the cause, `read` is cut at its next await point,
//! and then finalizers run. [`guide::lifecycle`] goes through it step by step.
//!
//! # What is guaranteed
//!
//! * **One fate.** An error, a panic, an idle timeout or a timeout in a task stops all others. (Unless it is
//!   [optional](TaskOptions::optional), an [isolated](Job::isolated) child, or has a [`Restart`] left.)
//! * **Clean-up.** A task whose `init` was started is finalized exactly once, after all runs have ended, in reverse order of start, with a
//!   deadline. See [`guide::finalizers`].
//! * **No torn work.** Under [`finish`](JobHandle::finish), a `run` call is completed, unless it outlives the grace. See
//!   [`guide::cancel_safety`].
//! * **The cause.** The first interruption is kept, with task, routine and error, and everybody can read it before they feel the stop.
//!   Later failures are [kept as well](Report::secondary). A cancelled task is never reported as failed.
//! * **Nothing is left.** A job ends after everything that it started. What cannot be ended is [named](Report::leaked).
//! * **Nothing is unbounded.** Every stop has one deadline for all tasks and all levels, no sum of them. Tasks that come and go leave nothing
//!   behind, be they millions.
//!
//! What cannot be guaranteed: finalizers are async code, and do not run when the runtime is shut down under a job, when a running job is
//! dropped outside of one, when the process is killed, or with `panic = "abort"`. A `run` that never yields cannot be cut; when the time for
//! that is over, the job ends without it and reports it as [`Leaked`](TaskOutcome::Leaked). A job whose own thread is blocked by such a `run`
//! (an inline job, or one on a current-thread runtime) cannot even notice; its parent, if it has one elsewhere, gives up on it.
//!
//! # When less is enough
//!
//! * **`tokio::join!`, `try_join!`**: a fixed few futures, all of which may be dropped at any await point.
//! * **`JoinSet`**: independent tasks that return something and may be aborted anywhere. See [`guide::coming_from_join_set`].
//! * **`TaskTracker` and `CancellationToken`**: one kind of task, each of which looks at the token, with nothing to clean up by async code.
//! * **An actor** (ractor, kameo): a thing with an address, that others send messages to and that lives for as long as they do. A job has no
//!   mailbox; its tasks share channels of their own.
//!
//! # Beside others
//!
//! | | teamwork | `JoinSet` | tokio-graceful-shutdown | trio | Kotlin coroutines | Go errgroup | OTP supervisors |
//! |---|---|---|---|---|---|---|---|
//! | one fails, all stop | yes | by hand | yes | yes | yes | where the context is looked at | a strategy |
//! | async clean-up | always, with a deadline | no | not after a panic or an abort | in a shielded scope | in `NonCancellable` | `defer`; a panic ends the process | unless killed |
//! | order of clean-up | reverse of start | – | by nesting | by nesting | by nesting | – | reverse of start |
//! | ordered start, readiness | yes | no | no | `nursery.start` | by hand | no | yes |
//! | idle timeout | yes | no | no | no | no | no | in the process |
//! | restart | back-off, at most n in a window | no | by hand | no | no | no | at most n in a window |
//! | who and why | task, routine, error | `JoinError` | names, errors | exceptions; reasons since 0.31 | exceptions | the context's cause | exit reasons |
//! | typed results | yes | yes | no | no | yes | no | no |
//! | so many at a time | yes | no | no | a `CapacityLimiter` | a `Semaphore` | `SetLimit` | no |
//! | Ctrl-C | drains, then cancels | no | once, on Windows too | an exception | no | no | SIGTERM |
//! | tasks borrow from their parent | no | no | no | yes | yes | yes | no |
//! | ends a task that never yields | no, names it | no | no | no | no | no | yes |
//! | memory of one task safe from another | no | no | no | no | no | no | yes |
//! | across machines | no | no | no | no | no | no | yes |
//! | in wide use | no, it is new | yes | yes | yes | yes | yes | for decades |
//!
//! Where structured concurrency is part of the language or of the runtime, as in trio and Kotlin, a scope is lighter to open than a job is to
//! build, and tasks may borrow. OTP can end what does not listen, and has done so for decades. `JoinSet` is smaller, and in every Tokio program
//! already. What one comes here for is what the others leave to the programmer: a stop that tears no work and needs no code in the task, idleness
//! with a timeout, clean-up that is async, ordered and bounded, and at the end a report of every task, with those that hung by name.
//!
//! As to speed, `cargo run --release -p bench -- library` measures it beside `JoinSet`, tokio-graceful-shutdown and errgroup. A task on the
//! runtime takes longer to start and to join than a bare `tokio::spawn`, and, where two workers have two cores to themselves, longer than a
//! goroutine of an errgroup; a goroutine that waits takes seven times the memory of such a task. A task of an [inline](Job::inline) job is
//! started and joined sooner than any of them, on the one thread that awaits the job.
//!
//! # The pieces
//!
//! | | |
//! |---|---|
//! | [`Job`] | tasks and options; runs on the runtime, [inline](Job::inline), or [on a thread of its own](Job::on_own_thread) |
//! | [`Task`], [`Flow`] | what a task is, and how it goes on; [`Job::add_fn`] and [`Job::add_recurrent`] for closures |
//! | [`Context`] | what a routine sees of its job: value, cause, safe points |
//! | [`JobHandle`], [`Place`], [`TaskHandle`] | to stop a job, to add to it, to wait for it or for room in it; the value of a task, and its end |
//! | [`TaskOptions`], [`OnIdle`], [`Restart`] | timeouts, optional tasks, new attempts |
//! | [`Cause`], [`Failure`], [`Report`] | why it ended, and what became of every task |
//! | [`Events`], [`Snapshot`] | what happens, while it happens; who does what right now, as a tree |
//! | [`Job::subscriber`] | each job and each task has a `tracing` span, at debug level (`teamwork=debug`); a job can have a subscriber of its own |
//! | [`rendezvous()`] | items handed over, each with an answer |
//! | [`BlockingPool`] | work that keeps a core busy |
//! | [`guide`] | longer reading; the `examples` folder is a course of twelve short programs |
//!
//! # Features and versions
//!
//! * `signal` (on by default, for Unix): [`Job::run_until_signal`].
//! * `serde`: [`Snapshot`] serializes.
//! * `test-util`: scripted tasks, a journal and virtual time, for tests of your own jobs; the module `test_util`.
//!
//! Rust 1.95 or newer. A newer minimum is no breaking change.

// The tests of the engine play the scripts of `tests/it`, which know the library by its name.
#[cfg(all(test, not(teamwork_loom)))]
extern crate self as teamwork;
#[cfg(all(test, not(teamwork_loom)))]
#[path = "../tests/it/scripted.rs"]
#[expect(dead_code, reason = "what only the tests in `tests/it` use")]
mod scripted;

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
mod place;
mod pool;
mod rendezvous;
mod report;
mod restart;
mod run;
#[cfg(feature = "signal")]
mod signal;
mod snapshot;
mod task;
mod task_handle;
#[cfg(feature = "test-util")]
pub mod test_util;

pub use added::{Added, OnIdle, TaskOptions};
pub use cause::{By, Cause, CauseKind, Routine};
pub use context::{Context, IDLE_PAUSE_MAX, IDLE_PAUSE_MIN, TaskWaker, Wait};
pub use error::{Error, Failure, Refused, Result, Why};
pub use events::{EVENTS_MAX, Event, Events, Stop, TaskEvent};
pub use handle::JobHandle;
pub use job::{FINALIZER_DEADLINE, GRACE, Job};
pub use place::Place;
pub use pool::{Blocking, BlockingPool, Full, PoolError, StopFlag};
pub use rendezvous::{Delivery, Receiver, SendError, Sender, rendezvous};
pub use report::{JOBS_MAX, Outcome, Report, SECONDARY_MAX, TaskOutcome, TaskReport};
pub use restart::{RESTART_PAUSE_MAX, RESTART_PAUSE_MIN, Restart, Restarting};
pub use run::{OnPanic, Run};
pub use snapshot::{Doing, LOOK_TIME, Phase, Snapshot, TaskSnapshot};
pub use task::{Anything, Flow, NoValue, Once, OnceFn, Recurrent, StepFn, Task};
pub use task_handle::{TaskError, TaskHandle};
