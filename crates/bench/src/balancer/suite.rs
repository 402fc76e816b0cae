//! Rounds: every contestant is driven through every scenario, interleaved, and its system calls are counted apart.

use std::{io::Write, net::SocketAddr};

use anyhow::{Context, Result};

use super::{
    configs::User,
    contestants::{Contestant, Setup},
    driver::Driver,
    load::{Measured, Order},
    plots::Plots,
    report::Report,
    running::{Running, Starter},
    scenarios::{Kind, Scenario},
    trace::{Calls, Tracer},
};
use crate::rows::Row;

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) rounds: usize,
    pub(super) fresh_rounds: usize,
    pub(super) warm_up_ms: u64,
    pub(super) window_ms: u64,
    pub(super) traced_ms: u64,
    pub(super) settle_ms: u64,
}

pub(super) const FULL: Scale = Scale {
    rounds: 5,
    fresh_rounds: 3,
    warm_up_ms: 150,
    window_ms: 700,
    traced_ms: 400,
    settle_ms: 3_000,
};

pub(super) const QUICK: Scale = Scale {
    rounds: 3,
    fresh_rounds: 1,
    warm_up_ms: 100,
    window_ms: 300,
    traced_ms: 200,
    settle_ms: 1_000,
};

/// What was measured of one contestant in one scenario.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) contestant: Contestant,
    pub(crate) rounds: Vec<Sample>,
    /// Why there are no more rounds: a contestant that fails drops out of the scenario.
    pub(crate) failed: Option<String>,
    /// What strace counted, if it could.
    pub(crate) traced: Option<Traced>,
    /// Why it could not.
    pub(crate) untraced: Option<String>,
}

impl Seen {
    fn note(&mut self, sample: Result<Sample>) {
        match sample {
            Ok(sample) => self.rounds.push(sample),
            Err(error) => self.failed = Some(format!("{error:#}")),
        }
    }
}

/// A round with strace.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) calls: Calls,
    pub(crate) sample: Sample,
}

/// One round.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) measured: Measured,
    /// Private memory after all sessions have been closed.
    pub(crate) private_after: u64,
}

/// Who is measured, and with what.
pub(super) struct Suite {
    pub(super) driver: Driver,
    pub(super) starter: Starter,
    pub(super) contestants: Vec<Contestant>,
    pub(super) scale: Scale,
    pub(super) plots: Plots,
}

impl Suite {
    /// Measures these scenarios with proxies of that user, and prints their tables as it goes.
    pub(super) async fn measure_all(
        &mut self,
        scenarios: &[Scenario],
        user: User,
        out: &mut dyn Write,
    ) -> Result<Vec<Row>> {
        let mut running = Vec::new();
        if scenarios.iter().any(|scenario| !scenario.kind.is_fresh()) {
            for index in 0..self.contestants.len() {
                running.push(self.start(index, user).await?);
            }
        }
        let mut rows = Vec::new();
        for scenario in scenarios {
            let seen = if scenario.kind.is_fresh() {
                self.measure_fresh(scenario, user).await?
            } else {
                self.measure(scenario, &running).await
            };
            let report = Report::new(scenario, user, &seen);
            self.plots.add(&report);
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
    async fn measure(&mut self, scenario: &Scenario, running: &[Running]) -> Vec<Seen> {
        let mut seen = self.unseen();
        for round in 0..self.scale.rounds {
            for turn in 0..running.len() {
                let index = (turn + round) % running.len();
                if seen[index].failed.is_none() {
                    let sample = self.round(scenario, &running[index]).await;
                    seen[index].note(sample);
                }
            }
        }
        for (seen, running) in seen.iter_mut().zip(running) {
            if seen.contestant.setup == Setup::Direct || seen.failed.is_some() {
                continue;
            }
            match self.traced(scenario, running).await {
                Ok(traced) => seen.traced = Some(traced),
                Err(error) => seen.untraced = Some(format!("{error:#}")),
            }
        }
        seen
    }

    /// The same, but with proxies that have just been started.
    async fn measure_fresh(&mut self, scenario: &Scenario, user: User) -> Result<Vec<Seen>> {
        let mut seen = self.unseen();
        let rounds = match scenario.kind {
            // There are many of these, and a line through them shows which one strays.
            Kind::Growth => 1,
            _ => self.scale.fresh_rounds,
        };
        // The processes that are started inherit this. Huge pages would count what is near a session, too.
        rustix::thread::disable_transparent_huge_pages(true).context("disable huge pages")?;
        for _ in 0..rounds {
            for (index, seen) in seen.iter_mut().enumerate() {
                if seen.failed.is_none() {
                    let running = self.start(index, user).await?;
                    let sample = self.round(scenario, &running).await;
                    seen.note(sample);
                }
            }
        }
        rustix::thread::disable_transparent_huge_pages(false).context("enable huge pages")?;
        Ok(seen)
    }

    fn unseen(&self) -> Vec<Seen> {
        let unseen = |contestant: &Contestant| Seen {
            contestant: contestant.clone(),
            rounds: Vec::new(),
            failed: None,
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
        let times = match scenario.kind {
            // Sessions are not used, only opened.
            Kind::Idle => 0,
            // A single connection gives few latencies.
            Kind::Mixed => 3,
            Kind::Stream | Kind::Operation | Kind::Growth => 1,
        };
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
