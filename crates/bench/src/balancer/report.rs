//! How the figures of a scenario are told: a table for people, and rows for comparing.

use std::fmt;

use super::{
    configs::User,
    contestants::{HaProxy, Setup},
    metrics::{Metric, metrics, work},
    plots::{Bar, Bars},
    scenarios::{Kind, Scenario},
    suite::Seen,
};
use crate::rows::{Figure, Row};

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
        let ours = self.seen.iter().filter(|seen| seen.contestant.is_ours());
        let each = ours.flat_map(|ours| self.metrics.iter().map(move |metric| (ours, metric)));
        each.map(|(ours, metric)| self.row(ours, metric)).collect()
    }

    fn row(&self, ours: &Seen, metric: &Metric) -> Row {
        let figure = |seen: &Seen| Figure::of(seen.contestant.name.clone(), metric.values(seen));
        let peers = self.seen.iter().filter(|seen| seen.contestant.is_peer());
        let peers: Vec<_> = peers.map(figure).collect();
        let is_judged = ours.contestant.setup == Setup::Ours && !peers.is_empty();
        Row {
            name: format!(
                "{}{}: {}, {}",
                self.scenario.name,
                self.by(),
                metric.name,
                ours.contestant
            ),
            unit: metric.unit,
            better: metric.better,
            ours: figure(ours),
            peers,
            target: metric.target.filter(|_| is_judged),
        }
    }

    /// Plots of a few of the figures, with the names of their files.
    pub(crate) fn bars(&self) -> Vec<(String, Bars)> {
        let plotted = self
            .metrics
            .iter()
            .filter(|metric| PLOTTED.contains(&metric.name));
        let plot = |metric: &Metric| {
            let bars = self.seen.iter().filter_map(|seen| {
                let values = metric.values(seen);
                let is_known = !values.is_empty();
                let figure = Figure::of(seen.contestant.name.clone(), values);
                is_known.then(|| Bar {
                    name: figure.name.into_owned(),
                    value: figure.median,
                    spread: figure.spread,
                })
            });
            let title = format!("{}{}: {}", self.scenario.name, self.by(), metric.name);
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

    fn by(&self) -> &'static str {
        match self.user {
            User::Same => "",
            User::Nobody => " (nobody)",
        }
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
            Setup::HaProxy(HaProxy::Splice | HaProxy::SplicePipes)
        );
        if splices && self.scenario.kind == Kind::Stream && traced.calls.of("splice") == 0 {
            writeln!(f, "  WARNING: {name} does not splice")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n{:NAME_WIDTH$}",
            format!("{}{}", self.scenario.name, self.by())
        )?;
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

    #[test]
    fn a_cell_says_no_more_than_is_known() {
        assert_eq!(cell(vec![]), "-");
        assert_eq!(cell(vec![1234.5]), "1234");
        assert_eq!(cell(vec![1.0, 2.0, 3.0]), "2.00 ±0.50");
        assert_eq!(digits(-12.34), "-12.3");
    }
}
