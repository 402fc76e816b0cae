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
mod report;
mod running;
mod scenarios;
mod trace;
mod usage;

use std::{io::Write, net::SocketAddr};

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use self::load::run as load;
use self::{
    configs::{AccessLogs, User},
    contestants::{Also, Contestant, Setup},
    driver::Driver,
    load::{Measured, Order},
    running::{Running, Starter},
    scenarios::Scenario,
    trace::{Calls, Tracer},
};
use crate::rows::Rows;

/// What to measure, from the command line.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of the balancer suite")]
pub(crate) struct Options {
    /// Only scenarios whose name begins like this; may be repeated
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',')]
    only: Vec<String>,
    /// Only contestants whose name begins like this, such as haproxy, nginx/1 or balancer; may be repeated
    #[arg(long, value_name = "CONTESTANT", value_delimiter = ',')]
    contestants: Vec<String>,
    /// One more contestant: a command that takes the balancer's options, such as an earlier build of it
    #[arg(long, value_name = "NAME=COMMAND")]
    also: Vec<Also>,
    /// So many rounds instead of the usual number
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Has the user `nobody` run the proxies; otherwise a full run from root adds that for some scenarios
    #[arg(long)]
    unprivileged: bool,
    /// Has every proxy write its usual line for each session to a file; otherwise none does
    #[arg(long)]
    access_logs: bool,
}

/// How often and how long.
#[derive(Debug, Clone, Copy)]
struct Scale {
    rounds: usize,
    fresh_rounds: usize,
    warm_up_ms: u64,
    window_ms: u64,
    traced_ms: u64,
    settle_ms: u64,
}

const FULL: Scale = Scale {
    rounds: 5,
    fresh_rounds: 3,
    warm_up_ms: 150,
    window_ms: 700,
    traced_ms: 400,
    settle_ms: 3_000,
};

const QUICK: Scale = Scale {
    rounds: 3,
    fresh_rounds: 1,
    warm_up_ms: 100,
    window_ms: 300,
    traced_ms: 200,
    settle_ms: 1_000,
};

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

/// What was measured of one contestant in one scenario.
#[derive(Debug)]
pub(crate) struct Seen {
    contestant: Contestant,
    rounds: Vec<Sample>,
    /// What strace counted, if it could.
    traced: Option<Traced>,
    /// Why it could not.
    untraced: Option<String>,
}

/// A round with strace.
#[derive(Debug)]
pub(crate) struct Traced {
    calls: Calls,
    sample: Sample,
}

/// One round.
#[derive(Debug)]
pub(crate) struct Sample {
    measured: Measured,
    /// Private memory after all sessions have been closed.
    private_after: u64,
}

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
    let mut scale = if quick { QUICK } else { FULL };
    scale.rounds = options.rounds.unwrap_or(scale.rounds);
    scale.fresh_rounds = options.rounds.unwrap_or(scale.fresh_rounds);
    let everybody = contestants::everybody(&options.also);
    let mut contestants = contestants::wanted(everybody, &options.contestants, quick);
    header::skip_missing(&mut contestants, out)?;
    ensure!(!contestants.is_empty(), "no contestant is left");
    let mut scenarios = scenarios::wanted(&options.only, quick);
    ensure!(!scenarios.is_empty(), "no scenario is called like that");
    for scenario in scenarios.iter_mut().filter(|_| quick) {
        scenario.mix.idle = scenario.mix.idle.min(QUICK_IDLE);
    }
    let access_logs = if options.access_logs {
        AccessLogs::On
    } else {
        AccessLogs::Off
    };
    header::print(access_logs, out)?;
    let mut suite = Suite {
        driver: Driver::start(contestants.len()).await?,
        starter: Starter::new(access_logs)?,
        contestants,
        scale,
    };
    let mut rows = Vec::new();
    let root = rustix::process::geteuid().is_root();
    let first = if options.unprivileged && root {
        User::Nobody
    } else {
        User::Same
    };
    rows.extend(suite.measure_all(&scenarios, first, out).await?);
    if first == User::Same && root && !quick {
        scenarios.retain(|scenario| REPEATED.contains(&scenario.name.as_str()));
        rows.extend(suite.measure_all(&scenarios, User::Nobody, out).await?);
    }
    Ok(Rows(rows))
}

struct Suite {
    driver: Driver,
    starter: Starter,
    contestants: Vec<Contestant>,
    scale: Scale,
}

