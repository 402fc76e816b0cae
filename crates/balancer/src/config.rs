//! What the user wrote, and what the balancer relies on.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{Args, ValueEnum};
use humantime::Duration as Time;

use crate::address::{AddressError, ListenAddress, Upstream};
use crate::limits::sessions_within;

/// The longest duration an option takes: beyond it, arithmetic on clocks is no longer safe everywhere.
const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// As nginx: long enough for people who think, short enough for peers that vanished without a word.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// As Envoy: four lost SYNs at Linux' retransmission times of 1, 2 and 4 seconds are no accident any more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Peers that close leave their socket half-closed as well, so this is what ends most forgotten sessions.
const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// As Kubernetes gives a pod before it kills it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What the user wrote; [`Config::check`] turns it into what the balancer relies on.
#[derive(Debug, Clone, Args)]
pub struct RawConfig {
    /// Address to accept connections on: HOST:PORT, or :PORT for every address of this machine; may be repeated
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub listen: Vec<String>,

    /// Server to send connections to; repeat it for each server
    #[arg(short, long, value_name = "HOST:PORT", required = true)]
    pub upstream: Vec<String>,

    /// Address to tell monitors on what is counted: GET /metrics, in the text format of OpenMetrics, as Prometheus reads it
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<String>,

    /// Most connections served at the same time; more are closed at once and counted
    /// [default: what the limit of open files allows]
    #[arg(long, value_name = "N")]
    pub max_connections: Option<usize>,

    /// Threads, 1 to 1024, each with a listening socket and an event loop of its own
    /// [default: as many as the process may use cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZero<usize>>,

    /// Whether bytes of busy streams are moved inside the kernel, without copying them
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Splice::Auto)]
    pub splice: Splice,

    /// End a session when no byte has moved in either direction for so long
    #[arg(long, value_name = "TIME", default_value_t = IDLE_TIMEOUT.into(), value_parser = time)]
    pub idle_timeout: Time,

    /// Try another upstream when one has not answered for so long; all tries together take at most twice that
    #[arg(long, value_name = "TIME", default_value_t = CONNECT_TIMEOUT.into(), value_parser = time)]
    pub connect_timeout: Time,

    /// End a session when one side has finished and no byte of the other has moved for so long
    #[arg(long, value_name = "TIME", default_value_t = HALF_CLOSE_TIMEOUT.into(), value_parser = time)]
    pub half_close_timeout: Time,

    /// When told to stop, give the sessions so long to end by themselves
    #[arg(long, value_name = "TIME", default_value_t = DRAIN_TIMEOUT.into(), value_parser = time)]
    pub drain_timeout: Time,
}

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

/// What is wrong with what the user wrote.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// An address to listen on cannot be used.
    #[error("--listen")]
    Listen(#[source] AddressError),
    /// The address for monitors cannot be used.
    #[error("--metrics")]
    Metrics(#[source] AddressError),
    /// An upstream cannot be used.
    #[error("--upstream")]
    Upstream(#[source] AddressError),
    /// There is nothing to listen on.
    #[error("no address to listen on; give at least one --listen ADDR")]
    NoListen,
    /// There is no upstream.
    #[error("no upstream; give at least one --upstream HOST:PORT")]
    NoUpstream,
    /// An upstream is given twice, which would make a second try go to the server that failed the first.
    #[error("--upstream {0} is given twice; give each server once")]
    SameUpstream(String),
    /// The balancer would connect to itself, over and over until no place is left.
    #[error(
        "--upstream {0} is where --listen has the balancer listen; give another port to one of them"
    )]
    Itself(String),
    /// No connection is allowed.
    #[error("--max-connections 0 would serve nobody; give a number above 0, or leave it out")]
    NoConnections,
}

