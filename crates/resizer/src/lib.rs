//! An HTTP server that resizes images.

mod arguments;
mod body;
mod budget;
mod config;
mod order;
mod problem;
mod route;
mod units;

pub use arguments::{ConfigError, LogFormat, RawConfig};
pub use config::{Config, NameError, ServerName, Timeouts};
pub use units::{ByteSize, Span, UnitError};
