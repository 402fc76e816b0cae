//! What the balancer relies on, and what can be wrong with what the user said.

use std::error::Error;
use std::fmt;
use std::io;
use std::num::NonZero;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::ValueEnum;
use humantime::Duration as Time;

use crate::address::{AddressError, ListenAddress, Upstream};
use crate::file;
use crate::limits::sessions_within;
use crate::raw::{Origin, RawConfig, Said};

/// Where connections are accepted if nobody says where.
const LISTEN: &str = "127.0.0.1:9090";

/// As nginx: long enough for people who think, short enough for peers that vanished without a word.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// As Envoy: four lost SYNs at Linux' retransmission times of 1, 2 and 4 seconds are no accident any more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Peers that close leave their socket half-closed as well, so this is what ends most forgotten sessions.
const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// As Kubernetes gives a pod before it kills it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether bytes are moved inside the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Splice {
    /// For streams that keep it busy; small messages are copied, which costs less
    Auto,
    /// Never
    Off,
}

/// What the balancer relies on.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where connections are accepted; at least one.
    pub listen: Vec<ListenAddress>,
    /// Where connections go; at least one, all different.
    pub upstreams: Vec<Upstream>,
    /// Where monitors are answered, if anywhere.
    pub metrics: Option<ListenAddress>,
    /// How many sessions there are at most; more than none.
    pub sessions_max: usize,
    /// How many threads there are. With one, everything happens where the balancer's job runs.
    pub threads: NonZero<usize>,
    /// Whether bytes are moved inside the kernel.
    pub splice: Splice,
    /// How long a session lives with no byte moving.
    pub idle_timeout: Duration,
    /// How long one upstream has to answer.
    pub connect_timeout: Duration,
    /// How long a session lives with one side finished and no byte of the other moving.
    pub half_close_timeout: Duration,
    /// How long sessions have to end by themselves when the balancer is stopped.
    pub drain_timeout: Duration,
}

/// One thing that is wrong with what the user said, and where it stands.
#[derive(Debug)]
pub struct ConfigError {
    origin: Origin,
    problem: Problem,
}

/// What can be wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("no upstream; give at least one: --upstream HOST:PORT, or `upstream` in a file")]
    NoUpstream,
    /// A second try would go to the server that failed the first.
    #[error("{0} is given twice; give each server once")]
    SameUpstream(String),
    /// The balancer would connect to itself, over and over until no place is left.
    #[error("{0} is where --listen has the balancer listen; give another port to one of them")]
    Itself(String),
    #[error("{0}")]
    Value(String),
    #[error("{0}")]
    Syntax(String),
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
}

impl ConfigError {
    pub(crate) const fn new(origin: Origin, problem: Problem) -> Self {
        Self { origin, problem }
    }

    /// Tells whether the words are right and only the world does not answer to them: a name without an address.
    #[must_use]
    pub const fn is_about_the_world(&self) -> bool {
        matches!(
            self.problem,
            Problem::Address(AddressError::Unresolvable(..)) | Problem::Unreadable(_)
        )
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.problem)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

/// All that is wrong with what the user said, in the order of lines; at least one thing.
#[derive(Debug, thiserror::Error)]
#[error("{} settings are wrong", .0.len())]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// Goes through the errors.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }

    /// Tells whether all words are right and only the world does not answer to them.
    #[must_use]
    pub fn are_about_the_world(&self) -> bool {
        self.iter().all(ConfigError::is_about_the_world)
    }
}

impl Config {
    /// Returns the default configuration for `upstreams`, of which there must be at least one, all different.
    ///
    /// It lists no address to listen on; that is for a caller who binds listeners himself. It has one thread.
    #[must_use]
    pub fn for_upstreams(upstreams: Vec<Upstream>, sessions_max: usize) -> Self {
        Self {
            listen: Vec::new(),
            upstreams,
            metrics: None,
            sessions_max,
            threads: NonZero::<usize>::MIN,
            splice: Splice::Auto,
            idle_timeout: IDLE_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            half_close_timeout: HALF_CLOSE_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
        }
    }

