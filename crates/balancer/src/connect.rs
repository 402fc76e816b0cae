//! Connects a session to an upstream, trying others when one fails.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, OwnedFd};

use fastrand::Rng;
use rustix::io::Errno;
use tracing::debug;

use crate::backends::Lease;
use crate::choose::Tried;
use crate::ending::Side;
use crate::relay::Awaits;
use crate::session::{Ready, Session};
use crate::socket;

/// All tries together take at most this many connect timeouts, or a client would wait for each of them in turn.
pub(crate) const BUDGET_IN_TIMEOUTS: u32 = 2;

/// A connected upstream.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: OwnedFd,
    pub(crate) lease: Lease,
    /// How many other upstreams were tried before.
    pub(crate) retries: u8,
}

/// Why no upstream could be connected.
#[derive(Debug)]
pub(crate) struct ConnectError {
    /// The upstream that was tried last.
    pub(crate) lease: Lease,
    pub(crate) retries: u8,
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

/// Connects a session to one of the upstreams.
///
/// Every upstream has the connect timeout to answer and is tried at most once; there are at most
/// [`TRIES_MAX`](crate::choose::TRIES_MAX) tries, which take at most twice the timeout together. Whether the time is up is for the
/// [`Watch`](crate::watch::Watch) to say.
///
/// # Cancel safety
///
/// A half-made connection is closed when this is dropped.
pub(crate) async fn connect(session: &Session, rng: &mut Rng) -> Result<Connected, ConnectError> {
    let core = session.core();
    let backends = core.stats().backends();
    let mut tried = Tried::default();
    let mut lease = backends
        .lease(core.index(), &mut tried, rng)
        .expect("`balancer` has asserted that there is an upstream");
    loop {
        let retries = tried.count() as u8 - 1;
        let why = match attempt(session, lease.upstream().addresses()).await {
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
        lease.failed(&why);
        debug!(upstream = %lease.upstream(), error = %why, "could not connect");
        let budget = core.config().connect_timeout * BUDGET_IN_TIMEOUTS;
        let hopeless = matches!(why, Why::OutOfSockets(_)) || session.age() >= budget;
        let next = if hopeless {
            None
        } else {
            backends.lease(core.index(), &mut tried, rng)
        };
        match next {
            Some(next) => {
                session.tries_again();
                lease = next;
            }
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
async fn attempt(session: &Session, addresses: &[SocketAddr]) -> Result<OwnedFd, Why> {
    let local_ports = session.core().local_ports();
    let mut why = Why::Failed(io::ErrorKind::AddrNotAvailable.into());
    for &address in addresses {
        why = match connect_to(address, session).await {
            Ok(None) => return Err(Why::TimedOut),
            Err(error) => classify(error),
            Ok(Some(stream)) if local_ports.is_itself(&stream, address) => {
                Why::Failed(io::ErrorKind::ConnectionRefused.into())
            }
            Ok(Some(stream)) => return Ok(stream),
        };
    }
    Err(why)
}

/// Connects to an address; nothing when the time for that is up.
async fn connect_to(address: SocketAddr, session: &Session) -> io::Result<Option<OwnedFd>> {
    let socket = socket::begin_to_connect(address)?;
    session.watch(Side::Upstream, &socket)?;
    let ready = poll_fn(|waker| session.poll_ready(Side::Client, Awaits::Sink, waker.waker()));
    if ready.await == Ready::SessionOver {
        return Ok(None);
    }
    // A connect that failed has shut the socket in both directions; only then is there an error to ask for.
    if session.readiness(Side::Upstream).see().is_broken()
        && let Some(error) = socket::error_of(&socket)?
    {
        return Err(error);
    }
    Ok(Some(socket))
}

/// The ports that the kernel gives to sockets that connect.
#[derive(Debug)]
pub(crate) struct LocalPorts(RangeInclusive<u16>);

impl LocalPorts {
    /// Asks the system. Where it does not say, any port may be one of them.
    pub(crate) fn of_this_system() -> Self {
        let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
        Self(
            text.ok()
                .and_then(|text| Self::parse(&text))
                .unwrap_or(0..=u16::MAX),
        )
    }

    fn parse(text: &str) -> Option<RangeInclusive<u16>> {
        let mut ports = text.split_whitespace().map(str::parse);
        Some(ports.next()?.ok()?..=ports.next()?.ok()?)
    }

    /// Tells whether the kernel connected a socket to itself when it was to connect to `peer`.
    ///
    /// It does so when nobody listens on a local port that it has just given to the connecting socket: a simultaneous
    /// open with oneself. Such a session would echo, and would keep the real server from binding its port. A server whose
    /// port is none that the kernel gives away cannot be met like this, so then the socket is not asked.
    fn is_itself(&self, stream: impl AsFd, peer: SocketAddr) -> bool {
        self.0.contains(&peer.port())
            && rustix::net::getsockname(stream).is_ok_and(|local| local == peer.into())
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
        let ports = LocalPorts::of_this_system();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let itself = socket.local_addr().unwrap();
        assert!(ports.is_itself(socket.connect(itself).await.unwrap(), itself));
        let (other, _server) = pair().await.unwrap();
        assert!(!ports.is_itself(&other, other.peer_addr().unwrap()));
    }

    #[test]
    fn the_ports_that_the_kernel_gives_away_are_two_numbers() {
        assert_eq!(LocalPorts::parse("32768\t60999\n"), Some(32768..=60999));
        assert_eq!(LocalPorts::parse("32768"), None);
    }
}
