//! What the user said, on the command line or in a file.

use std::convert::Infallible;
use std::fmt;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use humantime::Duration as Time;

use crate::config::Splice;

/// The longest duration a setting takes: beyond it, arithmetic on clocks is no longer safe everywhere.
const DURATION_MAX: Duration = Duration::from_hours(365 * 24);

/// Threads at most: each holds files of its own, and no machine has more cores.
const THREADS_MAX: usize = 1024;

/// What the user said; [`Config::check`](crate::Config::check) turns it into what the balancer relies on.
///
/// Each flag but the first is a setting of the file as well, under the same name.
#[derive(Debug, Clone, Default, Args)]
pub struct RawConfig {
    /// File of settings in TOML, with the names of the flags below: `upstream = ["a:80", "b:80"]`; flags win over it
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Address to accept connections on: HOST:PORT, or :PORT for every address of this machine; may be repeated
    /// [default: 127.0.0.1:9090]
    #[arg(short, long, value_name = "ADDR", value_parser = Said::by("--listen"))]
    pub listen: Vec<Said>,

    /// Server to send connections to; repeat it for each server
    #[arg(short, long, value_name = "HOST:PORT", value_parser = Said::by("--upstream"), required_unless_present = "config")]
    pub upstream: Vec<Said>,

    /// Address to tell monitors on what is counted: GET /metrics, in the text format of OpenMetrics, as Prometheus reads it
    #[arg(long, value_name = "ADDR", value_parser = Said::by("--metrics"))]
    pub metrics: Option<Said>,

    /// Most connections served at the same time; more are closed at once and counted
    /// [default: what the limit of open files allows]
    #[arg(long, value_name = "N", value_parser = max_connections)]
    pub max_connections: Option<NonZero<usize>>,

    /// Threads, 1 to 1024, each with a listening socket and an event loop of its own
    /// [default: as many as the process may use cores]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZero<usize>>,

    /// Whether bytes of busy streams are moved inside the kernel, without copying them [default: auto]
    #[arg(long, value_name = "WHEN", value_enum)]
    pub splice: Option<Splice>,

    /// End a session when no byte has moved in either direction for so long [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub idle_timeout: Option<Time>,

    /// Try another upstream when one has not answered for so long; all tries together take at most twice that [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub connect_timeout: Option<Time>,

    /// End a session when one side has finished and no byte of the other has moved for so long [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub half_close_timeout: Option<Time>,

    /// When told to stop, give the sessions so long to end by themselves [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub drain_timeout: Option<Time>,
}

/// A word of the user's, and where it stands.
#[derive(Debug, Clone)]
pub struct Said {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// Where something stands that the user said.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// On the command line, after this flag.
    Flag(&'static str),
    /// In a file.
    File {
        name: Arc<str>,
        /// From 1 on; none if the file as a whole is meant.
        line: Option<usize>,
        /// The setting, if it is one.
        key: Option<String>,
    },
}

impl Said {
    fn by(flag: &'static str) -> impl Fn(&str) -> Result<Self, Infallible> + Clone {
        move |text| {
            Ok(Self {
                text: text.to_owned(),
                origin: Origin::Flag(flag),
            })
        }
    }
}

impl Origin {
    /// A file as a whole.
    pub(crate) fn of_file(path: &Path) -> Self {
        Self::File {
            name: path.display().to_string().into(),
            line: None,
            key: None,
        }
    }

    /// Where to look first when several things are wrong.
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::Flag(_) => None,
            Self::File { line, .. } => *line,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::File { name, line, key } => {
                f.write_str(name)?;
                if let Some(line) = line {
                    write!(f, ":{line}")?;
                }
                if let Some(key) = key {
                    write!(f, ": {key}")?;
                }
                Ok(())
            }
        }
    }
}

impl RawConfig {
    /// Takes from `file` what was not said here.
    #[must_use]
    pub(crate) fn or(self, file: Self) -> Self {
        let first = |here: Vec<Said>, there| if here.is_empty() { there } else { here };
        Self {
            config: self.config,
            listen: first(self.listen, file.listen),
            upstream: first(self.upstream, file.upstream),
            metrics: self.metrics.or(file.metrics),
            max_connections: self.max_connections.or(file.max_connections),
            threads: self.threads.or(file.threads),
            splice: self.splice.or(file.splice),
            idle_timeout: self.idle_timeout.or(file.idle_timeout),
            connect_timeout: self.connect_timeout.or(file.connect_timeout),
            half_close_timeout: self.half_close_timeout.or(file.half_close_timeout),
            drain_timeout: self.drain_timeout.or(file.drain_timeout),
        }
    }
}

/// Takes a setting, or says what is wrong with it.
pub(crate) type Setter = fn(&mut RawConfig, Said) -> Result<(), String>;

/// The settings of a file.
const SETTINGS: [(&str, Setter); 10] = [
    ("listen", |raw, said| add(&mut raw.listen, said)),
    ("upstream", |raw, said| add(&mut raw.upstream, said)),
    ("metrics", |raw, said| put(&mut raw.metrics, Ok(said))),
    ("max-connections", |raw, said| {
        put(&mut raw.max_connections, max_connections(&said.text))
    }),
    ("threads", |raw, said| {
        put(&mut raw.threads, threads(&said.text))
    }),
    ("splice", |raw, said| {
        put(&mut raw.splice, splice(&said.text))
    }),
    ("idle-timeout", |raw, said| {
        put(&mut raw.idle_timeout, time(&said.text))
    }),
    ("connect-timeout", |raw, said| {
        put(&mut raw.connect_timeout, time(&said.text))
    }),
    ("half-close-timeout", |raw, said| {
        put(&mut raw.half_close_timeout, time(&said.text))
    }),
    ("drain-timeout", |raw, said| {
        put(&mut raw.drain_timeout, time(&said.text))
    }),
];

fn add(list: &mut Vec<Said>, said: Said) -> Result<(), String> {
    list.push(said);
    Ok(())
}

fn put<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *place = Some(value?);
    Ok(())
}

/// Returns what takes a setting of that name, which may be repeated if it is a list.
///
/// # Errors
///
/// The settings there are, if it is none of them.
pub(crate) fn setter(key: &str) -> Result<Setter, String> {
    let found = SETTINGS.iter().find(|(name, _)| *name == key);
    found.map(|(_, setter)| *setter).ok_or_else(|| {
        let names = SETTINGS.map(|(name, _)| name);
        format!("there is no such setting; there are {}", names.join(", "))
    })
}

/// Tells whether a setting may be a list.
pub(crate) fn may_repeat(key: &str) -> bool {
    matches!(key, "listen" | "upstream")
}

/// Reads how many sessions there may be.
fn max_connections(text: &str) -> Result<NonZero<usize>, String> {
    match text.parse() {
        Ok(0) => Err("0 would serve nobody; give a number above 0, or leave it out".to_owned()),
        Ok(count) => Ok(NonZero::new(count).expect("0 was looked for")),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// Reads how many threads there are to be.
fn threads(text: &str) -> Result<NonZero<usize>, String> {
    match text.parse() {
        Ok(threads) if NonZero::<usize>::get(threads) <= THREADS_MAX => Ok(threads),
        _ => Err(format!("must be a whole number from 1 to {THREADS_MAX}")),
    }
}

fn splice(text: &str) -> Result<Splice, String> {
    Splice::from_str(text, false).map_err(|_| "must be \"auto\" or \"off\"".to_owned())
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
