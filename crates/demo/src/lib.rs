//! Three resizers, the balancer before them and the client as one job tree in one process, over real sockets.
//!
//! ```text
//! demo ─┬─ resizer r1 ── accept ── a job for each connection
//!       ├─ resizer r2 …
//!       ├─ resizer r3 …
//!       ├─ balancer ──── core 0 ── a job for each session        after the resizers
//!       ├─ resize ────── scan, connections, a job for each       after the balancer
//!       └─ end           finishes the tree when the client is through
//! ```
//!
//! None of the programs knows the others, nor that it is not alone in its process: each is a job, and [`demo`] adds the
//! five of them to a sixth. That gives what none of them has by itself: they start in order, a failure of one ends all, and
//! the tree ends when its client does.

mod cast;
mod config;
mod tree;

pub use cast::{Actor, Cast, SetUpError, demo};
pub use config::{Config, ConfigError, RawConfig};
pub use tree::Tree;

/// The examples of the project's first page, so that they compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
