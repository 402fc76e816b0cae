//! Behaviour of jobs, on paused time unless a test says why not.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::excessive_nesting,
    clippy::print_stdout,
    reason = "tests fail by panicking and say why, and so do their helpers; each scene is played inline and spawned"
)]

mod causes;
mod complaints;
mod deadlines;
mod drops;
mod dynamic;
mod events;
mod fairness;
mod go_work;
mod handles;
mod hostile;
mod idle;
mod interop;
mod lifecycle;
mod nested;
mod odd;
mod optional;
mod places;
mod pool;
mod prerequisites;
mod printed;
mod random;
mod refusals;
mod rendezvous;
mod restart;
mod runtime;
mod scripted;
mod signals;
mod snapshot;
mod stop;
mod threads;
mod waiters;