impl ConfigError {
    /// Tells whether the words are right and only the world does not answer to them: a name without an address.
    #[must_use]
    pub fn is_about_the_world(&self) -> bool {
        matches!(
            self,
            Self::Listen(AddressError::Unresolvable(..))
                | Self::Metrics(AddressError::Unresolvable(..))
                | Self::Upstream(AddressError::Unresolvable(..))
        )
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

    /// Checks what the user wrote; names are looked up, which may take a while.
    ///
    /// `open_files` is the limit from which the number of sessions is derived when the user gave none.
    ///
    /// # Errors
    ///
    /// When an address cannot be used, an upstream is given twice, or a number makes no sense.
    pub fn check(raw: &RawConfig, open_files: usize) -> Result<Self, ConfigError> {
        let listen: Vec<ListenAddress> = parse_all(&raw.listen).map_err(ConfigError::Listen)?;
        if listen.is_empty() {
            return Err(ConfigError::NoListen);
        }
        let upstreams: Vec<Upstream> = parse_all(&raw.upstream).map_err(ConfigError::Upstream)?;
        if upstreams.is_empty() {
            return Err(ConfigError::NoUpstream);
        }
        if let Some(repeated) = repeated(&upstreams) {
            return Err(ConfigError::SameUpstream(repeated.to_string()));
        }
        let metrics = raw.metrics.as_deref().map(str::parse).transpose();
        let metrics = metrics.map_err(ConfigError::Metrics)?;
        if raw.max_connections == Some(0) {
            return Err(ConfigError::NoConnections);
        }
        let meets = |upstream: &&Upstream| listen.iter().any(|listen| listen.takes_for(upstream));
        if let Some(itself) = upstreams.iter().find(meets) {
            return Err(ConfigError::Itself(itself.to_string()));
        }
        let threads = raw.threads.unwrap_or_else(cores);
        Ok(Self {
            listen,
            upstreams,
            metrics,
            sessions_max: raw
                .max_connections
                .unwrap_or_else(|| sessions_within(open_files, threads)),
            threads,
            splice: raw.splice,
            idle_timeout: raw.idle_timeout.into(),
            connect_timeout: raw.connect_timeout.into(),
            half_close_timeout: raw.half_close_timeout.into(),
            drain_timeout: raw.drain_timeout.into(),
        })
    }
}

/// Threads at most: each holds files of its own, and no machine has more cores.
const THREADS_MAX: usize = 1024;

/// Reads how many threads there are to be.
fn threads(text: &str) -> Result<NonZero<usize>, String> {
    match text.parse() {
        Ok(threads) if NonZero::<usize>::get(threads) <= THREADS_MAX => Ok(threads),
        _ => Err(format!("must be a whole number from 1 to {THREADS_MAX}")),
    }
}

/// How many cores the process may use; one if the system does not say.
fn cores() -> NonZero<usize> {
    available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

fn parse_all<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, T::Err> {
    texts.iter().map(|text| text.parse()).collect()
}

fn repeated(upstreams: &[Upstream]) -> Option<&Upstream> {
    let same = |a: &Upstream, b: &Upstream| a.addresses() == b.addresses();
    upstreams
        .iter()
        .enumerate()
        .find(|(index, a)| upstreams[..*index].iter().any(|b| same(a, b)))
        .map(|(_, a)| a)
}

/// Reads a duration such as `500ms`, `5s` or `10m`.
fn time(text: &str) -> Result<Time, String> {
    let duration = humantime::parse_duration(text).map_err(|error| {
        format!("{error}; write a number and a unit, for example 500ms, 5s or 10m")
    })?;
    if duration.is_zero() {
        return Err("must be more than zero: every wait has an end".to_owned());
    }
    if duration > DURATION_MAX {
        return Err("must be at most 365d".to_owned());
    }
    Ok(duration.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        raw: RawConfig,
    }

    fn parse(arguments: &str) -> Result<Config, String> {
        let words = std::iter::once("balancer").chain(arguments.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        Config::check(&cli.raw, 1024).map_err(|error| match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        })
    }

    #[test]
    fn an_upstream_is_all_it_takes() {
        let config = parse("-u 127.0.0.1:9091 --threads 1").unwrap();
        assert_eq!(config.listen, ["127.0.0.1:9090".parse().unwrap()]);
        assert_eq!(config.sessions_max, 448);
        assert_eq!(config.idle_timeout, Duration::from_secs(600));
        assert_eq!(config.connect_timeout, Duration::from_secs(5));
    }

    #[test]
    fn options_repeat_and_durations_have_units() {
        let config =
            parse("-l :1 -l 127.0.0.1:2 -u 127.0.0.1:3 -u 127.0.0.1:4 --idle-timeout 500ms --max-connections 7").unwrap();
        assert_eq!(
            (
                config.listen.len(),
                config.upstreams.len(),
                config.sessions_max
            ),
            (2, 2, 7)
        );
        assert_eq!(config.idle_timeout, Duration::from_millis(500));
    }

    #[test]
    fn wrong_input_says_what_to_write() {
        for (arguments, says) in [
            ("", "--upstream <HOST:PORT>"),
            ("-u localhost", "--upstream: `localhost` has no port"),
            ("-u 127.0.0.1:1 -l 80", "--listen: `80` has no port"),
            (
                "-u 127.0.0.1:1 -u 127.0.0.1:1",
                "--upstream 127.0.0.1:1 is given twice",
            ),
            (
                "-u 127.0.0.1:2 -u 127.0.0.1:1 -l :1",
                "--upstream 127.0.0.1:1 is where --listen has the balancer listen",
            ),
            (
                "-u 127.0.0.1:1 --max-connections 0",
                "--max-connections 0 would serve nobody",
            ),
            (
                "-u 127.0.0.1:1 --idle-timeout 5",
                "for example 500ms, 5s or 10m",
            ),
            ("-u 127.0.0.1:1 --metrics 80", "--metrics: `80` has no port"),
            (
                "-u 127.0.0.1:1 --threads 0",
                "must be a whole number from 1 to 1024",
            ),
            (
                "-u 127.0.0.1:1 --threads 18446744073709551615",
                "must be a whole number from 1 to 1024",
            ),
            ("-u 127.0.0.1:1 --idle-timeout 0s", "must be more than zero"),
            ("-u 127.0.0.1:1 --idle-timeout 400d", "must be at most 365d"),
        ] {
            let message = parse(arguments).expect_err(arguments);
            assert!(message.contains(says), "`{arguments}` says: {message}");
        }
    }

    #[test]
    fn a_name_without_an_address_is_the_worlds_fault() {
        let raw = Cli::try_parse_from(["balancer", "-u", "nowhere.invalid:1"])
            .unwrap()
            .raw;
        assert!(
            Config::check(&raw, 1024)
                .expect_err("it does not resolve")
                .is_about_the_world()
        );
    }
}
