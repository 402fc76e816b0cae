//! The program as its users meet it: the command line, exit codes and signals.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use testkit::backends::{Backend, Behaviour};
use testkit::exposition;
use testkit::programs::{FullPipe, Program, Said, closed_pipe, output, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

fn balancer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balancer"));
    command.env_remove("RUST_LOG");
    command
}

async fn run(arguments: &[&str]) -> Said {
    output(balancer().args(arguments)).await
}

/// Checks how a wrong command line is answered.
async fn check_refusal(arguments: &[&str], code: i32, says: &str) {
    let said = run(arguments).await;
    assert_eq!(said.code, code, "{arguments:?}: {}", said.stderr);
    assert!(said.stderr.contains(says), "{arguments:?}: {}", said.stderr);
}

#[tokio::test]
async fn the_help_teaches_by_examples() {
    let Said {
        code, stdout: help, ..
    } = run(&["--help"]).await;
    assert_eq!(code, 0);
    for part in [
        "Examples:",
        "--upstream 10.0.0.1:80",
        "[default: 10m]",
        "Exit status:",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
}

#[tokio::test]
async fn wrong_usage_is_answered_with_what_to_write_and_exit_code_2() {
    check_refusal(&[], 2, "--upstream <HOST:PORT>").await;
    check_refusal(
        &["--upstrem", "127.0.0.1:1"],
        2,
        "a similar argument exists: '--upstream'",
    )
    .await;
    check_refusal(
        &["-u", "localhost"],
        2,
        "--upstream: `localhost` has no port; write HOST:PORT",
    )
    .await;
    check_refusal(
        &["-u", "127.0.0.1:1", "--idle-timeout", "soon"],
        2,
        "for example 500ms, 5s or 10m",
    )
    .await;
    check_refusal(
        &["-u", "127.0.0.1:1", "--max-connections", "0"],
        2,
        "would serve nobody",
    )
    .await;
    check_refusal(
        &["-u", "127.0.0.1:9090"],
        2,
        "--upstream: 127.0.0.1:9090 is where --listen has the balancer listen",
    )
    .await;
    check_refusal(
        &["-u", "127.0.0.1:1", "--log", "a=b=c"],
        2,
        "write a level such as warn",
    )
    .await;
}

#[tokio::test]
async fn a_file_is_checked_and_then_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("balancer.toml");
    let path = path.to_str().unwrap();
    std::fs::write(path, "upstream = ['localhost']\nthreads = 'two'\n").unwrap();
    for arguments in [&["--config", path][..], &["--config", path, "--check"]] {
        let said = run(arguments).await;
        assert_eq!(said.code, 2, "{}", said.stderr);
        for line in [
            "1: upstream: `localhost` has no port",
            "2: threads: must be",
        ] {
            let line = format!("balancer: {path}:{line}");
            assert!(said.stderr.contains(&line), "{}", said.stderr);
        }
    }

    with_echo(async |upstream| {
        std::fs::write(path, format!("upstream = ['{upstream}']\nthreads = 1\n")).unwrap();
        let said = run(&["-c", path, "--check"]).await;
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (0, "balancer: the settings are right\n")
        );
        let mut running = Running::start(balancer(), &["-c", path]).await;
        let mut client = running.client().await;
        assert_eq!(echo(&mut client, "hello").await.unwrap(), "hello");
        drop(client);
        running.program.signal("TERM").await;
        assert_eq!(running.program.exit().await, Some(0));
    })
    .await;
}

#[tokio::test]
async fn a_world_that_does_not_fit_is_answered_with_what_to_do_and_exit_code_1() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = holder.local_addr().unwrap().to_string();
    check_refusal(
        &["-u", "127.0.0.1:1", "-l", &address],
        1,
        &format!("{address}: the port is in use; stop the program"),
    )
    .await;
    check_refusal(
        &["-u", "127.0.0.1:1", "-l", "192.0.2.1:0"],
        1,
        "this machine has no such address",
    )
    .await;
    check_refusal(
        &["-u", "nowhere.invalid:1"],
        1,
        "`nowhere.invalid:1` does not resolve to an address",
    )
    .await;
}

