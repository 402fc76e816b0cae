//! The program `demo`: runs the tree until its client is through, and tells what each part did.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use demo::{Cast, Config, RawConfig, Tree, demo};
use teamwork::Report;
use tokio::runtime;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// glibc's own pads Tokio's aligned tasks, a small one to twice its size: see `bench library`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command line is wrong; clap itself exits with the same.
const USAGE: u8 = 2;

/// Stopped by a signal, as shells report SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // With the large pages that mimalloc asks for, a photo takes twice the memory and no less time. Where it cannot be had otherwise, it is only memory.
    let _ = heap::use_small_pages();
    let raw = RawConfig::parse();
    log_to_stderr();
    let config = match Config::try_from(raw) {
        Ok(config) => config,
        Err(error) => {
            complain(&format_args!("error: {:#}", anyhow::Error::from(error)));
            return ExitCode::from(USAGE);
        }
    };
    work(&config).unwrap_or_else(|error| {
        complain(&format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn work(config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(config.blocking_threads())
        .build()
        .context("start the runtime")?;
    runtime.block_on(play(config))
}

/// Runs the tree, tells how it ended, and gives the exit status.
async fn play(config: &Config) -> anyhow::Result<ExitCode> {
    let (job, cast) = demo(config)?;
    let (photos, results) = (
        config.client.input.display(),
        config.client.output.display(),
    );
    say(&format_args!(
        "{cast}\nclient takes {photos} and saves to {results}\n"
    ));
    match job.run_until_signal().await {
        Ok(report) => {
            sum_up(config, &cast, &report).await;
            let summary = cast.client.summary();
            Ok(if summary.is_interrupted {
                ExitCode::from(INTERRUPTED)
            } else if summary.failed > 0 {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
        Err(failure) => {
            sum_up(config, &cast, failure.report()).await;
            if failure.is_cancelled() {
                return Ok(ExitCode::from(INTERRUPTED));
            }
            Err(failure.cause().clone().into())
        }
    }
}

async fn sum_up(config: &Config, cast: &Cast, report: &Report) {
    let children = cast.reports().await;
    let tree = Tree {
        root: report,
        children: &children,
    };
    say(&tree);
    say(&cast.shares());
    let summary = cast.client.summary();
    if summary.planned == 0 && summary.is_scanned {
        let photos = config.client.input.display();
        say(&format_args!("no image found in {photos}"));
    }
    say(&format_args!("client: {summary}"));
    for failure in &summary.failures {
        complain(failure);
    }
    if summary.done > 0 {
        let results = config.client.output.display();
        say(&format_args!("the results are in {results}"));
    }
}

/// Warnings and errors; `RUST_LOG=info` shows every session of the balancer and every request.
fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    // A log that nobody reads any more (`2>&1 | head`) must not end the run: the subscriber would panic over it.
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false);
    logs.with_ansi(io::stderr().is_terminal())
        .without_time()
        .init();
}

/// Prints what the user asked for. A reader that has gone away, such as `head`, is no error.
fn say(words: &dyn Display) {
    let _ = writeln!(io::stdout(), "{words}");
}

/// Prints what went wrong. There is no place left to report that this failed.
fn complain(words: &dyn Display) {
    let _ = writeln!(io::stderr(), "{words}");
}
