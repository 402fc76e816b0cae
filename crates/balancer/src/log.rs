//! The line that every session leaves in the log.
//!
//! Its target is `balancer::session`, so that a filter can tell it from the rest. Its fields are the same in every
//! format: `client`, `listener`, `upstream` (the one connected, or the last one tried), `code` and `reason` (see
//! [`Ending`]), `error` (of the last try to connect), `retries` (how many other upstreams were tried before), `up_bytes`
//! and `down_bytes` (handed to the upstream and to the client), `connect_ms` and `duration_ms`.

use std::net::SocketAddr;
use std::time::Duration;

use tracing::{info, warn};

use crate::address::Upstream;
use crate::connect::Why;
use crate::ending::Ending;

/// What the line says.
pub(crate) struct Line<'a> {
    pub(crate) client: SocketAddr,
    pub(crate) listener: SocketAddr,
    pub(crate) upstream: Option<&'a Upstream>,
    pub(crate) ending: Ending,
    pub(crate) error: Option<&'a Why>,
    pub(crate) retries: u8,
    pub(crate) uploaded: u64,
    pub(crate) downloaded: u64,
    pub(crate) connected_after: Option<Duration>,
    pub(crate) duration: Duration,
}

/// Writes the line, as a warning if an operator should look.
pub(crate) fn session(line: &Line<'_>) {
    macro_rules! write {
        ($level:ident) => {
            $level!(
                target: "balancer::session",
                client = %line.client,
                listener = %line.listener,
                upstream = line.upstream.map(Upstream::name),
                code = line.ending.code(),
                reason = line.ending.word(),
                error = line.error.map(tracing::field::display),
                retries = line.retries,
                up_bytes = line.uploaded,
                down_bytes = line.downloaded,
                connect_ms = line.connected_after.map(milliseconds),
                duration_ms = milliseconds(line.duration),
                "session"
            )
        };
    }
    if line.ending.deserves_attention() {
        write!(warn);
    } else {
        write!(info);
    }
}

/// Writes the line of a connection that was closed at once because there were `sessions_max` sessions.
pub(crate) fn refused(client: SocketAddr, listener: SocketAddr, sessions_max: usize) {
    info!(
        target: "balancer::session",
        %client,
        %listener,
        code = Ending::ConnectionLimit.code(),
        reason = Ending::ConnectionLimit.word(),
        max_connections = sessions_max,
        "session"
    );
}

/// Gives a duration in milliseconds, to the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_in_milliseconds_to_the_microsecond() {
        assert_eq!(
            milliseconds(Duration::from_nanos(1_234_567)).to_string(),
            "1.234"
        );
        assert_eq!(milliseconds(Duration::from_secs(2)).to_string(), "2000");
    }
}
