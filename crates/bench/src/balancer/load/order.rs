//! What the suite and its load generator say to each other: a line of JSON each.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::balancer::usage::Spent;

/// The first byte of a connection tells the upstream what is wanted on it.
pub(super) mod wanted {
    /// One byte back, then the client closes.
    pub(crate) const BYTE: u8 = 1;
    /// An answer to each request; the length is in bytes 1 to 4 of it.
    pub(crate) const ANSWERS: u8 = 2;
    /// Bytes without end.
    pub(crate) const DOWNLOAD: u8 = 3;
    /// Everything that comes is thrown away.
    pub(crate) const UPLOAD: u8 = 4;
}

/// A request of the ping-pong, in bytes.
pub(super) const REQUEST_BYTES: usize = 64;

/// What the load generator prints once it listens.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// Where it takes commands.
    pub(crate) control: SocketAddr,
    /// Where its upstreams listen: a set of addresses for each contestant.
    pub(crate) upstreams: Vec<Vec<SocketAddr>>,
}

/// What to do in a round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mix {
    /// Streams from the upstream to the client.
    pub(crate) downloads: usize,
    /// Streams from the client to the upstream.
    pub(crate) uploads: usize,
    /// How many requests are under way at a time.
    pub(crate) requests: usize,
    /// How many kept-alive connections the requests go round; at least as many as there are requests.
    pub(crate) connections: usize,
    /// The length of an answer.
    pub(crate) answer_bytes: usize,
    /// How many clients connect, send a byte, wait for a byte and close, again and again.
    pub(crate) closers: usize,
    /// Sessions that are opened, used once and then left alone.
    pub(crate) idle: usize,
}

/// A round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) mix: Mix,
    /// Where the clients connect to, in turn.
    pub(crate) targets: Vec<SocketAddr>,
    /// The processes whose use of the processor is measured.
    pub(crate) processes: Vec<u32>,
    pub(crate) warm_up_ms: u64,
    pub(crate) window_ms: u64,
    /// How long memory may take to fall after the last idle session.
    pub(crate) settle_ms: u64,
}

/// What the suite says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Connect and warm up, then say `Ready`.
    Prepare(Order),
    /// Do it for as long as the window is, then say `Measured`.
    Go,
    /// Close all connections, then say `Closed`.
    Close,
}

/// What the load generator answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    Ready,
    Measured(Measured),
    Closed {
        /// Private memory of the processes, once it does not fall any more.
        private_bytes: u64,
    },
    /// The round came to nothing; the next one may do better.
    Failed(String),
}

/// What came of a round.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// Requests answered, connections closed, or sessions opened.
    pub(crate) operations: u64,
    /// Sessions that were open at the end.
    pub(crate) sessions: u64,
    /// Bytes of the streams that came through.
    pub(crate) stream_bytes: u64,
    /// Of the operations, in nanoseconds.
    pub(crate) p50_ns: f64,
    pub(crate) p99_ns: f64,
    /// What the processes spent meanwhile.
    pub(crate) spent: Spent,
    /// What the processes, the load generator and the kernel's workers spent, together.
    pub(crate) whole_ns: u64,
    /// What share of the processors others took meanwhile, other guests of the machine included.
    pub(crate) others_share: f64,
    /// Private memory of the processes before the first session and at the end.
    pub(crate) private_before: u64,
    pub(crate) private_bytes: u64,
}