    /// Checks what the user said; names are looked up, which may take a while.
    ///
    /// The file that `raw` names is read first, and what `raw` itself says wins over it. `open_files` is the limit from which the number
    /// of sessions is derived when the user gave none.
    ///
    /// # Errors
    ///
    /// All that is wrong: a file that cannot be read, settings that do not exist or make no sense, addresses that cannot be used, an
    /// upstream that is given twice or is the balancer itself.
    pub fn check(raw: &RawConfig, open_files: usize) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        let mut raw = raw.clone();
        if let Some(path) = &raw.config {
            let file = file::read(path, &mut errors);
            raw = raw.or(file);
        }
        let listen = listen_addresses(&raw, &mut errors);
        let upstreams = upstreams(&raw, &listen, &mut errors);
        let metrics = raw
            .metrics
            .as_ref()
            .and_then(|said| parse(said, &mut errors));
        if !errors.is_empty() {
            errors.sort_by_key(|error| error.origin.line());
            return Err(ConfigErrors(errors));
        }
        let threads = raw.threads.unwrap_or_else(cores);
        let sessions_max = raw.max_connections.map(NonZero::get);
        let time = |said: Option<Time>, default| said.map_or(default, Duration::from);
        Ok(Self {
            listen,
            upstreams,
            metrics,
            sessions_max: sessions_max.unwrap_or_else(|| sessions_within(open_files, threads)),
            threads,
            splice: raw.splice.unwrap_or(Splice::Auto),
            idle_timeout: time(raw.idle_timeout, IDLE_TIMEOUT),
            connect_timeout: time(raw.connect_timeout, CONNECT_TIMEOUT),
            half_close_timeout: time(raw.half_close_timeout, HALF_CLOSE_TIMEOUT),
            drain_timeout: time(raw.drain_timeout, DRAIN_TIMEOUT),
        })
    }
}

/// How many cores the process may use; one if the system does not say.
fn cores() -> NonZero<usize> {
    available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

fn listen_addresses(raw: &RawConfig, errors: &mut Vec<ConfigError>) -> Vec<ListenAddress> {
    if raw.listen.is_empty() {
        return vec![LISTEN.parse().expect("it is an address")];
    }
    let said = raw.listen.iter();
    said.filter_map(|said| parse(said, errors)).collect()
}

/// Reads the upstreams, which must differ from each other and from where the balancer listens.
fn upstreams(
    raw: &RawConfig,
    listen: &[ListenAddress],
    errors: &mut Vec<ConfigError>,
) -> Vec<Upstream> {
    // What is wrong already may be why there is none.
    if raw.upstream.is_empty() && errors.is_empty() {
        let origin = match &raw.config {
            Some(path) => Origin::of_file(path),
            None => Origin::Flag("--upstream"),
        };
        errors.push(ConfigError::new(origin, Problem::NoUpstream));
    }
    let mut upstreams: Vec<Upstream> = Vec::new();
    for said in &raw.upstream {
        let Some(upstream) = parse::<Upstream>(said, errors) else {
            continue;
        };
        let is_same = |other: &Upstream| other.addresses() == upstream.addresses();
        let problem = if upstreams.iter().any(is_same) {
            Problem::SameUpstream
        } else if listen.iter().any(|listen| listen.takes_for(&upstream)) {
            Problem::Itself
        } else {
            upstreams.push(upstream);
            continue;
        };
        errors.push(ConfigError::new(
            said.origin.clone(),
            problem(upstream.to_string()),
        ));
    }
    upstreams
}

/// Reads an address.
fn parse<T: FromStr<Err = AddressError>>(said: &Said, errors: &mut Vec<ConfigError>) -> Option<T> {
    said.text
        .parse()
        .map_err(|error: AddressError| {
            errors.push(ConfigError::new(said.origin.clone(), error.into()));
        })
        .ok()
}

#[cfg(test)]
mod tests;
