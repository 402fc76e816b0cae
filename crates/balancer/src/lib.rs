//! A layer-4 TCP load balancer.
//!
//! It accepts connections, connects each to one of several upstreams, and relays bytes both ways without looking at
//! them. The program is one value, [`balancer`]: a job that accepts on every listener and adds a job for each
//! connection.
//!
//! ```text
//! balancer ─┬─ core 0 ─┬─ listen 127.0.0.1:9090     accepts until the balancer drains
//!           │          ├─ sockets                   tells sessions when their connections are ready
//!           │          ├─ watch                     ends sessions in which nothing moves for too long
//!           │          ├─ session ─┬─ connect       chooses an upstream, tries others if it fails
//!           │          │           ├─ upload        client → upstream
//!           │          │           └─ download      upstream → client
//!           │          └─ session …
//!           └─ core 1 …
//! ```
//!
//! With several threads, each core is one, with an event loop and a listening socket of its own, and both connections of a
//! session stay on it. Cores share nothing on the way of a byte; they compare how many sessions they have when one comes in.
//!
//! What it promises:
//!
//! 1. **No byte that was read before a FIN is lost.** Each direction hands on what it read before it hands on the end, and
//!    the end of one direction leaves the other one open.
//! 2. **A torn stream is never made to look whole.** Who was being sent something that could not be completed gets a
//!    reset, not a FIN.
//! 3. **Every session ends, for one stated reason.** Each wait has a limit, and the [`Ending`] is in the log.
//! 4. **No peer, and no error of `accept`, ends the balancer.**
//! 5. **An upstream that is down costs next to nothing.** Who could not be connected is left out for a while, and then seen to by one
//!    session.
//!
//! # Examples
//!
//! ```
//! use balancer::{Config, Upstream, balancer, bind};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstreams: Vec<Upstream> = vec!["127.0.0.1:9091".parse()?, "127.0.0.1:9092".parse()?];
//! let config = Config::for_upstreams(upstreams, 1000);
//! let listener = bind(&"127.0.0.1:0".parse()?, config.threads)?;
//! let (job, stats) = balancer(config, vec![listener]);
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
#[cfg(feature = "bare-sessions")]
mod bare;
mod bind;
mod choose;
mod config;
mod connect;
mod core;
mod crowd;
mod ending;
mod file;
mod halves;
mod handover;
mod limits;
mod log;
mod monitor;
mod page;
mod peer;
mod pipes;
mod progress;
mod raw;
mod reactor;
mod readiness;
mod relay;
mod rest;
mod session;
mod socket;
mod stats;
mod tasks;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;

use teamwork::Job;

use crate::bind::Door;
use crate::core::{Common, Core, core_job};
use crate::handover::Neighbours;
use crate::pipes::{Budget, PIPES_MAX};

pub use address::{AddressError, ListenAddress, Upstream};
pub use backends::{Backend, Backends};
pub use bind::{BindError, Listener, bind};
pub use config::{Config, ConfigError, ConfigErrors, Splice};
pub use crowd::after_each_crowd;
pub use ending::{Ending, Phase, Side};
pub use limits::{files_for, raise_open_files, sessions_within};
pub use monitor::{answer_monitors, bind_monitor};
pub use raw::{RawConfig, Said};
pub use stats::Stats;

/// Makes the job that balances the connections of `listeners` over the upstreams of `config`, and its counts.
///
/// When the job drains it stops accepting, and its sessions have [`Config::drain_timeout`] to end by themselves.
///
/// Each thread of [`Config::threads`] takes one socket of each listener, or several if there are more sockets than threads.
///
/// # Panics
///
/// If `config` has no upstream, which [`Config::check`] refuses.
pub fn balancer(config: Config, listeners: Vec<Listener>) -> (Job, Arc<Stats>) {
    assert!(
        !config.upstreams.is_empty(),
        "a balancer has at least one upstream"
    );
    let count = config.threads.get();
    let mut job = Job::new("balancer").drain_deadline(config.drain_timeout);
    let addresses = listeners.iter().map(Listener::local_addr).collect();
    let cores = cores(config, count, addresses);
    let stats = Arc::clone(cores[0].stats());
    let (neighbours, inboxes) = Neighbours::new(&cores);
    let shares = share_out(listeners, count);
    for ((core, doors), inbox) in cores.iter().zip(shares).zip(inboxes) {
        job.add_job(core_job(core, doors, inbox, &neighbours));
    }
    (job, stats)
}

/// Makes the cores of a balancer that listens on `listeners`.
fn cores(config: Config, count: usize, listeners: Vec<SocketAddr>) -> Vec<Arc<Core>> {
    let common = Common {
        stats: Arc::new(Stats::new(config.upstreams.clone(), count)),
        pipes: Budget::of(PIPES_MAX),
        listeners: listeners.into(),
        config: Arc::new(config),
    };
    let core = |index| Core::new(index, common.clone());
    (0..count).map(core).collect()
}

/// Gives each core its sockets.
fn share_out(listeners: Vec<Listener>, cores: usize) -> Vec<Vec<Door>> {
    let mut shares: Vec<Vec<Door>> = std::iter::repeat_with(Vec::new).take(cores).collect();
    for (number, listener) in (0_u16..).zip(listeners) {
        for (turn, door) in listener.into_doors(number).enumerate() {
            shares[turn % cores].push(door);
        }
    }
    shares
}
