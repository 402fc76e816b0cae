//! Connects a session to an upstream, trying others when one fails.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use rustix::io::Errno;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use crate::backends::{Backends, Lease};
use crate::choose::Tried;

/// All tries together take at most this many connect timeouts, or a client would wait for each of them in turn.
const BUDGET_IN_TIMEOUTS: u32 = 2;

/// A connected upstream.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: TcpStream,
    pub(crate) lease: Lease,
    /// How many other upstreams were tried before.
    pub(crate) retries: usize,
}

/// Why no upstream could be connected.
#[derive(Debug)]
pub(crate) struct ConnectError {
    /// The upstream that was tried last.
    pub(crate) lease: Lease,
    pub(crate) retries: usize,
    pub(crate) why: Why,
}

/// What went wrong with the last try.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    #[error("no answer in time")]
    TimedOut,
    #[error("{0}")]
    OutOfSockets(#[source] io::Error),
    #[error("{0}")]
    Failed(#[source] io::Error),
}

/// Connects to one of `backends`.
///
/// Every upstream has `timeout` to answer and is tried at most once; there are at most
/// [`TRIES_MAX`](crate::choose::TRIES_MAX) tries, which take at most twice the timeout together.
///
/// # Cancel safety
///
/// A half-made connection is closed when this is dropped.
pub(crate) async fn connect(
    backends: &Arc<Backends>,
    timeout: Duration,
    rng: &mut Rng,
) -> Result<Connected, ConnectError> {
    let budget_ends = Instant::now() + timeout * BUDGET_IN_TIMEOUTS;
    let mut tried = Tried::default();
    let mut lease = backends
        .lease(&mut tried, rng)
        .expect("`balancer` has asserted that there is an upstream");
    loop {
        let retries = tried.count() - 1;
        let deadline = budget_ends.min(Instant::now() + timeout);
        let why = match attempt(lease.upstream().addresses(), deadline).await {
            Ok(stream) => {
                lease.connected();
                return Ok(Connected {
                    stream,
                    lease,
                    retries,
                });
            }
            Err(why) => why,
        };
        lease.failed();
        debug!(upstream = %lease.upstream(), error = %why, "could not connect");
        let hopeless = matches!(why, Why::OutOfSockets(_)) || Instant::now() >= budget_ends;
        let next = if hopeless {
            None
        } else {
            backends.lease(&mut tried, rng)
        };
        match next {
            Some(next) => lease = next,
            None => {
                return Err(ConnectError {
                    lease,
                    retries,
                    why,
                });
            }
        }
    }
}

/// Tries the addresses of one upstream, one after the other.
async fn attempt(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Why> {
    let stream = match timeout_at(deadline, TcpStream::connect(addresses)).await {
        Ok(connected) => connected.map_err(classify)?,
        Err(_elapsed) => return Err(Why::TimedOut),
    };
    if is_connected_to_itself(&stream) {
        return Err(Why::Failed(io::ErrorKind::ConnectionRefused.into()));
    }
    Ok(stream)
}

/// Tells whether the kernel connected a socket to itself.
///
/// It does so when nobody listens on a local port that it has just given to the connecting socket: a simultaneous
/// open with oneself. Such a session would echo, and would keep the real server from binding its port.
fn is_connected_to_itself(stream: &TcpStream) -> bool {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(local), Ok(peer)) => local == peer,
        _ => false,
    }
}

fn classify(error: io::Error) -> Why {
    match Errno::from_io_error(&error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::ADDRNOTAVAIL) => {
            Why::OutOfSockets(error)
        }
        // Linux' own answer to an unanswered SYN, which comes first when the timeout is very long.
        Some(Errno::TIMEDOUT) => Why::TimedOut,
        _ => Why::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::backends::pair;
    use tokio::net::TcpSocket;

    #[tokio::test]
    async fn a_socket_that_met_itself_is_told_from_one_that_met_a_server() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let itself = socket.local_addr().unwrap();
        assert!(is_connected_to_itself(
            &socket.connect(itself).await.unwrap()
        ));
        assert!(!is_connected_to_itself(&pair().await.unwrap().0));
    }
}
