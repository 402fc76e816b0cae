//! A layer-4 TCP load balancer.
//!
//! It accepts connections, connects each to one of several upstreams, and relays bytes both ways without looking at
//! them. The program is one value, [`balancer`]: a job that accepts on every listener and adds a job for each
//! connection.
//!
//! ```text
//! balancer ─┬─ listen 127.0.0.1:9090     accepts until the balancer drains
//!           ├─ session ─┬─ connect       chooses an upstream, tries others if it fails
//!           │           ├─ watch         ends the session when nothing moves for too long
//!           │           ├─ upload        client → upstream
//!           │           └─ download      upstream → client
//!           └─ session …
//! ```
//!
//! What it promises:
//!
//! 1. **No byte that was read before a FIN is lost.** Each direction hands on what it read before it hands on the end, and
//!    the end of one direction leaves the other one open.
//! 2. **A torn stream is never made to look whole.** Who was being sent something that could not be completed gets a
//!    reset, not a FIN.
//! 3. **Every session ends, for one stated reason.** Each wait has a limit, and the [`Ending`] is in the log.
//! 4. **No peer, and no error of `accept`, ends the balancer.**
//!
//! # Examples
//!
//! ```
//! use balancer::{Config, Upstream, balancer, bind};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstreams: Vec<Upstream> = vec!["127.0.0.1:9091".parse()?, "127.0.0.1:9092".parse()?];
//! let listener = bind(&"127.0.0.1:0".parse()?)?;
//! let (job, stats) = balancer(Config::for_upstreams(upstreams, 1000), vec![listener])?;
//!
//! let handle = job.handle();
//! handle.drain(); // Without this it would serve until the process is told to stop.
//! job.run().await?;
//! assert_eq!(stats.accepted(), 0);
//! # Ok(()) }
//! ```

mod accept;
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
mod tasks;

use std::io;
use std::sync::Arc;

use teamwork::Job;
use tokio::net::TcpListener;

use crate::accept::Accept;

pub use address::{AddressError, ListenAddress, Upstream};
pub use backends::{Backend, Backends};
pub use bind::{BindError, bind};
pub use config::{Config, ConfigError, RawConfig};
pub use ending::{Ending, Phase, Side};
pub use limits::{files_for, raise_open_files, sessions_within};
pub use stats::Stats;

/// Makes the job that balances the connections of `listeners` over the upstreams of `config`, and its counts.
///
/// When the job drains it stops accepting, and its sessions have [`Config::drain_timeout`] to end by themselves.
///
/// # Errors
///
/// When the address of a listener cannot be asked for.
///
/// # Panics
///
/// If `config` has no upstream, which [`Config::check`] refuses.
pub fn balancer(config: Config, listeners: Vec<TcpListener>) -> io::Result<(Job, Arc<Stats>)> {
    assert!(
        !config.upstreams.is_empty(),
        "a balancer has at least one upstream"
    );
    let stats = Arc::new(Stats::new(config.upstreams.clone()));
    let config = Arc::new(config);
    let mut job = Job::new("balancer").drain_deadline(config.drain_timeout);
    for listener in listeners {
        let name = format!("listen {}", listener.local_addr()?);
        job.add_task(
            name,
            Accept::new(listener, Arc::clone(&config), Arc::clone(&stats))?,
        );
    }
    Ok((job, stats))
}
