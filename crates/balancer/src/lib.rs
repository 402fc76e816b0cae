//! A layer-4 TCP load balancer.
mod address;
mod backends;
mod bind;
mod choose;
mod config;
mod connect;
mod ending;
mod halves;
mod limits;
mod log;
mod progress;
mod relay;
mod session;
mod stats;

pub use address::{AddressError, ListenAddress, Upstream};
pub use backends::{Backend, Backends};
pub use bind::{BindError, bind};
pub use config::{Config, ConfigError, RawConfig};
pub use ending::{Ending, Phase, Side};
pub use limits::{files_for, raise_open_files, sessions_within};
pub use stats::Stats;
