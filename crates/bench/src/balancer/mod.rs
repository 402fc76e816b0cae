//! The balancer beside HAProxy and nginx: rate, processor time, latency, system calls and memory, per unit of work.
//!
//! A load generator in a process of its own drives one proxy after the other; a round of each, then the next round, so
//! that a noisy minute hits all of them alike.

mod configs;
mod contestants;
mod driver;
mod header;
mod load;
mod metrics;
mod plots;
mod report;
mod running;
mod scenarios;
mod suite;
mod trace;
mod usage;

use std::{io::Write, path::PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use self::load::run as load;
use self::{
    configs::{AccessLogs, User},
    contestants::Also,
    driver::Driver,
    plots::Plots,
    running::Starter,
    scenarios::Scenario,
    suite::{FULL, QUICK, Scale, Suite},
};
use crate::rows::Rows;

/// What to measure, from the command line.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of the balancer suite")]
pub(crate) struct Options {
    /// Only the scenario of this name, or those whose names begin like this; may be repeated. For images as well, and groups of
    /// rows of the library (spawn, tick, connection, rendezvous, cancel, jobs, snapshot, memory)
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Only contestants whose name begins like this, such as haproxy, nginx/1 or balancer; may be repeated. For images as well
    #[arg(long, value_name = "CONTESTANT", value_delimiter = ',')]
    pub(crate) contestants: Vec<String>,
    /// One more contestant: a command that takes the balancer's options, such as an earlier build of it. One that is
    /// called `nojob` is the balancer without the job of each session, and what the job costs is judged by it
    #[arg(long, value_name = "NAME=COMMAND")]
    also: Vec<Also>,
    /// So many rounds instead of the usual number. For images as well
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
    /// Has the user `nobody` run the proxies; otherwise a full run from root adds that for some scenarios
    #[arg(long)]
    unprivileged: bool,
    /// Has every proxy write its usual line for each session to a file; otherwise none does
    #[arg(long)]
    access_logs: bool,
    /// Writes plots of the figures to this directory
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

/// A quick run has fewer idle sessions.
const QUICK_IDLE: usize = 2_000;

/// What a full run from root repeats as `nobody`: where pipes and their budget may matter.
const REPEATED: [&str; 5] = [
    "bulk-down-8",
    "bulk-up-8",
    "ping-64",
    "ping-64k-600",
    "connect-close",
];

/// Measures everything that is wanted, and prints tables as it goes.
pub(crate) fn run(options: &Options, quick: bool, out: &mut dyn Write) -> Result<Rows> {
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start a runtime")?;
    runtime.block_on(run_all(options, quick, out))
}

async fn run_all(options: &Options, quick: bool, out: &mut dyn Write) -> Result<Rows> {
    let mut contestants = contestants::wanted(
        contestants::everybody(&options.also),
        &options.contestants,
        quick,
    );
    header::skip_missing(&mut contestants, out)?;
    ensure!(!contestants.is_empty(), "no contestant is left");
    let scenarios = chosen(options, quick)?;
    let access_logs = options.access_logs();
    header::print(access_logs, out)?;
    let mut suite = Suite {
        driver: Driver::start(contestants.len()).await?,
        starter: Starter::new(access_logs)?,
        contestants,
        scale: options.scale(quick),
        plots: Plots::default(),
    };
    let mut rows = Vec::new();
    for (user, scenarios) in options.by_user(scenarios, quick) {
        rows.extend(suite.measure_all(&scenarios, user, out).await?);
    }
    if let Some(folder) = &options.plots {
        suite.plots.write(folder)?;
    }
    Ok(Rows(rows))
}

fn chosen(options: &Options, quick: bool) -> Result<Vec<Scenario>> {
    let mut scenarios = scenarios::wanted(&options.only, quick);
    ensure!(!scenarios.is_empty(), "no scenario is called like that");
    for scenario in scenarios.iter_mut().filter(|_| quick) {
        scenario.mix.idle = scenario.mix.idle.min(QUICK_IDLE);
    }
    Ok(scenarios)
}

impl Options {
    fn access_logs(&self) -> AccessLogs {
        if self.access_logs {
            AccessLogs::On
        } else {
            AccessLogs::Off
        }
    }

    fn scale(&self, quick: bool) -> Scale {
        let scale = if quick { QUICK } else { FULL };
        Scale {
            rounds: self.rounds.unwrap_or(scale.rounds).max(1),
            fresh_rounds: self.rounds.unwrap_or(scale.fresh_rounds).max(1),
            ..scale
        }
    }

    /// Who runs the proxies in which scenarios.
    fn by_user(&self, scenarios: Vec<Scenario>, quick: bool) -> Vec<(User, Vec<Scenario>)> {
        let is_root = rustix::process::geteuid().is_root();
        if self.unprivileged && is_root {
            return vec![(User::Nobody, scenarios)];
        }
        if quick || !is_root || !self.only.is_empty() {
            return vec![(User::Same, scenarios)];
        }
        let is_repeated = |scenario: &&Scenario| REPEATED.contains(&scenario.name.as_str());
        let repeated = scenarios.iter().filter(is_repeated).cloned().collect();
        vec![(User::Same, scenarios), (User::Nobody, repeated)]
    }
}

/// Raises the limit of open files as far as it may go; the proxies inherit it.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it is refused, scenarios with many sessions fail and say so.
    let _ = setrlimit(Resource::Nofile, raised);
}
