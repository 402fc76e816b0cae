//! What a server has done so far, in numbers.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use http::StatusCode;
use prometheus_client::metrics::histogram::Histogram;

/// Bounds of the times that images take, in seconds: from a thumbnail of a thumbnail to the usual end of a request.
const DURATIONS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The counters of one server. They only grow.
#[derive(Debug)]
pub struct Stats {
    resized: AtomicU64,
    dry_runs: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    connections: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    durations: Histogram,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            resized: AtomicU64::default(),
            dry_runs: AtomicU64::default(),
            refused: AtomicU64::default(),
            failed: AtomicU64::default(),
            connections: AtomicU64::default(),
            bytes_in: AtomicU64::default(),
            bytes_out: AtomicU64::default(),
            durations: Histogram::new(DURATIONS),
        }
    }
}

/// The counters as they were at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Images resized and answered.
    pub resized: u64,
    /// Dry runs answered.
    pub dry_runs: u64,
    /// Requests turned away with 503, to be tried again or elsewhere.
    pub refused: u64,
    /// Requests that failed in any other way, and those that got no answer.
    pub failed: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    Resized,
    DryRun,
    /// How the server is, which is no work and counts for none.
    Asked,
    Problem(StatusCode),
    /// Nobody was left to answer: the client went away, or the server was cancelled.
    Unanswered,
}

impl Stats {
    /// The counters of this moment, each right by itself.
    pub fn counts(&self) -> Counts {
        Counts {
            resized: self.resized.load(Relaxed),
            dry_runs: self.dry_runs.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
            connections: self.connections.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        }
    }

    /// How long images took that were resized.
    pub(crate) fn durations(&self) -> &Histogram {
        &self.durations
    }

    /// Notes how long a request took, if it is one of those whose time is of interest.
    pub(crate) fn note_duration(&self, ending: Ending, time: Duration) {
        if matches!(ending, Ending::Resized) {
            self.durations.observe(time.as_secs_f64());
        }
    }

    pub(crate) fn count_connection(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_request(&self, ending: Ending, bytes_in: u64, bytes_out: u64) {
        self.bytes_in.fetch_add(bytes_in, Relaxed);
        self.bytes_out.fetch_add(bytes_out, Relaxed);
        let counter = match ending {
            Ending::Resized => &self.resized,
            Ending::DryRun => &self.dry_runs,
            Ending::Asked => return,
            Ending::Problem(StatusCode::SERVICE_UNAVAILABLE) => &self.refused,
            Ending::Problem(_) | Ending::Unanswered => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }
}
