//! The command line: what the operator writes, and how it becomes a [`Config`].

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZero,
    str::FromStr,
};

use imaging::SETTINGS;

use crate::{
    config::{self, Config, ServerName, Timeouts},
    units::{ByteSize, Span},
};

/// The command line as the operator wrote it.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "resizer", version, about, after_help = help())]
pub struct RawConfig {
    /// The name told to clients in the x-resizer header
    #[arg(long, value_name = "NAME", default_value = "resizer")]
    pub name: ServerName,
    /// Where to listen; :9091 listens on every address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9091")]
    pub listen: Listen,
    /// Images resized at the same time, 1 to 1024 [default: one for each core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZero<usize>>,
    /// Images that may wait for a thread; one more is refused [default: 16 for each thread]
    #[arg(long, value_name = "N")]
    pub queue: Option<usize>,
    /// Connections served at the same time
    #[arg(long, value_name = "N", default_value_t = config::CONNECTIONS_MAX, value_parser = connections)]
    pub max_connections: NonZero<usize>,
    /// The largest body of one request
    #[arg(long, value_name = "SIZE", default_value_t = config::BODY_BYTES_MAX)]
    pub max_body: ByteSize,
    /// What the bodies of all requests and the images of all answers together may hold
    #[arg(long, value_name = "SIZE", default_value_t = config::IN_FLIGHT_BYTES_MAX)]
    pub max_in_flight: ByteSize,
    /// What all images together may take while they are resized or wait for it; one that takes more than that has to be alone
    #[arg(long, value_name = "SIZE", default_value_t = config::WORKING_BYTES_MAX)]
    pub max_working: ByteSize,
    /// How long requests in flight may take when the server is told to stop
    #[arg(long, value_name = "TIME", default_value_t = Span(config::TIMEOUTS.drain))]
    pub drain_timeout: Span,
    /// How log lines are written to standard error: text or json
    #[arg(hide_possible_values = true, long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Where to listen: `127.0.0.1:9091`, `[::1]:9091`, `localhost:9091`, or `:9091` for every address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    text: String,
    addresses: Vec<SocketAddr>,
}

/// Says why a text is no [`Listen`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected ADDRESS:PORT, as in 127.0.0.1:9091, or :9091 for every address")]
pub struct ListenError;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Says why a [`RawConfig`] makes no [`Config`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A body of the largest size could never be let in.
    #[error(
        "--max-in-flight {in_flight} is less than --max-body {body}, so that the largest body would never be let in"
    )]
    InFlight {
        /// The largest body.
        body: ByteSize,
        /// What all bodies may hold.
        in_flight: ByteSize,
    },
    /// No request could be served.
    #[error("--max-body {0} leaves no room for an image")]
    Body(ByteSize),
    /// Likewise.
    #[error("--max-working {0} leaves no memory to resize an image in")]
    Working(ByteSize),
}

const EXAMPLES: &str = "\
Examples:
  resizer --name first --listen 127.0.0.1:9091
  curl --data-binary @photo.jpg -o small.jpg 'http://127.0.0.1:9091/resize?width=256&height=256'
  curl http://127.0.0.1:9091/healthz

GET /healthz tells that the server is there, /readyz whether it has room for one more
image (503 if not), and /metrics, in the text format of OpenMetrics, what it has done.

POST /resize?width=PIXELS&height=PIXELS takes an image as its body and answers
the image, made to fit into that box. One of the two sides is enough. With
dry_run=true the body is read and dropped. What else may be said, in any order:";

const ENDINGS: &str = "
Errors are application/problem+json with a stable \"code\"; 503 says by Retry-After
when to try again.

The first Ctrl-C or SIGTERM lets requests in flight end, the second stops at once.
Exit codes: 0 stopped as told, 1 failed, 2 wrong usage, 130 stopped at once.";

/// How long a line of the help is, so that it fits every terminal, and where that of a setting begins.
const LINE_CHARS: usize = 79;
const INDENT: &str = "              ";

/// What follows the flags in the help.
fn help() -> String {
    let settings = SETTINGS.iter().map(|setting| {
        let usual = match (setting.value, setting.usual()) {
            (None, _) => " true or false [default: false]".to_owned(),
            (Some(_), usual) if usual.is_empty() => String::new(),
            (Some(_), usual) => format!(" [default: {usual}]"),
        };
        entry(setting.name, &format!("{}{usual}", setting.help))
    });
    let settings: String = settings.collect();
    format!("{EXAMPLES}\n{settings}{ENDINGS}")
}

