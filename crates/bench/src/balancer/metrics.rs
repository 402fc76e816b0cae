//! The figures of each kind of scenario, and what they have to reach.

use super::{
    contestants::Setup,
    scenarios::{IDLE_KIB_TARGET, KEPT_KIB_TARGET, Kind, P99_TARGET, Scenario},
    suite::{Sample, Seen},
};
use crate::rows::{Better, Target};

/// One of the figures of a scenario.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) target: Option<Target>,
    of: Of,
}

/// Where a figure is taken from.
enum Of {
    /// A round of anybody.
    Round(fn(&Sample) -> f64),
    /// A round of a proxy.
    Proxied(fn(&Sample) -> f64),
    /// The system calls for so much work.
    Calls(fn(&Sample) -> f64),
}

use Of::{Calls, Proxied, Round};

impl Metric {
    fn new(name: &'static str, unit: &'static str, of: Of) -> Self {
        Self {
            name,
            unit,
            better: Better::Lower,
            target: None,
            of,
        }
    }

    fn target(self, target: Target) -> Self {
        let target = Some(target);
        Self { target, ..self }
    }

    fn higher_is_better(self) -> Self {
        let better = Better::Higher;
        Self { better, ..self }
    }

    /// A value for each round, or none where there is nothing to tell.
    pub(crate) fn values(&self, seen: &Seen) -> Vec<f64> {
        let is_direct = seen.contestant.setup == Setup::Direct;
        if seen.failed.is_some() {
            return Vec::new();
        }
        match self.of {
            Proxied(_) if is_direct => Vec::new(),
            Proxied(value) | Round(value) => seen.rounds.iter().map(value).collect(),
            Calls(work) => {
                let traced = seen.traced.iter();
                traced
                    .map(|traced| traced.calls.total() as f64 / work(&traced.sample))
                    .collect()
            }
        }
    }
}

/// What the work of a round is measured in.
pub(crate) fn work(kind: Kind) -> fn(&Sample) -> f64 {
    match kind {
        Kind::Stream | Kind::Mixed => megabytes,
        Kind::Operation | Kind::Idle | Kind::Growth => operations,
    }
}

/// The figures of a scenario, in the order of its table.
pub(crate) fn metrics(scenario: &Scenario) -> Vec<Metric> {
    let mut metrics = match scenario.kind {
        Kind::Stream => vec![
            stream(),
            cpu_of_stream(),
            Metric::new("whole", "ms/GB", Round(|one| whole(one) / megabytes(one))),
            calls("/MB", megabytes),
            Metric::new(
                "switches",
                "/MB",
                Proxied(|one| switches(one) / megabytes(one)),
            ),
            private(),
        ],
        Kind::Mixed => vec![
            stream(),
            cpu_of_stream(),
            rate(),
            p50(),
            p99().target(Target::RatioToBestOf("haproxy", 1.0)),
        ],
        Kind::Operation => vec![
            rate(),
            cpu(),
            Metric::new("whole", "µs/op", Round(|one| whole(one) / operations(one))),
            p50(),
            p99().target(Target::RatioToBestOf("", P99_TARGET)),
            calls("/op", operations),
            Metric::new(
                "switches",
                "/op",
                Proxied(|one| switches(one) / operations(one)),
            ),
            private(),
        ],
        Kind::Idle => vec![
            rate(),
            cpu(),
            grown().target(Target::AtMost(IDLE_KIB_TARGET)),
            kept().target(Target::AtMost(KEPT_KIB_TARGET)),
        ],
        Kind::Growth => vec![rate(), cpu(), p50(), p99(), grown()],
    };
    for metric in &mut metrics {
        match (metric.name, scenario.cpu_target, scenario.calls_target) {
            ("CPU", Some(limit), _) => metric.target = Some(Target::RatioToBestOf("", limit)),
            ("calls", _, Some(limit)) => {
                metric.target = Some(Target::RatioToBestOf("haproxy", limit));
            }
            _ => {}
        }
    }
    metrics
}

fn rate() -> Metric {
    let rate = |one: &Sample| operations(one) / one.measured.seconds;
    Metric::new("rate", "op/s", Round(rate)).higher_is_better()
}

fn stream() -> Metric {
    let rate = |one: &Sample| megabytes(one) * 8e-3 / one.measured.seconds;
    Metric::new("rate", "Gb/s", Round(rate)).higher_is_better()
}

fn cpu() -> Metric {
    Metric::new("CPU", "µs/op", Proxied(|one| micros(one) / operations(one)))
}

fn cpu_of_stream() -> Metric {
    // A microsecond per megabyte is a millisecond per gigabyte.
    Metric::new("CPU", "ms/GB", Proxied(|one| micros(one) / megabytes(one)))
}

fn p50() -> Metric {
    Metric::new("p50", "µs", Round(|one| one.measured.p50_ns / 1e3))
}

fn p99() -> Metric {
    Metric::new("p99", "µs", Round(|one| one.measured.p99_ns / 1e3))
}

fn calls(unit: &'static str, work: fn(&Sample) -> f64) -> Metric {
    Metric::new("calls", unit, Calls(work))
}

fn private() -> Metric {
    let mebibytes = |one: &Sample| one.measured.private_bytes as f64 / f64::from(1 << 20);
    Metric::new("private", "MiB", Proxied(mebibytes))
}

fn grown() -> Metric {
    let grown = |one: &Sample| kib_each(one, one.measured.private_bytes);
    Metric::new("memory", "KiB", Proxied(grown))
}

fn kept() -> Metric {
    Metric::new(
        "kept",
        "KiB",
        Proxied(|one| kib_each(one, one.private_after)),
    )
}

fn micros(one: &Sample) -> f64 {
    one.measured.spent.cpu_ns as f64 / 1e3
}

/// The processor time of everybody who has a part in it, in microseconds: the proxy, the load generator and the kernel's workers.
///
/// What is left to others is no gain, and the work of a loopback's softirq is charged to whoever happens to run.
fn whole(one: &Sample) -> f64 {
    one.measured.whole_ns as f64 / 1e3
}

fn megabytes(one: &Sample) -> f64 {
    one.measured.stream_bytes as f64 / 1e6
}

fn operations(one: &Sample) -> f64 {
    one.measured.operations as f64
}

fn switches(one: &Sample) -> f64 {
    one.measured.spent.switches as f64
}

/// How much private memory has grown to that, for each session.
fn kib_each(one: &Sample, private_bytes: u64) -> f64 {
    let grown = private_bytes as f64 - one.measured.private_before as f64;
    grown / 1024.0 / one.measured.sessions as f64
}
