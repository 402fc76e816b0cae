//! Opens the sockets that connections come in by.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::address::ListenAddress;

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

/// Listens on an address.
///
/// A port alone takes both IPv6 and IPv4, on machines without IPv6 only the latter.
///
/// # Errors
///
/// When the system refuses, for example because the port is in use.
///
/// # Panics
///
/// Outside a Tokio runtime.
pub fn bind(address: &ListenAddress) -> Result<TcpListener, BindError> {
    let mut outcome = Err((Errno::ADDRNOTAVAIL.into(), 0));
    for candidate in address.candidates() {
        outcome = listen(*candidate).map_err(|error| (error, candidate.port()));
        match &outcome {
            Err((error, _)) if is_family_missing(error) => {}
            _ => break,
        }
    }
    outcome.map_err(|(error, port)| explain(address, port, error))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
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
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
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
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_port_in_use_is_named_with_a_way_out() {
        let holder = bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let address = holder.local_addr().unwrap().to_string();
        let message = bind(&address.parse().unwrap())
            .expect_err("it is in use")
            .to_string();
        let port = holder.local_addr().unwrap().port();
        assert!(
            message.contains(&format!("{address}: the port is in use")),
            "{message}"
        );
        assert!(message.contains(&format!("sport = :{port}")), "{message}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused() {
        let error =
            bind(&"192.0.2.1:0".parse().unwrap()).expect_err("it is a documentation address");
        assert!(matches!(error, BindError::NotHere(_)), "{error}");
    }

    #[tokio::test]
    async fn a_port_alone_takes_ipv4() {
        let listener = bind(&":0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connected, accepted) =
            tokio::join!(TcpStream::connect(("127.0.0.1", port)), listener.accept());
        assert!(connected.is_ok() && accepted.is_ok());
    }
}
