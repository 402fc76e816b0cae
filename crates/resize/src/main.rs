//! The program `resize`: arguments in, one job run, a summary and an exit status out.

mod progress;

use std::fmt::Display;
use std::io::{self, Stderr, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use logs::Batches;
use resize::{Config, RawConfig, Summary};
use teamwork::{CauseKind, Failure};
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

/// Runs the job, tells how it ended, and gives the exit status.
fn work(config: &Config, log: &Batches<Stderr>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    let (job, tally) = resize::resize(config);
    let run = async {
        tokio::select! {
            ended = job.run_until_signal() => ended,
            never = progress::show(&tally) => match never {},
        }
    };
    let (input, tally) = (config.input.clone(), tally.clone());
    let told = log.run_and_report(runtime, run, move |ended, log| {
        let summary = tally.summary();
        report(&summary, &input, log, ended.as_ref().err());
        exit_code(&summary, ended.as_ref().err())
    });
    Ok(told.unwrap_or(INTERRUPTED.into()))
}

/// Prints what went wrong, and then what was done.
fn report(summary: &Summary, input: &Path, log: &Batches<Stderr>, failure: Option<&Failure>) {
    complain_about_files(summary, log);
    if let Some(failure) = failure.filter(|failure| !failure.is_cancelled()) {
        log.say(&format_args!("error: {:#}", why(failure)));
    }
    if summary.planned == 0 && summary.is_scanned {
        say(&format_args!("no image found in {}", input.display()));
    }
    say(summary);
}

/// What ended the run. Which task it was is no news to the user, unless it panicked or was stuck.
fn why(failure: &Failure) -> anyhow::Error {
    match failure.cause().kind() {
        CauseKind::Error(error) => anyhow::Error::new(Arc::clone(error)),
        _ => anyhow::Error::new(failure.cause().clone()),
    }
}

fn exit_code(summary: &Summary, failure: Option<&Failure>) -> ExitCode {
    if summary.is_interrupted || failure.is_some_and(Failure::is_cancelled) {
        ExitCode::from(INTERRUPTED)
    } else if summary.failed > 0 || failure.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn complain_about_files(summary: &Summary, log: &Batches<Stderr>) {
    for failure in &summary.failures {
        log.say(failure);
    }
    let listed: u64 = summary.failures.iter().map(|failure| failure.times).sum();
    if summary.failed > listed {
        log.say(&format_args!("and {} more", summary.failed - listed));
    }
}

/// Warnings and errors of the program and its libraries; `RUST_LOG` asks for more.
fn start(log: &Batches<Stderr>) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    logs::lines(log)
        .with_env_filter(filter)
        .with_target(false)
        .without_time()
        .init();
}

/// Prints what the user asked for. A reader that has gone away, such as `head`, is no error.
fn say(words: &dyn Display) {
    let _ = writeln!(io::stdout(), "{words}");
}
