//! The balancer at its boundary: real sockets, real backends, and the program itself.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod limits;
mod program;
mod rig;
mod streams;
