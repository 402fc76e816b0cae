//! How the figures of a scenario are told: a table for people, and rows for comparing.

use std::fmt;

use super::{
    configs::User,
    contestants::{HaProxy, Setup, WITHOUT_JOB},
    metrics::{Metric, metrics, work},
    plots::{Bar, Bars},
    scenarios::{JobTarget, Kind, Scenario},
    suite::Seen,
};
use crate::rows::{Figure, Row, Target};

/// The figures that are plotted.
const PLOTTED: [&str; 3] = ["CPU", "p99", "memory"];

const NAME_WIDTH: usize = 22;

/// What was seen in a scenario.
pub(crate) struct Report<'a> {
    scenario: &'a Scenario,
    user: User,
    seen: &'a [Seen],
    metrics: Vec<Metric>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(scenario: &'a Scenario, user: User, seen: &'a [Seen]) -> Self {
        Self {
            scenario,
            user,
            seen,
            metrics: metrics(scenario),
        }
    }

    /// A row for each figure of each of our contestants, beside all peers; only the balancer as it is has targets.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for ours in self.seen.iter().filter(|seen| seen.contestant.is_ours()) {
            let all = self.metrics.iter();
            rows.extend(all.map(|metric| self.row(ours, metric)));
            rows.extend(self.job(ours));
        }
        rows
    }

    fn row(&self, ours: &Seen, metric: &Metric) -> Row {
        let peers = self.seen.iter().filter(|seen| seen.contestant.is_peer());
        let peers: Vec<_> = peers.map(|seen| figure(seen, metric)).collect();
        let is_judged = ours.contestant.setup == Setup::Ours && !peers.is_empty();
        Row {
            name: format!("{}: {}, {}", self.title(), metric.name, ours.contestant),
            unit: metric.unit,
            better: metric.better,
            ours: figure(ours, metric),
            peers,
            target: metric.target.filter(|_| is_judged),
        }
    }

    /// What the job of each session costs, if the balancer without it was measured as well.
    fn job(&self, ours: &Seen) -> Option<Row> {
        let without = self.seen.iter().find(|seen| {
            let is_alike = seen.contestant.threads == ours.contestant.threads;
            is_alike && seen.contestant.name.starts_with(WITHOUT_JOB)
        })?;
        let (name, target) = match self.scenario.job_target? {
            JobTarget::CpuRatio(limit) => ("CPU", Target::RatioToBestOf("", limit)),
            JobTarget::MoreKib(limit) => ("memory", Target::Above(limit)),
        };
        let metric = self.metrics.iter().find(|metric| metric.name == name)?;
        let is_ours = ours.contestant.setup == Setup::Ours;
        is_ours.then(|| Row {
            name: format!("{}: {name} of the job, {}", self.title(), ours.contestant),
            unit: metric.unit,
            better: metric.better,
            ours: figure(ours, metric),
            peers: vec![figure(without, metric)],
            target: Some(target),
        })
    }

    /// Plots of a few of the figures, with the names of their files.
    pub(crate) fn bars(&self) -> Vec<(String, Bars)> {
        let plotted = self
            .metrics
            .iter()
            .filter(|metric| PLOTTED.contains(&metric.name));
        let plot = |metric: &Metric| {
            let bars = self.seen.iter().filter_map(|seen| {
                let figure = figure(seen, metric);
                figure.median.is_finite().then(|| Bar {
                    name: figure.name.into_owned(),
                    value: figure.median,
                    spread: figure.spread,
                })
            });
            let title = format!("{}: {}", self.title(), metric.name);
            let file = title
                .replace([' ', '(', ')'], "")
                .replace(':', "-")
                .to_lowercase();
            let (unit, bars) = (metric.unit, bars.collect());
            (file, Bars { title, unit, bars })
        };
        plotted.map(plot).collect()
    }

    /// How many sessions there were, if that is what the scenario is about.
    pub(crate) fn sessions(&self) -> Option<usize> {
        (self.scenario.kind == Kind::Growth).then_some(self.scenario.mix.connections)
    }

    fn title(&self) -> String {
        let by = match self.user {
            User::Same => "",
            User::Nobody => " (nobody)",
        };
        format!("{}{by}", self.scenario.name)
    }

    /// Which system calls it makes for its work.
    fn calls(&self, seen: &Seen, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &seen.contestant.name;
        if let Some(why) = &seen.untraced {
            writeln!(f, "  calls of {name}: not counted: {why}")?;
        }
        let Some(traced) = &seen.traced else {
            return Ok(());
        };
        let work = work(self.scenario.kind)(&traced.sample);
        writeln!(f, "  calls of {name}: {}", traced.calls.most_often(work))?;
        let splices = matches!(
            seen.contestant.setup,
            Setup::HaProxy(HaProxy::Splice | HaProxy::SplicePipes, _)
        );
        if splices && self.scenario.kind == Kind::Stream && traced.calls.of("splice") == 0 {
            writeln!(f, "  WARNING: {name} does not splice")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{:NAME_WIDTH$}", self.title())?;
        for metric in &self.metrics {
            write!(f, "{:>17}", format!("{} {}", metric.name, metric.unit))?;
        }
        writeln!(f)?;
        for seen in self.seen {
            write!(f, "{:NAME_WIDTH$}", seen.contestant)?;
            for metric in &self.metrics {
                write!(f, "{:>17}", cell(metric.values(seen)))?;
            }
            writeln!(f)?;
        }
        for seen in self.seen {
            if let Some(why) = &seen.failed {
                writeln!(f, "  FAILED: {}: {why}", seen.contestant)?;
            }
            self.calls(seen, f)?;
        }
        let rounds = self.seen.iter().flat_map(|seen| &seen.rounds);
        let others: Vec<_> = rounds.map(|round| round.measured.others_share).collect();
        let others = 100.0 * Figure::of("", others).median;
        writeln!(
            f,
            "  other processes took {others:.0} % of the processors meanwhile"
        )
    }
}