/// A running balancer, whose log is read.
struct Running {
    program: Program,
    address: SocketAddr,
}

impl Running {
    /// Starts it with `arguments`, which say nothing of where to listen, and waits until it listens.
    async fn start(mut command: Command, arguments: &[&str]) -> Self {
        command
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
        let mut running = Self {
            program: Program::start(&mut command),
            address: ([127, 0, 0, 1], 0).into(),
        };
        let listening = running.line("listening").await;
        running.address = listening["address"].as_str().unwrap().parse().unwrap();
        running.line("balancing").await;
        running
    }

    /// Reads the log up to the next line with this message.
    async fn line(&mut self, message: &str) -> serde_json::Value {
        let part = format!("\"message\":\"{message}\"");
        serde_json::from_str(&self.program.line(&part).await).unwrap()
    }

    async fn client(&self) -> TcpStream {
        within("a connection", TcpStream::connect(self.address))
            .await
            .unwrap()
    }
}

/// Runs `scenario` with an echoing backend beside it.
async fn with_echo(scenario: impl AsyncFnOnce(&str)) {
    let (backend, serving) = Backend::bind(Behaviour::Echo).await.unwrap();
    let address = backend.address().to_string();
    tokio::select! {
        () = scenario(&address) => {}
        failed = serving => panic!("the backend cannot accept: {failed:?}"),
    }
}

