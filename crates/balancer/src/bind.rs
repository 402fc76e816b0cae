//! Opens the sockets that connections come in by.

use std::io;
use std::net::{self, IpAddr, SocketAddr};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::address::ListenAddress;
use crate::reactor::watched;
use crate::socket;

/// How many connections wait to be accepted; Linux caps it at `net.core.somaxconn`, which is 4096 by default.
const BACKLOG: i32 = 4096;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error(
        "cannot listen on {address}: the port is in use; stop the program that has it \
         (`ss -ltnp 'sport = :{port}'` names it) or give another --listen"
    )]
    InUse {
        /// What the user wrote.
        address: String,
        /// The port.
        port: u16,
    },
    /// The user may not bind the port.
    #[error(
        "cannot listen on {0}: not allowed; ports below 1024 need CAP_NET_BIND_SERVICE, so take a higher one"
    )]
    NotAllowed(String),
    /// The address belongs to another machine.
    #[error(
        "cannot listen on {0}: this machine has no such address; `ip address` lists those it has"
    )]
    NotHere(String),
    /// Anything else.
    #[error("cannot listen on {address}")]
    Other {
        /// What the user wrote.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// An address that is listened on: with one socket, or with several among which the kernel shares new connections.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    sockets: Vec<net::TcpListener>,
}

impl Listener {
    /// Returns the address, with the port that the system chose if any would do.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns its socket, if it was bound for one thread; the first one otherwise.
    pub(crate) fn into_only(mut self) -> net::TcpListener {
        self.sockets.swap_remove(0)
    }

    /// Parts it into its sockets; it is the listener of that number.
    pub(crate) fn into_doors(self, number: u16) -> impl Iterator<Item = Door> {
        let open = Arc::new(AtomicUsize::new(self.sockets.len()));
        let door = move |socket| Door {
            number,
            address: self.address,
            bound: Some(socket),
            open: None,
            others: Arc::clone(&open),
        };
        self.sockets.into_iter().map(door)
    }
}

/// One socket of a [`Listener`].
#[derive(Debug)]
pub(crate) struct Door {
    number: u16,
    address: SocketAddr,
    bound: Option<net::TcpListener>,
    open: Option<AsyncFd<net::TcpListener>>,
    /// How many sockets of this listener are in use, this one included.
    others: Arc<AtomicUsize>,
}

impl Door {
    /// The number of its listener.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has the socket watched by the runtime of this thread.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        let socket = self.bound.take().expect("a door is opened once");
        self.open = Some(watched(socket, Interest::READABLE)?);
        Ok(())
    }

    /// Takes a connection that waits, which nobody watches yet.
    pub(crate) fn poll_accept(
        &self,
        waker: &mut Context<'_>,
    ) -> Poll<io::Result<(OwnedFd, SocketAddr)>> {
        loop {
            let mut ready = std::task::ready!(self.socket().poll_read_ready(waker))?;
            if let Ok(outcome) = ready.try_io(|socket| accept(socket.get_ref())) {
                return Poll::Ready(outcome);
            }
        }
    }

    /// Returns the socket, once it is watched.
    fn socket(&self) -> &AsyncFd<net::TcpListener> {
        self.open
            .as_ref()
            .expect("a door is opened before it is used")
    }

    /// Notes that the socket is out of use; says whether it was the last one of its listener.
    pub(crate) fn shut(&self) -> bool {
        self.others.fetch_sub(1, Relaxed) == 1
    }
}

fn accept(socket: &net::TcpListener) -> io::Result<(OwnedFd, SocketAddr)> {
    let (stream, client) = rustix::net::acceptfrom_with(socket, socket::NEW)?;
    let client = client.ok_or(Errno::AFNOSUPPORT)?;
    Ok((stream, SocketAddr::try_from(client)?))
}

/// Listens on an address, with as many sockets as the balancer has threads.
///
/// A port alone takes both IPv6 and IPv4, on machines without IPv6 only the latter. All sockets have the same port, also
/// when the system chooses it.
///
/// # Errors
///
/// When the system refuses, for example because the port is in use.
pub fn bind(address: &ListenAddress, threads: NonZero<usize>) -> Result<Listener, BindError> {
    let mut outcome = Err((Errno::ADDRNOTAVAIL.into(), 0));
    for candidate in address.candidates() {
        outcome = listen(*candidate, threads).map_err(|error| (error, candidate.port()));
        match &outcome {
            Err((error, _)) if is_family_missing(error) => {}
            _ => break,
        }
    }
    outcome.map_err(|(error, port)| explain(address, port, error))
}

