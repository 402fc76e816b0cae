//! A batch client that resizes a directory of images.

mod answer;
mod config;
mod exchange;
mod failure;
mod file;
mod fleet;
mod name;
mod queue;
mod retry;
mod scan;
mod tally;
mod via;

pub use config::{Config, ConfigError, Engine, RawConfig};
pub use failure::Failure;
pub use tally::{Summary, Tally};
pub use via::{Action, Address, Connections, Via};
