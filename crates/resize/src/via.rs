//! The way to the resizers: where they are, over how many connections, and what is asked of them.

use std::fmt::{self, Display, Formatter};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use http::uri::Authority;

use crate::config::ConfigError;

/// Connections that are open from the start: enough to keep a small balancer busy while the scan warms up.
pub(crate) const CONNECTIONS_MIN: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");

/// Connections that are opened at most. Each holds one image, so this also bounds the memory of a run.
pub(crate) const CONNECTIONS_MAX: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");

/// How many connections there can be to one address: each has a port of this machine.
pub(crate) const CONNECTIONS_LIMIT: usize = u16::MAX as usize;

/// How long one answer may take before its connection is given up: half as long again as the resizers' own limit on a request
/// (60 s), so that one of them that is too slow says so itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// The way to the resizers.
#[derive(Clone, Debug)]
pub struct Via {
    /// The address of a resizer, or of a balancer before several.
    pub address: Address,
    /// How many connections are held.
    pub connections: Connections,
    /// What is asked of the resizers.
    pub action: Action,
    /// How long one answer may take before its connection is given up and the image is sent on another.
    pub request_timeout: Duration,
}

impl Via {
    /// The way to `address` with the default number of connections.
    pub fn new(address: Address) -> Self {
        let connections = Connections::default();
        Self {
            address,
            connections,
            action: Action::Resize,
            request_timeout: REQUEST_TIMEOUT,
        }
    }
}

/// What is asked of the resizers for each image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To resize it; the answer is saved.
    Resize,
    /// To receive it and answer at once; nothing is saved.
    DryRun,
}

/// How many connections a run holds: at least one, and never more at the start than at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    min: NonZeroUsize,
    max: NonZeroUsize,
}

impl Connections {
    /// Checks the two limits against each other.
    ///
    /// # Errors
    /// If `min` is greater than `max`, or `max` than 65535: a connection has a port of its own.
    pub fn new(min: NonZeroUsize, max: NonZeroUsize) -> Result<Self, ConfigError> {
        if max.get() > CONNECTIONS_LIMIT {
            return Err(ConfigError::TooManyConnections { max });
        }
        if min > max {
            return Err(ConfigError::Connections { min, max });
        }
        Ok(Self { min, max })
    }

    /// Connections that are open from the start.
    pub fn min(self) -> usize {
        self.min.get()
    }

    /// Connections that are open at most.
    pub fn max(self) -> usize {
        self.max.get()
    }
}

impl Default for Connections {
    /// Two at the start, eight at most.
    fn default() -> Self {
        Self {
            min: CONNECTIONS_MIN,
            max: CONNECTIONS_MAX,
        }
    }
}

/// A `HOST:PORT` to connect to. The name is looked up when a connection is opened, not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Authority);

impl Address {
    /// The address as it stands in a `Host` header and in a socket address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Display for Address {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Address {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Address {
            text: text.to_owned(),
        };
        let authority: Authority = text.parse().map_err(|_| wrong())?;
        let has_port = authority.port_u16().is_some_and(|port| port != 0);
        // User information is legal in an authority, but is no place to connect to.
        if !has_port || authority.host().is_empty() || text.contains('@') {
            return Err(wrong());
        }
        Ok(Self(authority))
    }
}
