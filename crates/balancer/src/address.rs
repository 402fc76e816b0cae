//! What the user writes for an address, and what it stands for.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// There is no `:PORT` at the end.
    #[error("`{0}` has no port; write HOST:PORT, for example `{0}:9091`")]
    NoPort(String),
    /// What follows the last colon is not a port.
    #[error(
        "`{0}` does not end in a port between {1} and 65535; write HOST:PORT, for example 127.0.0.1:9091"
    )]
    BadPort(String, u16),
    /// Nothing precedes the port.
    #[error("`{0}` names no host; write HOST:PORT, for example `127.0.0.1{0}`")]
    NoHost(String),
    /// An IPv6 address is not in brackets.
    #[error(
        "`{0}` has more than one colon; an IPv6 address goes in brackets, for example [::1]:9091"
    )]
    NoBrackets(String),
    /// The name has no address.
    #[error("`{0}` does not resolve to an address; check the spelling, or give an IP address")]
    Unresolvable(String, #[source] Option<io::Error>),
}

/// One server that sessions can go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    name: String,
    addresses: Vec<SocketAddr>,
}

impl Upstream {
    /// Returns the upstream as the user wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the addresses it stands for, in the order in which they are tried; there is at least one.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Self {
        Self {
            name: address.to_string(),
            addresses: vec![address],
        }
    }
}

impl FromStr for Upstream {
    type Err = AddressError;

    /// Reads `HOST:PORT` and looks the host up.
    ///
    /// # Errors
    ///
    /// When the text has no host or no port, or the host has no address.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parts = split(text, 1)?;
        if parts.host.is_empty() {
            return Err(AddressError::NoHost(text.to_owned()));
        }
        Ok(Self {
            name: text.to_owned(),
            addresses: resolve(text)?,
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// An address to listen on: `HOST:PORT`, or `:PORT` for every address of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    name: String,
    candidates: Vec<SocketAddr>,
}

impl ListenAddress {
    /// Returns the addresses to bind, best first; one of them is enough, and there is at least one.
    #[must_use]
    pub fn candidates(&self) -> &[SocketAddr] {
        &self.candidates
    }

    /// Tells whether who listens here would take a connection to `upstream`, as far as the addresses tell.
    pub(crate) fn takes_for(&self, upstream: &Upstream) -> bool {
        let takes = |here: &SocketAddr, there: &SocketAddr| {
            let is_any = match here.ip() {
                IpAddr::V4(ip) => ip.is_unspecified() && there.is_ipv4(),
                // It takes IPv4 as well.
                IpAddr::V6(ip) => ip.is_unspecified(),
            };
            here.port() == there.port()
                && (here.ip() == there.ip() || is_any && there.ip().is_loopback())
        };
        let mut candidates = self.candidates.iter();
        candidates.any(|here| upstream.addresses().iter().any(|there| takes(here, there)))
    }
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    /// Reads `HOST:PORT` or `:PORT` and looks the host up.
    ///
    /// # Errors
    ///
    /// When the text has no port, or the host has no address.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parts = split(text, 0)?;
        let candidates = if parts.host.is_empty() {
            // The IPv6 socket takes IPv4 too; where IPv6 is switched off, the second one does.
            vec![
                (Ipv6Addr::UNSPECIFIED, parts.port).into(),
                (Ipv4Addr::UNSPECIFIED, parts.port).into(),
            ]
        } else {
            resolve(text)?
        };
        Ok(Self {
            name: text.to_owned(),
            candidates,
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

struct Parts<'a> {
    host: &'a str,
    port: u16,
}

fn split(text: &str, port_min: u16) -> Result<Parts<'_>, AddressError> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(AddressError::NoPort(text.to_owned()));
    };
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(AddressError::NoBrackets(text.to_owned()));
    }
    match port.parse() {
        Ok(port) if port >= port_min => Ok(Parts { host, port }),
        _ => Err(AddressError::BadPort(text.to_owned(), port_min)),
    }
}

fn resolve(text: &str) -> Result<Vec<SocketAddr>, AddressError> {
    let unresolvable = |source| AddressError::Unresolvable(text.to_owned(), source);
    let addresses: Vec<_> = text
        .to_socket_addrs()
        .map_err(|error| unresolvable(Some(error)))?
        .collect();
    if addresses.is_empty() {
        Err(unresolvable(None))
    } else {
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_their_port() {
        let upstream: Upstream = "127.0.0.1:9091".parse().unwrap();
        assert_eq!(upstream.addresses(), ["127.0.0.1:9091".parse().unwrap()]);
        assert_eq!(upstream.to_string(), "127.0.0.1:9091");
        let upstream: Upstream = "[::1]:9091".parse().unwrap();
        assert_eq!(upstream.addresses(), ["[::1]:9091".parse().unwrap()]);
    }

    #[test]
    fn a_port_alone_listens_everywhere() {
        let listen: ListenAddress = ":9090".parse().unwrap();
        assert_eq!(
            listen.candidates(),
            [
                "[::]:9090".parse().unwrap(),
                "0.0.0.0:9090".parse().unwrap()
            ]
        );
    }

    #[test]
    fn a_wrong_address_says_what_to_write() {
        for (text, says) in [
            (
                "localhost",
                "`localhost` has no port; write HOST:PORT, for example `localhost:9091`",
            ),
            (
                ":9091",
                "`:9091` names no host; write HOST:PORT, for example `127.0.0.1:9091`",
            ),
            ("a:0", "`a:0` does not end in a port between 1 and 65535"),
            (
                "a:70000",
                "`a:70000` does not end in a port between 1 and 65535",
            ),
            ("a:", "`a:` does not end in a port"),
            (
                "::1:9091",
                "an IPv6 address goes in brackets, for example [::1]:9091",
            ),
            (
                "nowhere.invalid:1",
                "`nowhere.invalid:1` does not resolve to an address",
            ),
        ] {
            let message = text.parse::<Upstream>().expect_err(text).to_string();
            assert!(message.contains(says), "{text}: {message}");
        }
    }

    #[test]
    fn who_listens_on_every_address_would_meet_himself_on_the_local_ones() {
        let takes = |listen: &str, upstream: &str| {
            let listen: ListenAddress = listen.parse().unwrap();
            listen.takes_for(&upstream.parse().unwrap())
        };
        assert!(takes("127.0.0.1:9", "127.0.0.1:9"));
        assert!(takes(":9", "127.0.0.1:9") && takes(":9", "[::1]:9"));
        assert!(takes("0.0.0.0:9", "127.0.0.2:9"));
        assert!(!takes("0.0.0.0:9", "[::1]:9"));
        assert!(!takes("127.0.0.1:9", "127.0.0.1:8") && !takes("127.0.0.1:9", "127.0.0.2:9"));
        assert!(!takes(":9", "192.0.2.1:9"), "another machine");
    }

    #[test]
    fn port_zero_is_for_listening_only() {
        assert!("127.0.0.1:0".parse::<ListenAddress>().is_ok());
        assert!("127.0.0.1:0".parse::<Upstream>().is_err());
    }
}
