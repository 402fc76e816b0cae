//! The job engine beside `JoinSet`, bare spawns and code written by hand.

mod cancel;
pub(crate) mod connection;
mod goroutines;
pub(crate) mod hand;
mod jobs;
pub(crate) mod memory;
mod rendezvous;
mod snapshot;
mod spawn;
mod tick;

use std::io::Write;

use anyhow::{Context, Result, ensure};
use tokio::runtime::{Builder, Runtime};

use self::goroutines::Goroutines;
use crate::rows::{Better, Figure, Row, Rows, Target};

/// How many rounds and how much work in each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    rounds: usize,
    /// Divides the numbers of tasks, jobs and ticks.
    divisor: usize,
}

impl Scale {
    pub(crate) fn new(quick: bool) -> Self {
        if quick {
            Self {
                rounds: 5,
                divisor: 4,
            }
        } else {
            Self {
                rounds: 21,
                divisor: 1,
            }
        }
    }

    /// How many of something to make in one round.
    pub(crate) fn count(self, full: usize) -> usize {
        full / self.divisor
    }
}

/// The runtimes that everything is measured on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Workers {
    Current,
    Two,
}

impl Workers {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Current => "current-thread",
            Self::Two => "two workers",
        }
    }

    pub(crate) fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::Current => Builder::new_current_thread(),
            Self::Two => Builder::new_multi_thread(),
        };
        builder
            .worker_threads(2)
            .enable_all()
            .build()
            .context("start a runtime")
    }
}

/// One way of doing it: does it once and returns its figure.
pub(crate) type Contender<'a> = (&'static str, Box<dyn FnMut() -> f64 + 'a>);

pub(crate) fn contender<'a>(
    name: &'static str,
    measure: impl FnMut() -> f64 + 'a,
) -> Contender<'a> {
    (name, Box::new(measure))
}

/// Runs every contender once per round, the first of them being ours; a first round warms up and is not counted.
pub(crate) fn row(
    name: String,
    unit: &'static str,
    scale: Scale,
    mut contenders: Vec<Contender<'_>>,
) -> Row {
    let mut rounds = vec![Vec::with_capacity(scale.rounds); contenders.len()];
    for round in 0..=scale.rounds {
        for ((_, measure), figures) in contenders.iter_mut().zip(&mut rounds) {
            let figure = measure();
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    let mut figures = contenders
        .iter()
        .zip(rounds)
        .map(|((name, _), figures)| Figure::of(*name, figures));
    let ours = figures.next().unwrap_or(Figure {
        name: "job".into(),
        median: f64::NAN,
        spread: f64::NAN,
    });
    Row {
        name,
        unit,
        better: Better::Lower,
        ours,
        peers: figures.collect(),
        target: None,
    }
}

impl Row {
    fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }
}

/// A group of rows, by the name that `--only` knows it by.
type Group = (&'static str, fn(&Setting<'_>) -> Result<Vec<Row>>);

const GROUPS: [Group; 8] = [
    ("spawn", spawn::rows),
    ("tick", tick::rows),
    ("connection", connection::rows),
    ("rendezvous", rendezvous::rows),
    ("cancel", cancel::rows),
    ("jobs", jobs::rows),
    ("snapshot", snapshot::rows),
    ("memory", memory::rows),
];

/// What a group of rows is measured on.
#[derive(Clone, Copy)]
struct Setting<'a> {
    workers: Workers,
    scale: Scale,
    /// Goroutines, where there is Go.
    go: Option<&'a Goroutines>,
}

/// Measures the groups whose names begin like one of `only`, or all; what cannot be measured here, and why, is said to `notices`.
pub(crate) fn run(quick: bool, only: &[String], notices: &mut impl Write) -> Result<Rows> {
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|only| name.starts_with(only));
    let wanted: Vec<_> = GROUPS.iter().filter(|(name, _)| is_wanted(name)).collect();
    let names = GROUPS.map(|(name, _)| name).join(", ");
    ensure!(
        !wanted.is_empty(),
        "no group is called like that; there are {names}"
    );
    let go = Goroutines::build();
    if let Err(error) = &go {
        writeln!(notices, "without goroutines: {error:#}")?;
    }
    let mut rows = Vec::new();
    for workers in [Workers::Current, Workers::Two] {
        let setting = Setting {
            workers,
            scale: Scale::new(quick),
            go: go.as_ref().ok(),
        };
        for (_, group) in &wanted {
            rows.extend(group(&setting)?);
        }
    }
    Ok(Rows(rows))
}
