//! The `balancer` program: reads the command line, and runs the balancer until it is told to stop.

use std::error::Error;
use std::io::{Stderr, Write, stderr, stdout};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use balancer::{
    Config, ConfigErrors, RawConfig, Stats, after_each_crowd, answer_monitors, balancer, bind,
    bind_monitor, files_for, raise_open_files,
};
use clap::{Parser, ValueEnum};
use futures_util::future::OptionFuture;
use logs::Batches;
use tracing::{debug, info, warn};
use tracing_subscriber::EnvFilter;

/// Of the allocators tried, it takes the least for a session and gives it back by itself afterwards.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Could not start, or failed.
const FAILED: u8 = 1;

/// The command line makes no sense; also what clap exits with.
const USAGE: u8 = 2;

/// Sessions were cut because a second signal came; what shells report for a program that SIGINT ended.
const CUT_SHORT: u8 = 130;

const EXAMPLES: &str = "\
Examples:
  Share the connections to port 9090 of this machine among two servers:
    balancer --upstream 10.0.0.1:80 --upstream 10.0.0.2:80

  On every address, IPv4 and IPv6, with at most 5000 connections at a time:
    balancer --listen :443 --max-connections 5000 -u app1:443 -u app2:443

  With settings from a file, after a look at them:
    balancer --config balancer.toml --check && balancer --config balancer.toml

  Long-lived connections that may be silent for a day, and a log for machines:
    balancer -u db1:5432 -u db2:5432 --idle-timeout 1d --log-format json

Each connection goes to the less busy of two servers taken at random; if that one cannot
be reached, to another, and the server is left out for a second (for twice as long each
time that it is tried again in vain, up to 30 seconds). It leaves one line in the log, on standard error, whose `code` and
`reason` say who ended it and why, in HAProxy's letters:
  --  complete              CD  client reset            SD  server reset
  SC  server refused        cD  client idle             sD  server idle
  sC  server did not answer cL  client did not finish   RC  out of sockets
  PC  too many connections  KD  stopped by a signal     ID  internal error

The first SIGINT or SIGTERM stops accepting and gives sessions --drain-timeout to end; a
second one cuts them. Exit status: 0 stopped, 1 could not start or failed, 2 wrong usage,
130 cut short by a second signal.";

/// Shares TCP connections among several servers
#[derive(Debug, Parser)]
#[command(name = "balancer", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    config: RawConfig,

    /// Check the settings, print all that is wrong with them, and exit
    #[arg(long)]
    check: bool,

    /// How log lines look
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// What is logged: a level, or a filter such as warn,balancer::session=info
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info", value_parser = filter)]
    log: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    /// One readable line each
    Text,
    /// One JSON object each
    Json,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // There is nobody left to tell when the terminal is gone.
            let _gone = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(USAGE).into();
        }
    };
    let log = Batches::new(stderr());
    start_log(&cli, &log);
    run(&cli, &log).unwrap_or_else(|error| {
        log.say(&format_args!("balancer: {error:#}"));
        FAILED.into()
    })
}

fn run(cli: &Cli, log: &Batches<Stderr>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    Ok(log.run(runtime, async {
        let outcome = balance(cli).await;
        outcome.unwrap_or_else(|error| failed(&error, log.clone()))
    }))
}

/// Writes the error to the log, whose reader is not waited for, past its filter; and gives the exit status.
fn failed(error: &anyhow::Error, mut log: Batches<Stderr>) -> ExitCode {
    let Some(errors) = error.downcast_ref::<ConfigErrors>() else {
        // A log takes every line.
        let _taken = writeln!(log, "balancer: {error:#}");
        return FAILED.into();
    };
    for error in errors.iter() {
        let mut line = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        let _taken = writeln!(log, "balancer: {line}");
    }
    if errors.are_about_the_world() {
        FAILED.into()
    } else {
        USAGE.into()
    }
}

async fn balance(cli: &Cli) -> anyhow::Result<ExitCode> {
    let open_files = raise_open_files();
    let config = Config::check(&cli.config, open_files)?;
    if cli.check {
        // The exit status says it to those who do not listen.
        let _gone = writeln!(stdout(), "balancer: the settings are right");
        return Ok(ExitCode::SUCCESS);
    }
    let needed = files_for(config.sessions_max, config.threads);
    if needed > open_files {
        warn!(
            max_connections = config.sessions_max,
            open_files,
            needed,
            "the limit of open files is too low for --max-connections; raise it with `ulimit -n`"
        );
    }
    serve(config, open_files).await
}

async fn serve(config: Config, open_files: usize) -> anyhow::Result<ExitCode> {
    let listeners = config
        .listen
        .iter()
        .map(|address| bind(address, config.threads))
        .collect::<Result<Vec<_>, _>>()?;
    for listener in &listeners {
        info!(address = %listener.local_addr(), "listening");
    }
    let upstreams: Vec<_> = config
        .upstreams
        .iter()
        .map(|upstream| upstream.name())
        .collect();
    info!(
        upstreams = upstreams.join(" "),
        max_connections = config.sessions_max,
        open_files,
        threads = config.threads,
        "balancing"
    );
    let monitors = config.metrics.as_ref().map(bind_monitor).transpose();
    let monitors = monitors.context("--metrics")?;
    if let Some(address) = monitors.as_ref().map(TcpListener::local_addr) {
        info!(address = %address.context("read the address for monitors")?, "answering monitors");
    }
    let (job, stats) = balancer(config, listeners);
    let outcome = tokio::select! {
        outcome = job.run_until_signal() => outcome,
        never = after_each_crowd(&stats, give_back) => match never {},
        Some(never) = OptionFuture::from(monitors.map(|listener| answer_monitors(listener, Arc::clone(&stats)))) => {
            match never.context("answer monitors")? {}
        }
    };
    sum_up(&stats);
    match outcome {
        Ok(_report) => Ok(ExitCode::SUCCESS),
        Err(failure) if failure.cause().is_cancelled() => {
            warn!(cause = %failure.cause(), "sessions were cut");
            Ok(CUT_SHORT.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Has the allocator give back what sessions have left.
fn give_back() {
    // jemalloc does so by itself, and glibc's heap is not used then.
    if cfg!(not(feature = "jemalloc")) {
        let has_given = heap::give_back();
        debug!(
            has_given,
            "a crowd of sessions has left: memory goes back to the system"
        );
    }
}

fn start_log(cli: &Cli, log: &Batches<Stderr>) {
    let lines = logs::lines(log).with_env_filter(EnvFilter::new(&cli.log));
    match cli.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Checks a filter of the log; whoever is given it reads it again.
fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("{error}; write a level such as warn, or TARGET=LEVEL,..."))
}

fn sum_up(stats: &Stats) {
    for backend in stats.backends().iter() {
        info!(
            upstream = backend.upstream().name(),
            sessions = backend.sessions(),
            connect_failures = backend.connect_failures(),
            "served"
        );
    }
    info!(
        sessions = stats.accepted(),
        refused = stats.refused(),
        up_bytes = stats.uploaded(),
        down_bytes = stats.downloaded(),
        "stopped"
    );
}
