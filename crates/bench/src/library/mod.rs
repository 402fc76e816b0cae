//! The job engine beside `JoinSet`, bare spawns and code written by hand.

mod cancel;
pub(crate) mod connection;
pub(crate) mod hand;
pub(crate) mod memory;
mod spawn;
mod tick;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

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

/// Measures the whole suite.
pub(crate) fn run(quick: bool) -> Result<Rows> {
    let scale = Scale::new(quick);
    let mut rows = Vec::new();
    for workers in [Workers::Current, Workers::Two] {
        rows.extend(spawn::rows(workers, scale)?);
        rows.push(tick::row(workers, scale)?);
        rows.push(connection::row(workers, scale)?);
        rows.extend(cancel::rows(workers, scale)?);
        rows.extend(memory::rows(workers, scale));
    }
    Ok(Rows(rows))
}
