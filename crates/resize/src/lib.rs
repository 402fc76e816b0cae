//! A batch client that resizes a directory of images, in this process or on resizers behind a balancer.
//!
//! The whole program is one job: [`resize`] builds it from a checked [`Config`], and the [`Tally`] tells what it does.
//!
//! ```no_run
//! use std::path::Path;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = resize::Config::new(Path::new("photos"), Path::new("thumbs"), "256x256".parse()?)?;
//! let (job, tally) = resize::resize(&config);
//! job.run().await?;
//! println!("{}", tally.summary());
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//! - A result is whole or absent. An original is never written to, and no two images share a result.
//! - A lost connection loses no image: what was in flight is sent again, each image at most five times.
//! - A bad file stops nobody: it is listed in the [`Summary`], with the reason and what to do.
//! - Memory does not grow with the directory: an image is read when somebody is free to work on it, and only the names
//!   of one directory, of 64 images that wait and of a thousand failures are kept.

mod answer;
mod blocking;
mod config;
mod connection;
mod connections;
mod exchange;
mod failure;
mod file;
mod fleet;
mod line;
mod local;
mod name;
mod query;
mod queue;
mod retry;
mod run;
mod scan;
mod scanning;
mod summary;
mod tally;
mod via;
mod wish;

pub use config::{Config, ConfigError, Engine, RawConfig};
pub use failure::Failure;
pub use run::resize;
pub use summary::Summary;
pub use tally::Tally;
pub use via::{Action, Address, Connections, Via};
pub use wish::Wish;