async fn echo(client: &mut TcpStream, text: &str) -> std::io::Result<String> {
    client.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    within("an echo", client.read_exact(&mut answer)).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn the_first_signal_lets_sessions_end_and_the_program_exits_with_0() {
    with_echo(async |upstream| {
        for signal in ["TERM", "INT"] {
            let mut running = Running::start(balancer(), &["-u", upstream]).await;
            let mut client = running.client().await;
            assert_eq!(echo(&mut client, "hello").await.unwrap(), "hello");
            running.program.signal(signal).await;
            running.line("accepting no more").await;
            assert_eq!(echo(&mut client, "still here").await.unwrap(), "still here");
            drop(client);
            let line = running.line("session").await;
            assert_eq!(
                (&line["code"], &line["up_bytes"]),
                (&"--".into(), &15.into()),
                "{line}"
            );
            assert_eq!(running.line("stopped").await["down_bytes"], 15);
            assert_eq!(running.program.exit().await, Some(0));
        }
    })
    .await;
}

#[tokio::test]
async fn the_second_signal_cuts_sessions_and_the_exit_code_tells() {
    with_echo(async |upstream| {
        let mut running = Running::start(balancer(), &["-u", upstream]).await;
        let mut client = running.client().await;
        assert_eq!(echo(&mut client, "hello").await.unwrap(), "hello");
        running.program.signal("TERM").await;
        running.line("accepting no more").await;
        running.program.signal("TERM").await;
        let read = within("the reset", client.read(&mut [0])).await;
        assert!(read.is_err(), "the session is reset");
        assert_eq!(running.line("session").await["code"], "KD");
        assert_eq!(running.program.exit().await, Some(130));
    })
    .await;
}

/// Asks as a monitor does.
async fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    within("the end of the answer", read).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Reads the numbers when there is one session: the place of another is given back a moment after its line in the log.
async fn one_session(monitors: &str) -> BTreeMap<String, f64> {
    loop {
        let (head, page) = get(monitors, "/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let media_type = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(head.lines().any(|line| line == media_type), "{head}");
        let numbers = exposition::read(&page);
        if numbers["balancer_sessions_active"] == 1.0 {
            return numbers;
        }
    }
}

#[tokio::test]
async fn a_monitor_reads_what_is_counted_until_the_last_session_has_ended() {
    with_echo(async |upstream| {
        let arguments = [
            "-u",
            upstream,
            "-u",
            "127.0.0.1:1",
            "--metrics",
            "127.0.0.1:0",
        ];
        let mut running = Running::start(balancer(), &arguments).await;
        let monitors = running.line("answering monitors").await;
        let monitors = monitors["address"].as_str().unwrap();
        // Others that say nothing are in nobody's way.
        let _silent = TcpStream::connect(monitors).await.unwrap();
        drop(echo(&mut running.client().await, "hello").await.unwrap());
        running.line("session").await;
        let mut client = running.client().await;
        echo(&mut client, "hello").await.unwrap();

        running.program.signal("TERM").await;
        running.line("accepting no more").await;
        let numbers = within("one session that is left", one_session(monitors)).await;
        for (name, value) in [
            ("balancer_sessions_total", 2.0),
            ("balancer_refused_total", 0.0),
            ("balancer_upload_bytes_total", 5.0),
            ("balancer_download_bytes_total", 5.0),
            (
                "balancer_upstream_sessions_total{upstream=\"127.0.0.1:1\"}",
                0.0,
            ),
        ] {
            assert_eq!(numbers[name], value, "{name}");
        }
        let served = format!("balancer_upstream_sessions_total{{upstream=\"{upstream}\"}}");
        assert_eq!(numbers[&served], 2.0);
        let up =
            |upstream: &str| numbers[&format!("balancer_upstream_up{{upstream=\"{upstream}\"}}")];
        let failures =
            numbers["balancer_upstream_connect_failures_total{upstream=\"127.0.0.1:1\"}"];
        assert_eq!(
            (up(upstream), up("127.0.0.1:1")),
            (1.0, f64::from(failures == 0.0))
        );
        let (head, words) = get(monitors, "/").await;
        assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
        assert!(head.contains("content-type: text/plain;"), "{head}");
        assert!(words.contains("/metrics"), "{words}");

        drop(client);
        assert_eq!(running.program.exit().await, Some(0));
    })
    .await;
}

/// The log goes to a pipe that fills up because nobody reads it.
#[tokio::test]
async fn a_log_that_is_not_read_keeps_the_program_from_nothing() {
    with_echo(async |upstream| {
        let mut running = Running::start(balancer(), &["-u", upstream]).await;
        // A line has more than 200 bytes, and a pipe takes 64 KiB.
        for _ in 0..600 {
            let mut client = running.client().await;
            assert_eq!(echo(&mut client, "hello").await.unwrap(), "hello");
        }
        running.program.signal("TERM").await;
        assert_eq!(running.program.exit().await, Some(0));
    })
    .await;
}

#[tokio::test]
async fn an_error_that_nobody_reads_changes_no_exit_code() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    let full = FullPipe::new();
    for stderr in [closed_pipe(), full.stdio()] {
        let mut command = balancer();
        command.args(["-u", "127.0.0.1:1", "-l", &address]);
        let mut program = Program::start_silent(command.stderr(stderr));
        assert_eq!(program.exit().await, Some(1));
    }
}

/// At the limit of open files `accept` fails; connections wait until sessions have ended, and the balancer goes on.
#[tokio::test]
async fn running_out_of_files_ends_nothing() {
    with_echo(async |upstream| {
        let mut limited = Command::new("sh");
        limited.args([
            "-c",
            "ulimit -n 40; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_balancer"),
        ]);
        let arguments = ["-u", upstream, "--max-connections", "1000"];
        let mut running = Running::start(limited, &arguments).await;
        let mut clients = Vec::new();
        for _ in 0..60 {
            clients.push(running.client().await);
        }
        running.line("cannot accept").await;
        drop(clients);
        // Those that come while files are being freed may still find none for their upstream.
        while echo(&mut running.client().await, "hello").await.is_err() {}
    })
    .await;
}
