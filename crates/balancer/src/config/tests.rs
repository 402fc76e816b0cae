use std::fs;

use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    raw: RawConfig,
}

fn raw(arguments: &str) -> Result<RawConfig, String> {
    let words = std::iter::once("balancer").chain(arguments.split_whitespace());
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    Ok(cli.raw)
}

fn check(raw: &RawConfig) -> Result<Config, String> {
    Config::check(raw, 1024).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        errors.join("\n")
    })
}

fn parse(arguments: &str) -> Result<Config, String> {
    check(&raw(arguments)?)
}

/// Checks a file with such a text, beside such flags.
fn parse_file(text: &str, flags: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("it.toml");
    fs::write(&path, text).unwrap();
    let arguments = format!("--config {} {flags}", path.display());
    let name = format!("{}:", path.display());
    parse(&arguments).map_err(|errors| errors.replace(&name, "it.toml:"))
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
            "--upstream: 127.0.0.1:1 is given twice",
        ),
        (
            "-u 127.0.0.1:2 -u 127.0.0.1:1 -l :1",
            "--upstream: 127.0.0.1:1 is where --listen has the balancer listen",
        ),
        ("-u 127.0.0.1:1 --max-connections 0", "0 would serve nobody"),
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
    let errors = Config::check(&raw("-u nowhere.invalid:1").unwrap(), 1024);
    assert!(
        errors
            .expect_err("it does not resolve")
            .are_about_the_world()
    );
    let errors = Config::check(&raw("-u nowhere.invalid:1 -l 80").unwrap(), 1024);
    assert!(!errors.expect_err("80 has no port").are_about_the_world());
}

#[test]
fn a_file_has_every_setting() {
    let text = r#"
        listen = ["127.0.0.1:1", ":2"]
        upstream = "127.0.0.1:3"
        metrics = "127.0.0.1:4"
        max-connections = 5_000
        threads = 3
        splice = "off"
        idle-timeout = "1d"
        connect-timeout = "500ms"
        half-close-timeout = "7s"
        drain-timeout = "8s"
    "#;
    let config = parse_file(text, "").unwrap();
    assert_eq!(
        config.listen,
        ["127.0.0.1:1", ":2"].map(|at| at.parse().unwrap())
    );
    assert_eq!(config.upstreams, ["127.0.0.1:3".parse().unwrap()]);
    assert_eq!(config.metrics, Some("127.0.0.1:4".parse().unwrap()));
    assert_eq!((config.sessions_max, config.threads.get()), (5000, 3));
    assert_eq!(config.splice, Splice::Off);
    assert_eq!(
        [
            config.idle_timeout,
            config.connect_timeout,
            config.half_close_timeout,
            config.drain_timeout
        ]
        .map(|time| time.as_millis()),
        [86_400_000, 500, 7000, 8000]
    );
}

#[test]
fn flags_win_over_the_file() {
    let text = "upstream = ['127.0.0.1:1', '127.0.0.1:2']\nthreads = 1\nidle-timeout = '1s'";
    let config = parse_file(text, "-u 127.0.0.1:3 --idle-timeout 2s").unwrap();
    assert_eq!(config.upstreams, ["127.0.0.1:3".parse().unwrap()]);
    assert_eq!(config.idle_timeout, Duration::from_secs(2));
    assert_eq!(config.threads.get(), 1);
}

#[test]
fn all_that_is_wrong_with_a_file_is_said_with_its_line() {
    let text = r#"
listen = ["127.0.0.1:1", 80]
upstream = [
"localhost",
"127.0.0.1:1",
"127.0.0.1:2", "127.0.0.1:2",
]
threads = 0
idle-timeout = 5
drain-timeout = ["1s"]
colour = "blue"
[server]
port = 1
"#;
    let errors = parse_file(text, "").unwrap_err();
    let errors: Vec<_> = errors.lines().collect();
    let expected = [
        "it.toml:2: listen: `80` has no port",
        "it.toml:4: upstream: `localhost` has no port",
        "it.toml:5: upstream: 127.0.0.1:1 is where --listen has the balancer listen",
        "it.toml:6: upstream: 127.0.0.1:2 is given twice",
        "it.toml:8: threads: must be a whole number from 1 to 1024",
        "it.toml:9: idle-timeout: time unit needed",
        "it.toml:10: drain-timeout: must be a text in quotes or a whole number",
        "it.toml:11: colour: there is no such setting; there are listen, upstream, metrics",
        "it.toml:12: server: there is no such setting",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
}

#[test]
fn what_is_no_settings_file_is_refused() {
    for (text, says) in [
        ("upstream = [\n'127.0.0.1:1'\n", "it.toml:2: unclosed array"),
        (
            "upstream = '127.0.0.1:1'\nthreads 1\nsplice = auto",
            "it.toml:2: ",
        ),
        (
            "threads = 1\nthreads = 2\nupstream = '127.0.0.1:1'",
            "it.toml:2: duplicate key",
        ),
        ("", "it.toml: no upstream; give at least one"),
    ] {
        let message = parse_file(text, "").expect_err(text);
        assert!(message.contains(says), "`{text}` says: {message}");
    }
    let binary = parse_file("\0\u{1b}[31m", "").unwrap_err();
    assert!(!binary.contains(['\0', '\u{1b}']), "{binary:?}");
    let missing = parse("--config /nowhere/it.toml").unwrap_err();
    assert!(
        missing.starts_with("/nowhere/it.toml: cannot be read"),
        "{missing}"
    );
}
