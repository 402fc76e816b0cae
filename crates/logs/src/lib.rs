//! The log of a program, on standard error: nothing that serves waits for whoever reads it.
//!
//! Lines are collected in memory and written by one writer, see [`Batches`]. A reader that is slow loses lines, and is told how many; one that
//! has stopped or gone away keeps no program from working or from ending.
//!
//! # Examples
//!
//! ```
//! use logs::{Batches, lines};
//!
//! # fn main() -> std::io::Result<()> {
//! let log = Batches::new(std::io::stderr());
//! lines(&log).init();
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let answer = log.run(runtime, async {
//!     tracing::info!("at work");
//!     42
//! });
//! log.say(&format_args!("the answer is {answer}"));
//! # Ok(()) }
//! ```

mod batches;

use std::io::{IsTerminal, Stderr, stderr};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::fmt::format::{DefaultFields, Format};

pub use batches::Batches;

/// Begins a subscriber that writes its lines to `log`: in colour on a terminal, unless the environment has `NO_COLOR`.
pub fn lines(
    log: &Batches<Stderr>,
) -> SubscriberBuilder<DefaultFields, Format, LevelFilter, Batches<Stderr>> {
    let lines = tracing_subscriber::fmt()
        .with_writer(log.clone())
        // It would print to standard error by itself, and panic when that is closed.
        .log_internal_errors(false);
    if stderr().is_terminal() {
        lines
    } else {
        lines.with_ansi(false)
    }
}