/// Opens the sockets of an address.
///
/// The first one is bound as if it were the only one, so that a port which another program shares among sockets of its own
/// counts as in use. Sharing is switched on before it listens.
fn listen(address: SocketAddr, threads: NonZero<usize>) -> io::Result<Listener> {
    let first = socket(address)?;
    first.bind(&address.into())?;
    let address = first.local_addr()?.as_socket().ok_or(Errno::AFNOSUPPORT)?;
    let mut sockets = vec![first];
    if threads.get() > 1 {
        sockets[0].set_reuse_port(true)?;
    }
    for _ in 1..threads.get() {
        let another = socket(address)?;
        another.set_reuse_port(true)?;
        another.bind(&address.into())?;
        sockets.push(another);
    }
    for socket in &sockets {
        socket.listen(BACKLOG)?;
    }
    Ok(Listener {
        address,
        sockets: sockets.into_iter().map(net::TcpListener::from).collect(),
    })
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if let IpAddr::V6(ip) = address.ip() {
        socket.set_only_v6(!ip.is_unspecified())?;
    }
    // A port whose last connections still linger in TIME_WAIT is free all the same.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Has small messages sent at once: whether to collect them is for the peers to decide. The sockets that are accepted
    // inherit it on Linux, which saves a system call for each.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// Tells whether the machine has no address of this kind at all, so that the next candidate may do.
fn is_family_missing(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL)
    )
}

fn explain(address: &ListenAddress, port: u16, source: io::Error) -> BindError {
    let address = address.to_string();
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, port },
        io::ErrorKind::PermissionDenied => BindError::NotAllowed(address),
        io::ErrorKind::AddrNotAvailable => BindError::NotHere(address),
        _ => BindError::Other { address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    const ONE: NonZero<usize> = NonZero::<usize>::MIN;

    fn threads(count: usize) -> NonZero<usize> {
        NonZero::new(count).unwrap()
    }

    #[test]
    fn a_port_in_use_is_named_with_a_way_out_however_many_threads_share_it() {
        for (holders, ours) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let holder = bind(&"127.0.0.1:0".parse().unwrap(), threads(holders)).unwrap();
            let address = holder.local_addr().to_string();
            let message = bind(&address.parse().unwrap(), threads(ours))
                .expect_err("it is in use")
                .to_string();
            let port = holder.local_addr().port();
            assert!(
                message.contains(&format!("{address}: the port is in use")),
                "{message}"
            );
            assert!(message.contains(&format!("sport = :{port}")), "{message}");
        }
    }

    #[test]
    fn all_sockets_of_a_listener_have_the_port_that_the_system_chose() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap(), threads(3)).unwrap();
        assert_eq!(listener.sockets.len(), 3);
        for socket in &listener.sockets {
            assert_eq!(socket.local_addr().unwrap(), listener.local_addr());
        }
    }

    #[test]
    fn connections_come_in_by_every_socket_and_send_at_once() {
        let listener = bind(&"127.0.0.1:0".parse().unwrap(), threads(2)).unwrap();
        let clients: Vec<_> = (0..64)
            .map(|_| TcpStream::connect(listener.local_addr()).unwrap())
            .collect();
        let accepted = listener.sockets.iter().map(|socket| {
            let streams: Vec<_> = std::iter::from_fn(|| socket.accept().ok()).collect();
            assert!(streams.iter().all(|(stream, _)| stream.nodelay().unwrap()));
            streams.len()
        });
        let accepted: Vec<_> = accepted.collect();
        // That all of 64 come in by the same one of two happens once in 2^63 times.
        assert!(accepted.iter().all(|&count| count > 0), "{accepted:?}");
        assert_eq!(accepted.iter().sum::<usize>(), clients.len());
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error =
            bind(&"192.0.2.1:0".parse().unwrap(), ONE).expect_err("it is a documentation address");
        assert!(matches!(error, BindError::NotHere(_)), "{error}");
    }

    #[test]
    fn a_port_alone_takes_ipv4() {
        let listener = bind(&":0".parse().unwrap(), ONE).unwrap();
        let port = listener.local_addr().port();
        let connected = TcpStream::connect(("127.0.0.1", port));
        assert!(connected.is_ok() && listener.sockets[0].accept().is_ok());
    }
}