fn figure(seen: &Seen, metric: &Metric) -> Figure {
    Figure::of(seen.contestant.name.clone(), metric.values(seen))
}

/// The median, and its spread if there is more than one value.
fn cell(values: Vec<f64>) -> String {
    let rounds = values.len();
    let Figure { median, spread, .. } = Figure::of("", values);
    match rounds {
        0 => "-".to_owned(),
        1 => digits(median),
        _ => format!("{} ±{}", digits(median), digits(spread)),
    }
}

/// Three significant digits, or all those before the point.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::{contestants, load::Measured, scenarios, suite::Sample, usage::Spent};

    /// What was seen of a contestant that spends so much on each of 1,000 operations.
    fn seen(name: &str, cpu_us: u64) -> Seen {
        let also = ["nojob=/tmp/balancer".parse().unwrap()];
        let contestant = contestants::everybody(&also)
            .into_iter()
            .find(|one| one.name == name)
            .unwrap();
        let spent = Spent {
            cpu_ns: cpu_us * 1_000_000,
            switches: 0,
        };
        let measured = Measured {
            seconds: 1.0,
            operations: 1_000,
            spent,
            ..Measured::default()
        };
        let sample = Sample {
            measured,
            private_after: 0,
        };
        Seen {
            contestant,
            rounds: vec![sample],
            failed: None,
            traced: None,
            untraced: None,
        }
    }

    #[test]
    fn the_balancer_is_judged_by_the_best_peer_and_by_itself_without_the_job() {
        let scenario = &scenarios::wanted(&["connect-close".to_owned()], false)[0];
        let all = ["direct", "haproxy/1", "nginx/2", "balancer/1", "nojob/1"];
        let seen: Vec<_> = all.into_iter().zip([0, 60, 50, 44, 40]).collect();
        let seen: Vec<_> = seen
            .into_iter()
            .map(|(name, cpu)| self::seen(name, cpu))
            .collect();
        let rows = Report::new(scenario, User::Same, &seen).rows();
        let cpu: Vec<_> = rows
            .iter()
            .filter(|row| row.name.contains("CPU"))
            .map(|row| {
                (
                    row.name.as_str(),
                    row.ours.median,
                    row.peers.len(),
                    row.target.is_some(),
                )
            })
            .collect();
        assert_eq!(
            cpu,
            [
                ("connect-close: CPU, balancer/1", 44.0, 2, true),
                ("connect-close: CPU of the job, balancer/1", 44.0, 1, true),
                ("connect-close: CPU, nojob/1", 40.0, 2, false),
            ]
        );
    }

    #[test]
    fn a_contestant_that_failed_has_no_figures_and_says_why() {
        let scenario = &scenarios::wanted(&["connect-close".to_owned()], false)[0];
        let mut seen = seen("haproxy/1", 60);
        seen.failed = Some("connect: refused".to_owned());
        let seen = [seen];
        let table = Report::new(scenario, User::Nobody, &seen).to_string();
        assert!(table.contains("connect-close (nobody)"), "{table}");
        assert!(
            table.contains("FAILED: haproxy/1: connect: refused"),
            "{table}"
        );
        assert!(!table.contains("60.0"), "{table}");
    }

    #[test]
    fn a_cell_says_no_more_than_is_known() {
        assert_eq!(cell(vec![]), "-");
        assert_eq!(cell(vec![1234.5]), "1234");
        assert_eq!(cell(vec![1.0, 2.0, 3.0]), "2.00 ±0.50");
        assert_eq!(digits(-12.34), "-12.3");
    }
}
