//! The command as an operator meets it: its help, its exit codes, its log, its signals.

use std::net::SocketAddr;

use imaging::{Options, Output, Size};
use serde_json::Value;
use testkit::{
    images::gradient_jpeg,
    programs::{FullPipe, Program, Said, closed_pipe, output, within},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
};

/// A running command.
struct Running {
    program: Program,
    address: SocketAddr,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resizer"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

/// Runs a command that ends by itself.
async fn run(arguments: &[&str]) -> Said {
    output(&mut command(arguments)).await
}

impl Running {
    async fn start() -> Self {
        let mut program = Program::start(&mut command(&[
            "--listen",
            "127.0.0.1:0",
            "--name",
            "first",
            "--log-format",
            "json",
        ]));
        let ready: Value = serde_json::from_str(&program.line("ready").await).unwrap();
        assert_eq!(
            (&ready["message"], &ready["name"]),
            (&"ready".into(), &"first".into())
        );
        let address = ready["address"].as_str().unwrap().parse().unwrap();
        Self { program, address }
    }

    async fn client(&self) -> TcpStream {
        within("a connection", TcpStream::connect(self.address))
            .await
            .unwrap()
    }

    /// Asks how it is, over a connection for that alone.
    async fn check_health(&self) {
        let mut client = self.client().await;
        let request = b"GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        let answer = rest(&mut client).await;
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

/// What comes before the server closes.
async fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = client.read_to_end(&mut answer);
    within("the rest of the answer", read).await.unwrap();
    answer
}

#[tokio::test]
async fn help_shows_how_to_call_it() {
    let Said {
        code, stdout: out, ..
    } = run(&["--help"]).await;
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

#[tokio::test]
async fn the_help_says_the_quality_that_is_taken() {
    let help = run(&["--help"]).await.stdout;
    let help: Vec<_> = help.split_whitespace().collect();
    let help = help.join(" ");
    let (_, said) = help.split_once("82 for JPEG, ").unwrap();
    let (webp, _) = said.split_once(" for WebP]").unwrap();
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

#[tokio::test]
async fn wrong_usage_is_told_and_exits_with_2() {
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
        (&["--max-working", "0"], "--max-working 0B leaves no memory"),
        (&["extra"], "unexpected argument 'extra'"),
    ] {
        let said = run(arguments).await;
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(said.stderr.contains(told), "{arguments:?}: {}", said.stderr);
    }
}

#[tokio::test]
async fn a_port_in_use_exits_with_1_and_says_what_to_do() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    let said = run(&["--listen", &address]).await;
    assert_eq!(said.code, 1);
    for part in [
        &*format!("cannot listen on {address}"),
        "choose another port with --listen",
    ] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
}

#[tokio::test]
async fn a_request_is_served_and_logged_and_the_first_signal_drains() {
    let mut running = Running::start().await;
    let photo = gradient_jpeg(64, 64);
    let mut client = running.client().await;
    let head = format!(
        "POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        photo.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&photo).await.unwrap();

    let access = running.program.line("resizer::access").await;
    let access: Value = serde_json::from_str(&access).unwrap();
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
    running.program.signal("TERM").await;
    let answer = rest(&mut client).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(running.program.exit().await, Some(0));
}

#[tokio::test]
async fn a_server_whose_log_is_closed_goes_on_serving() {
    let mut running = Running::start().await;
    running.program.close_log();
    for _ in 0..3 {
        running.check_health().await;
    }
    running.program.signal("TERM").await;
    assert_eq!(running.program.exit().await, Some(0));
}

/// The log goes to a pipe that fills up because nobody reads it.
#[tokio::test]
async fn a_server_whose_log_is_not_read_goes_on_serving_and_ends() {
    let mut running = Running::start().await;
    // A line has more than 150 bytes, and a pipe takes 64 KiB.
    for _ in 0..600 {
        running.check_health().await;
    }
    running.program.signal("TERM").await;
    assert_eq!(running.program.exit().await, Some(0));
}

#[tokio::test]
async fn an_error_that_nobody_reads_changes_no_exit_code() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    let full = FullPipe::new();
    for stderr in [closed_pipe(), full.stdio()] {
        let mut command = command(&["--listen", &address]);
        let mut program = Program::start_silent(command.stderr(stderr));
        assert_eq!(program.exit().await, Some(1));
    }
}

#[tokio::test]
async fn the_second_signal_stops_at_once() {
    let mut running = Running::start().await;
    let mut client = running.client().await;
    client.write_all(b"POST /resize?width=8 HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n").await.unwrap();
    // The request is in flight once it is told to go on; it will never end by itself.
    let mut told = [0; 25];
    within("the word to go on", client.read_exact(&mut told))
        .await
        .unwrap();
    running.program.signal("INT").await;
    let closed = async { while TcpStream::connect(running.address).await.is_ok() {} };
    within("the end of the listener", closed).await;
    running.program.signal("INT").await;
    assert_eq!(running.program.exit().await, Some(130));
}