impl Suite {
    async fn measure_all(
        &mut self,
        scenarios: &[Scenario],
        user: User,
        out: &mut dyn Write,
    ) -> Result<Vec<crate::rows::Row>> {
        let mut running = Vec::new();
        if scenarios.iter().any(|scenario| !scenario.kind.is_fresh()) {
            for index in 0..self.contestants.len() {
                running.push(self.start(index, user).await?);
            }
        }
        let mut rows = Vec::new();
        for scenario in scenarios {
            let seen = if scenario.kind.is_fresh() {
                self.measure_fresh(scenario, user).await
            } else {
                self.measure(scenario, &running).await
            };
            let seen = seen.with_context(|| format!("scenario {}", scenario.name))?;
            let report = report::Report::new(scenario, user, &seen);
            write!(out, "{report}")?;
            out.flush()?;
            rows.extend(report.rows());
        }
        Ok(rows)
    }

    async fn start(&mut self, index: usize, user: User) -> Result<Running> {
        let upstreams: &[SocketAddr] = &self.driver.upstreams[index];
        self.starter
            .start(&self.contestants[index], upstreams, user)
            .await
    }

    /// Rounds of all contestants, interleaved; each round begins with another one.
    async fn measure(&mut self, scenario: &Scenario, running: &[Running]) -> Result<Vec<Seen>> {
        let mut seen = self.unseen();
        for round in 0..self.scale.rounds {
            for turn in 0..running.len() {
                let index = (turn + round) % running.len();
                let sample = self.round(scenario, &running[index]).await;
                let sample = sample.with_context(|| seen[index].contestant.name.clone())?;
                seen[index].rounds.push(sample);
            }
        }
        for (seen, running) in seen.iter_mut().zip(running) {
            if seen.contestant.setup != Setup::Direct {
                match self.traced(scenario, running).await {
                    Ok(traced) => seen.traced = Some(traced),
                    Err(error) => seen.untraced = Some(format!("{error:#}")),
                }
            }
        }
        Ok(seen)
    }

    /// The same, but with proxies that have just been started.
    async fn measure_fresh(&mut self, scenario: &Scenario, user: User) -> Result<Vec<Seen>> {
        let mut seen = self.unseen();
        // The processes that are started inherit this. Huge pages would count what is near a session, too.
        rustix::thread::disable_transparent_huge_pages(true).context("disable huge pages")?;
        for _ in 0..self.scale.fresh_rounds {
            for (index, seen) in seen.iter_mut().enumerate() {
                let running = self.start(index, user).await?;
                let sample = self.round(scenario, &running).await;
                let sample = sample.with_context(|| seen.contestant.name.clone())?;
                seen.rounds.push(sample);
            }
        }
        rustix::thread::disable_transparent_huge_pages(false).context("enable huge pages")?;
        Ok(seen)
    }

    fn unseen(&self) -> Vec<Seen> {
        let unseen = |contestant: &Contestant| Seen {
            contestant: contestant.clone(),
            rounds: Vec::new(),
            traced: None,
            untraced: None,
        };
        self.contestants.iter().map(unseen).collect()
    }

    async fn round(&mut self, scenario: &Scenario, running: &Running) -> Result<Sample> {
        let order = self.order(scenario, running, self.scale.window_ms);
        self.driver.prepare(order).await?;
        let measured = self.driver.measure().await?;
        let private_after = self.driver.close().await?;
        Ok(Sample {
            measured,
            private_after,
        })
    }

    /// Counts system calls; strace comes after the sessions have been opened, and goes before they are closed.
    async fn traced(&mut self, scenario: &Scenario, running: &Running) -> Result<Traced> {
        let order = self.order(scenario, running, self.scale.traced_ms);
        self.driver.prepare(order).await?;
        let tracer = Tracer::attach(&running.processes, self.starter.folder()).await?;
        let measured = self.driver.measure().await?;
        let calls = tracer.detach().await?;
        let private_after = self.driver.close().await?;
        let sample = Sample {
            measured,
            private_after,
        };
        Ok(Traced { calls, sample })
    }

    fn order(&self, scenario: &Scenario, running: &Running, window_ms: u64) -> Order {
        // Idle sessions are not used, only opened.
        let times = if scenario.mix.idle > 0 { 0 } else { 1 };
        Order {
            mix: scenario.mix.clone(),
            targets: running.targets.clone(),
            processes: running.processes.clone(),
            warm_up_ms: self.scale.warm_up_ms * times,
            window_ms: window_ms * times,
            settle_ms: self.scale.settle_ms,
        }
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
