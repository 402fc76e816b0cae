//! A batch client that resizes a directory of images.

mod config;
mod failure;
mod file;
mod name;
mod retry;
mod scan;
mod via;

pub use config::{Config, ConfigError, Engine, RawConfig};
pub use failure::Failure;
pub use via::{Action, Address, Connections, Via};
