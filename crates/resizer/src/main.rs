//! The command `resizer`: arguments, logging, a listener, and the exit code.

use std::{
    io::{self, Stderr, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{CommandFactory, Parser, error::ErrorKind};
use logs::Batches;
use resizer::{Config, Listen, LogFormat, RawConfig, resizer};
use tokio::{net::TcpListener, runtime};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// glibc's own pads Tokio's aligned tasks, a small one to twice its size: see `bench library`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STOPPED_AT_ONCE: u8 = 130;

fn main() -> ExitCode {
    // With the large pages that mimalloc asks for, a photo takes twice the memory and no less time. Where it cannot be had otherwise, it is only memory.
    let _ = heap::use_small_pages();
    let raw = match RawConfig::try_parse() {
        Ok(raw) => raw,
        Err(error) => return usage(&error),
    };
    let listen = raw.listen.clone();
    let log_format = raw.log_format;
    let config = match Config::try_from(raw) {
        Ok(config) => config,
        Err(error) => return usage(&RawConfig::command().error(ErrorKind::ValueValidation, error)),
    };
    let log = Batches::new(io::stderr());
    start_log(&log, log_format);
    run(config, &listen, &log).unwrap_or_else(|error| {
        log.say(&format_args!("resizer: {error:#}"));
        ExitCode::FAILURE
    })
}

fn run(config: Config, listen: &Listen, log: &Batches<Stderr>) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        // The pool of the server and the log are all that blocks. They never have more calls at a time, but without this
        // bound a call that begins just as another ends gets a thread of its own.
        .max_blocking_threads(config.threads.get() + 1)
        .build()
        .context("start the runtime")?;
    Ok(log.run(runtime, async {
        let outcome = serve(config, listen).await;
        outcome.unwrap_or_else(|error| {
            // Past the filter of the log, which takes every line and whose reader is not waited for.
            let _taken = writeln!(log.clone(), "resizer: {error:#}");
            ExitCode::FAILURE
        })
    }))
}

async fn serve(config: Config, listen: &Listen) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(listen.addresses()).await;
    let listener = listener.map_err(|error| {
        let hint = hint(error.kind());
        anyhow::Error::new(error).context(format!("cannot listen on {listen}{hint}"))
    })?;
    let address = listener
        .local_addr()
        .context("read the address of the listener")?;
    tracing::info!(%address, name = %config.name, threads = config.threads, queue = config.queue, "ready");
    match resizer(config, listener).run_until_signal().await {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(failure) if failure.is_cancelled() => Ok(ExitCode::from(STOPPED_AT_ONCE)),
        Err(failure) => Err(failure.into()),
    }
}

/// What the operator can do about it.
fn hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => {
            " (stop what listens there, or choose another port with --listen)"
        }
        io::ErrorKind::PermissionDenied => " (choose a port above 1023 with --listen)",
        io::ErrorKind::AddrNotAvailable => " (no network interface here has this address)",
        _ => "",
    }
}

/// Log lines go to standard error; RUST_LOG chooses which.
fn start_log(log: &Batches<Stderr>, format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let lines = logs::lines(log).with_env_filter(filter);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Prints the message that clap made: an error to standard error, the help to standard output.
fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Ok(()) => u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(_) => ExitCode::FAILURE,
    }
}
