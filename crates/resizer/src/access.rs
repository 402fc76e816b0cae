//! The access log: one line for every request, also for one that nobody waits for any more.

use std::{net::SocketAddr, sync::Arc};

use http::{Method, StatusCode, request::Parts};
use tokio::time::Instant;

use crate::{
    body::Arrival,
    stats::{Ending, Stats},
};

/// One request, from its head to its line in the log. Dropped before its answer, it says so.
#[derive(Debug)]
pub(crate) struct Access {
    /// What came of the body so far.
    pub(crate) arrival: Arrival,
    method: Method,
    path: String,
    client: SocketAddr,
    began: Instant,
    stats: Arc<Stats>,
    is_answered: bool,
}

/// What the log says about an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) ending: Ending,
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) bytes_out: u64,
}

/// The longest part of a path that is logged.
const PATH_CHARS_MAX: usize = 200;
/// What nginx logs for a client that is gone before its answer.
const UNANSWERED: u16 = 499;

impl Access {
    pub(crate) fn begin(parts: &Parts, client: SocketAddr, stats: Arc<Stats>) -> Self {
        let path = parts.uri.path_and_query().map_or("*", |path| path.as_str());
        Self {
            arrival: Arrival::default(),
            method: parts.method.clone(),
            path: path.chars().take(PATH_CHARS_MAX).collect(),
            client,
            began: Instant::now(),
            stats,
            is_answered: false,
        }
    }

    /// Counts and logs the answer.
    pub(crate) fn end(mut self, line: Line) {
        self.is_answered = true;
        self.stats
            .count_request(line.ending, self.arrival.bytes, line.bytes_out);
        self.stats.note_duration(line.ending, self.began.elapsed());
        self.log(line.status.as_u16(), line.code, line.bytes_out);
    }

    fn log(&self, status: u16, code: &str, bytes_out: u64) {
        tracing::info!(
            target: "resizer::access",
            method = %self.method,
            path = self.path,
            status,
            code,
            bytes_in = self.arrival.bytes,
            bytes_out,
            ms = self.began.elapsed().as_micros() as f64 / 1000.0,
            client = %self.client,
        );
    }
}

/// Counts and logs a request whose head did not get far enough to have a method and a path.
pub(crate) fn end_without_head(client: SocketAddr, stats: &Stats, line: Line) {
    stats.count_request(line.ending, 0, line.bytes_out);
    let (status, code, bytes_out) = (line.status.as_u16(), line.code, line.bytes_out);
    tracing::info!(target: "resizer::access", status, code, bytes_out, client = %client);
}

impl Drop for Access {
    fn drop(&mut self) {
        if !self.is_answered {
            self.stats
                .count_request(Ending::Unanswered, self.arrival.bytes, 0);
            self.log(UNANSWERED, "unanswered", 0);
        }
    }
}
