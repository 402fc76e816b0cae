//! Times several ways of doing the same thing, side by side.

use std::time::{Duration, Instant};

use anyhow::Result;

/// One way of doing it.
pub(crate) type Contender<'a, T> = (&'static str, Box<dyn Fn() -> Result<T> + 'a>);

/// Names one way of doing it.
pub(crate) fn contender<'a, T>(
    name: &'static str,
    work: impl Fn() -> Result<T> + 'a,
) -> Contender<'a, T> {
    (name, Box::new(work))
}

/// What was measured of one contender.
pub(crate) struct Timed<T> {
    /// Its name.
    pub(crate) name: &'static str,
    /// The median of its rounds.
    pub(crate) median: Duration,
    /// What it produced in the last round.
    pub(crate) output: T,
}

/// Runs every contender once per round, so that a noisy minute hits all of them alike, and takes medians.
///
/// A first round warms up and is not counted.
pub(crate) fn interleaved<T>(
    rounds: usize,
    contenders: &[Contender<'_, T>],
) -> Result<Vec<Timed<T>>> {
    let mut outputs = run_all(contenders)?;
    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        outputs = run_all(contenders)?;
        for (times, (elapsed, _)) in times.iter_mut().zip(&outputs) {
            times.push(*elapsed);
        }
    }
    let timed = contenders.iter().zip(times).zip(outputs);
    Ok(timed
        .map(|(((name, _), times), (_, output))| Timed {
            name,
            median: median(times),
            output,
        })
        .collect())
}

fn run_all<T>(contenders: &[Contender<'_, T>]) -> Result<Vec<(Duration, T)>> {
    contenders
        .iter()
        .map(|(_, work)| {
            let start = Instant::now();
            let output = work()?;
            Ok((start.elapsed(), output))
        })
        .collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
