//! The program `demo`: runs the tree until its client is through, and tells what each part did.

use std::fmt::Display;
use std::io::{self, Stderr, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use demo::{Cast, Config, RawConfig, Tree, demo};
use logs::Batches;
use teamwork::{Failure, Report};
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
    let log = Batches::new(io::stderr());
    start(&log);
    let config = match Config::try_from(raw) {
        Ok(config) => config,
        Err(error) => {
            log.say(&format_args!("error: {:#}", anyhow::Error::from(error)));
            return ExitCode::from(USAGE);
        }
    };
    work(&config, &log).unwrap_or_else(|error| {
        log.say(&format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Runs the tree, tells how it ended, and gives the exit status.
fn work(config: &Config, log: &Batches<Stderr>) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(config.blocking_threads())
        .build()
        .context("start the runtime")?;
    let settings = config.clone();
    let told = log.run_and_report(runtime, play(config), move |ended, log| {
        let ended = ended?;
        sum_up(&settings, &ended, log);
        exit_code(ended)
    });
    told.unwrap_or(Ok(INTERRUPTED.into()))
}

fn exit_code(ended: Ended) -> anyhow::Result<ExitCode> {
    let summary = ended.cast.client.summary();
    match ended.outcome {
        Err(failure) if !failure.is_cancelled() => Err(failure.cause().clone().into()),
        Err(_cancelled) => Ok(ExitCode::from(INTERRUPTED)),
        Ok(_) if summary.is_interrupted => Ok(ExitCode::from(INTERRUPTED)),
        Ok(_) if summary.failed > 0 => Ok(ExitCode::FAILURE),
        Ok(_) => Ok(ExitCode::SUCCESS),
    }
}

/// What there is to tell of a tree that has ended.
struct Ended {
    cast: Cast,
    children: Vec<Arc<Report>>,
    outcome: Result<Report, Failure>,
}

async fn play(config: &Config) -> anyhow::Result<Ended> {
    let (job, cast) = demo(config)?;
    let (photos, results) = (
        config.client.input.display(),
        config.client.output.display(),
    );
    say(&format_args!(
        "{cast}\nclient takes {photos} and saves to {results}\n"
    ));
    let outcome = job.run_until_signal().await;
    Ok(Ended {
        children: cast.reports().await,
        cast,
        outcome,
    })
}

fn sum_up(config: &Config, ended: &Ended, log: &Batches<Stderr>) {
    let root = match &ended.outcome {
        Ok(report) => report,
        Err(failure) => failure.report(),
    };
    say(&Tree {
        root,
        children: &ended.children,
    });
    say(&ended.cast.shares());
    let summary = ended.cast.client.summary();
    if summary.planned == 0 && summary.is_scanned {
        let photos = config.client.input.display();
        say(&format_args!("no image found in {photos}"));
    }
    say(&format_args!("client: {summary}"));
    for failure in &summary.failures {
        log.say(failure);
    }
    if summary.done > 0 {
        let results = config.client.output.display();
        say(&format_args!("the results are in {results}"));
    }
}

/// Warnings and errors; `RUST_LOG=info` shows every session of the balancer and every request.
fn start(log: &Batches<Stderr>) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    logs::lines(log)
        .with_env_filter(filter)
        .without_time()
        .init();
}

/// Prints what the user asked for. A reader that has gone away, such as `head`, is no error.
fn say(words: &dyn Display) {
    let _ = writeln!(io::stdout(), "{words}");
}
