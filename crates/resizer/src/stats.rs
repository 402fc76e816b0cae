//! What a server has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::StatusCode;

/// The counters of one server. They only grow.
#[derive(Debug, Default)]
pub struct Stats {
    resized: AtomicU64,
    dry_runs: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    connections: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
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
    Healthy,
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

    pub(crate) fn count_connection(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_request(&self, ending: Ending, bytes_in: u64, bytes_out: u64) {
        self.bytes_in.fetch_add(bytes_in, Relaxed);
        self.bytes_out.fetch_add(bytes_out, Relaxed);
        let counter = match ending {
            Ending::Resized => &self.resized,
            Ending::DryRun => &self.dry_runs,
            Ending::Healthy => return,
            Ending::Problem(StatusCode::SERVICE_UNAVAILABLE) => &self.refused,
            Ending::Problem(_) | Ending::Unanswered => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }
}
