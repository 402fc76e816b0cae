//! A layer-4 TCP load balancer.

mod address;
mod backends;
mod choose;
mod config;
mod connect;
mod ending;
mod halves;
mod limits;
mod relay;

pub use address::{AddressError, ListenAddress, Upstream};
pub use backends::{Backend, Backends};
pub use config::{Config, ConfigError, RawConfig};
pub use ending::{Ending, Phase, Side};
pub use limits::{files_for, raise_open_files, sessions_within};