/// Lays out what is said of one setting beside its name.
fn entry(name: &str, text: &str) -> String {
    let mut lines = format!("  {name}=");
    let mut column = lines.len();
    for word in text.split(' ') {
        let is_first = column < INDENT.len();
        if is_first {
            lines.push_str(&INDENT[column..]);
            column = INDENT.len();
        } else if column + word.len() >= LINE_CHARS {
            lines.push('\n');
            lines.push_str(INDENT);
            column = INDENT.len();
        } else {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines + "\n"
}

/// Threads at most: each holds an image, and no machine has more cores.
const THREADS_MAX: usize = 1024;

/// Reads how many threads there are to be.
fn threads(text: &str) -> Result<NonZero<usize>, String> {
    match text.parse() {
        Ok(threads) if NonZero::<usize>::get(threads) <= THREADS_MAX => Ok(threads),
        _ => Err(format!("must be a whole number from 1 to {THREADS_MAX}")),
    }
}

/// Reads how many connections there may be.
fn connections(text: &str) -> Result<NonZero<usize>, &'static str> {
    text.parse().map_err(|_| "must be a whole number above 0")
}

impl Listen {
    /// The addresses to try, in this order, until one can be listened on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let (host, port) = text.rsplit_once(':').ok_or(ListenError)?;
        let port = port.parse().map_err(|_| ListenError)?;
        let addresses = match host {
            // On most systems the first of the two takes both.
            "" => vec![
                (Ipv6Addr::UNSPECIFIED, port).into(),
                (Ipv4Addr::UNSPECIFIED, port).into(),
            ],
            "localhost" => vec![(Ipv4Addr::LOCALHOST, port).into()],
            _ => vec![text.parse().map_err(|_| ListenError)?],
        };
        Ok(Self {
            text: text.to_owned(),
            addresses,
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<RawConfig> for Config {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        if raw.max_body.0 == 0 {
            return Err(ConfigError::Body(raw.max_body));
        }
        if raw.max_working.0 == 0 {
            return Err(ConfigError::Working(raw.max_working));
        }
        if raw.max_in_flight < raw.max_body {
            return Err(ConfigError::InFlight {
                body: raw.max_body,
                in_flight: raw.max_in_flight,
            });
        }
        let usual = Self::default();
        let threads = raw.threads.unwrap_or(usual.threads);
        Ok(Self {
            name: raw.name,
            threads,
            queue: raw
                .queue
                .unwrap_or(threads.get().saturating_mul(config::QUEUE_PER_THREAD)),
            connections_max: raw.max_connections,
            body_bytes_max: raw.max_body,
            in_flight_bytes_max: raw.max_in_flight,
            working_bytes_max: raw.max_working,
            timeouts: Timeouts {
                drain: raw.drain_timeout.0,
                ..usual.timeouts
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;

    /// Checks the configuration that a command line makes, or why it makes none.
    fn check(arguments: &str, expected: Result<fn(&Config) -> bool, &str>) {
        let command_line = ["resizer"].into_iter().chain(arguments.split_whitespace());
        let config = RawConfig::try_parse_from(command_line)
            .map_err(|error| error.to_string())
            .and_then(|raw| Config::try_from(raw).map_err(|error| error.to_string()));
        match (config, expected) {
            (Ok(config), Ok(holds)) => assert!(holds(&config), "{arguments}: {config:?}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{arguments}: {error}"),
            (config, _) => panic!("{arguments}: {config:?}"),
        }
    }

    #[test]
    fn the_command_is_well_formed() {
        <RawConfig as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_command_line_without_arguments_is_the_default() {
        check(
            "",
            Ok(|config| format!("{config:?}") == format!("{:?}", Config::default())),
        );
    }

    #[test]
    fn every_flag_is_heard() {
        check("--name a.b-1", Ok(|config| config.name.as_str() == "a.b-1"));
        check(
            "--threads 3",
            Ok(|config| config.threads.get() == 3 && config.queue == 48),
        );
        check("--threads 3 --queue 0", Ok(|config| config.queue == 0));
        check(
            "--max-connections 7",
            Ok(|config| config.connections_max.get() == 7),
        );
        check(
            "--max-body 1MiB",
            Ok(|config| config.body_bytes_max == ByteSize(1 << 20)),
        );
        check(
            "--max-in-flight 1GiB",
            Ok(|config| config.in_flight_bytes_max == ByteSize(1 << 30)),
        );
        check(
            "--drain-timeout 500ms",
            Ok(|config| config.timeouts.drain == Duration::from_millis(500)),
        );
    }

    #[test]
    fn a_wrong_flag_says_what_would_do() {
        for threads in ["0", "1025", "18446744073709551615", "all"] {
            check(
                &format!("--threads {threads}"),
                Err("must be a whole number from 1 to 1024"),
            );
        }
        check("--max-connections 0", Err("must be a whole number above 0"));
        check(
            "--max-body 64TB",
            Err("unknown unit \"TB\", expected one of KiB, MiB, GiB"),
        );
        check(
            "--max-body 0",
            Err("--max-body 0B leaves no room for an image"),
        );
        check(
            "--max-body 1GiB",
            Err("--max-in-flight 512MiB is less than --max-body 1GiB"),
        );
        check(
            "--drain-timeout soon",
            Err("expected a whole number, as in 30s"),
        );
        check("--log-format xml", Err("[possible values: text, json]"));
        check("--listne :9091", Err("--listen"));
    }

    #[test]
    fn a_place_to_listen_is_an_address_and_a_port() {
        let check = |text: &str, expected: &[&str]| {
            let listen = text.parse::<Listen>().unwrap();
            let expected: Vec<SocketAddr> =
                expected.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(listen.addresses(), expected);
            assert_eq!(listen.to_string(), text);
        };
        check("127.0.0.1:9091", &["127.0.0.1:9091"]);
        check("[::1]:0", &["[::1]:0"]);
        check("localhost:80", &["127.0.0.1:80"]);
        check(":80", &["[::]:80", "0.0.0.0:80"]);
        for wrong in [
            "",
            ":",
            "9091",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:65536",
            "::1:x",
        ] {
            assert_eq!(wrong.parse::<Listen>(), Err(ListenError), "{wrong:?}");
        }
    }
}
