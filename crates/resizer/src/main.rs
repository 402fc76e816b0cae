//! The command `resizer`: arguments, logging, a listener, and the exit code.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{CommandFactory, Parser, error::ErrorKind};
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
    log(log_format);
    match run(config, &listen) {
        Ok(code) => code,
        Err(error) => {
            // A log that cannot be written to is no reason to hide the exit code.
            let _ = writeln!(io::stderr(), "resizer: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config, listen: &Listen) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        // The pool of the server is all that blocks. It never has more calls at a time, but without this bound a call
        // that begins just as another ends gets a thread of its own.
        .max_blocking_threads(config.threads.get())
        .build()
        .context("start the runtime")?;
    runtime.block_on(serve(config, listen))
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
fn log(format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    // A log that nobody reads any more (`2>&1 | head`) must not end the server: the subscriber would panic over it.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .log_internal_errors(false);
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
