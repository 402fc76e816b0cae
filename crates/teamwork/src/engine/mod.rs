//! The private engine: how the rules become polls.
//!
//! * [`machine`]: the rules, a pure state machine. It owns every decision. [`vocabulary`]: what goes in and out of it.
//! * [`drive`]: one task's driver, a future that takes a task through init, run and finalize, and yields where the
//!   machine has a say: at the start gate and before its finalizer.
//! * [`supervisor`]: the future of a job. It owns the machine and the drivers, and does what the machine says. It polls
//!   inits and, when the job stops, finalizers itself; runs it polls itself (inline) or ships to the runtime.
//! * [`nest`]: the driver of a child job; [`thread`]: a child on a thread of its own.
//! * [`spans`]: what tasks are observed with, if anybody wants to know.
//! * [`core`]: what drivers, handles and the supervisor share: the signal, the cause, the mail.
//!
//! Invariants:
//!
//! 1. The machine is owned by the supervisor and touched by nobody else: no lock guards it.
//! 2. A driver is polled by its owner only, and by nobody after it has yielded a step, until the machine says so.
//! 3. A driver on a runtime task comes home (its box is mailed back) before it finalizes in a stopping job; only a run
//!    that ends by itself while the job goes on is finalized where it ran.
//! 4. The desk is closed before a signal of `Drain` or above is shown, and messages are handled in the order in which they were left.
//! 5. A waker is registered and the signal looked at again before a driver or the supervisor returns `Pending`.
//! 6. What is the user's is called, dropped and asked for its words under guard ([`panics`]). A driver that breaks all the same, on a
//!    runtime task, tells its job so while its context is dropped.

mod clock;
pub(crate) mod core;
pub(crate) mod drive;
pub(crate) mod guard;
pub(crate) mod machine;
mod nanos;
pub(crate) mod nest;
pub(crate) mod panics;
mod pile;
mod record;
mod spans;
mod step;
pub(crate) mod supervisor;
pub(crate) mod sync;
mod thread;
mod vocabulary;

#[cfg(all(test, not(teamwork_loom)))]
#[expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what it shares with the tests in `tests/it` fails by panicking and says why"
)]
mod interleavings;
#[cfg(test)]
mod model;

pub(crate) use record::{Kind, Record};
pub(crate) use step::{Driver, Home};
