//! Who is at the other end of a connection, in three quarters of the room: a session keeps it all its life, for its line in the log.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// A peer's address without the flow of IPv6, of which the system tells only those who ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    ip: IpAddr,
    port: u16,
    scope: u32,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(address) => address.scope_id(),
        };
        Self {
            ip: address.ip(),
            port: address.port(),
            scope,
        }
    }
}

impl From<Peer> for SocketAddr {
    fn from(Peer { ip, port, scope }: Peer) -> Self {
        match ip {
            IpAddr::V4(_) => Self::new(ip, port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_an_address_is_kept() {
        for text in [
            "127.0.0.1:80",
            "[::1]:65535",
            "[fe80::1%7]:9090",
            "[::ffff:10.0.0.1]:1",
        ] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(SocketAddr::from(Peer::from(address)), address);
        }
    }
}
