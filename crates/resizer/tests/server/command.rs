//! The command as an operator meets it: its help, its exit codes, its log, its signals.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{self, Child, Command, Stdio},
};

use imaging::{Options, Output, Size};
use serde_json::Value;
use testkit::images::gradient_jpeg;

/// A running command; dropped, it is killed.
struct Running {
    child: Child,
    log: Box<dyn BufRead>,
    address: SocketAddr,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resizer"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

/// Runs a command that ends by itself.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let process::Output {
        status,
        stdout,
        stderr,
    } = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

impl Running {
    fn start() -> Self {
        let mut child = command(&[
            "--listen",
            "127.0.0.1:0",
            "--name",
            "first",
            "--log-format",
            "json",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let mut log = Box::new(BufReader::new(child.stderr.take().unwrap()));
        let ready = line(&mut log);
        assert_eq!(
            (&ready["message"], &ready["name"]),
            (&"ready".into(), &"first".into())
        );
        let address = ready["address"].as_str().unwrap().parse().unwrap();
        Self {
            child,
            log,
            address,
        }
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    fn exit_code(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails if the command has ended, which is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line of the log.
fn line(log: &mut impl BufRead) -> Value {
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[test]
fn help_shows_how_to_call_it() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for part in [
        "curl --data-binary @photo.jpg",
        "--listen",
        "--queue",
        "Exit codes",
    ] {
        assert!(out.contains(part), "{part} is missing in {out}");
    }
}

#[test]
fn the_help_says_the_quality_that_is_taken() {
    let (_, help, _) = run(&["--help"]);
    let (_, said) = help.split_once("of JPEG (82) and WebP (").unwrap();
    let (webp, _) = said.split_once(')').unwrap();
    let photo = gradient_jpeg(90, 60);
    for (output, quality) in [(Output::Jpeg, 82), (Output::WebP, webp.parse().unwrap())] {
        let made = |quality| {
            let options = Options {
                output,
                quality,
                ..Options::new(Size::new(64, 64))
            };
            imaging::resize(&photo, &options).unwrap().bytes
        };
        assert_eq!(made(None), made(Some(quality)), "{output}");
        assert_ne!(made(None), made(Some(quality + 2)), "{output}");
    }
}

#[test]
fn wrong_usage_is_told_and_exits_with_2() {
    for (arguments, told) in [
        (&["--treads", "3"][..], "--threads"),
        (
            &["--listen", "nowhere"],
            "expected ADDRESS:PORT, as in 127.0.0.1:9091",
        ),
        (
            &["--max-body", "1GiB"],
            "--max-in-flight 512MiB is less than --max-body 1GiB",
        ),
        (&["extra"], "unexpected argument 'extra'"),
    ] {
        let (code, out, error) = run(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}

#[test]
fn a_port_in_use_exits_with_1_and_says_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let (code, _, error) = run(&["--listen", &address]);
    assert_eq!(code, 1);
    assert!(
        error.contains(&format!("cannot listen on {address}")),
        "{error}"
    );
    assert!(
        error.contains("choose another port with --listen"),
        "{error}"
    );
}

#[test]
fn a_request_is_served_and_logged_and_the_first_signal_drains() {
    let mut running = Running::start();
    let photo = gradient_jpeg(64, 64);
    let mut client = TcpStream::connect(running.address).unwrap();
    write!(
        client,
        "POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        photo.len()
    )
    .unwrap();
    client.write_all(&photo).unwrap();

    let access = line(&mut running.log);
    assert_eq!(access["target"], "resizer::access");
    assert_eq!(access["method"], "POST");
    assert_eq!(access["path"], "/resize?width=8");
    assert_eq!(
        (&access["status"], &access["code"]),
        (&200.into(), &"resized".into())
    );
    assert_eq!(access["bytes_in"], photo.len());
    assert_eq!(access["client"], client.local_addr().unwrap().to_string());
    assert!(
        access["bytes_out"].is_u64() && access["ms"].is_f64(),
        "{access}"
    );

    // The connection is kept for another request; draining closes it.
    running.signal("TERM");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(running.exit_code(), 0);
}

#[test]
fn a_server_whose_log_nobody_reads_goes_on_serving() {
    let mut running = Running::start();
    running.log = Box::new(io::empty());
    for _ in 0..3 {
        let mut client = TcpStream::connect(running.address).unwrap();
        client
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
    running.signal("TERM");
    assert_eq!(running.exit_code(), 0);
}

#[test]
fn the_second_signal_stops_at_once() {
    let mut running = Running::start();
    let mut client = TcpStream::connect(running.address).unwrap();
    client.write_all(b"POST /resize?width=8 HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n").unwrap();
    // The request is in flight once it is told to go on; it will never end by itself.
    client.read_exact(&mut [0; 25]).unwrap();
    running.signal("INT");
    while TcpStream::connect(running.address).is_ok() {}
    running.signal("INT");
    assert_eq!(running.exit_code(), 130);
}
