//! The program as its users meet it: the command line, exit codes and signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use teamwork::Job;
use testkit::backends::{Backend, Behaviour};

fn balancer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_balancer"));
    command.env_remove("RUST_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    balancer().args(arguments).output().unwrap()
}

/// Checks how a wrong command line is answered.
fn check_refusal(arguments: &[&str], code: i32, says: &str) {
    let output = run(arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(message.contains(says), "{arguments:?}: {message}");
}

#[test]
fn the_help_teaches_by_examples() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "Examples:",
        "--upstream 10.0.0.1:80",
        "[default: 10m]",
        "Exit status:",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
}

#[test]
fn wrong_usage_is_answered_with_what_to_write_and_exit_code_2() {
    check_refusal(&[], 2, "--upstream <HOST:PORT>");
    check_refusal(
        &["--upstrem", "127.0.0.1:1"],
        2,
        "a similar argument exists: '--upstream'",
    );
    check_refusal(
        &["-u", "localhost"],
        2,
        "--upstream: `localhost` has no port; write HOST:PORT",
    );
    check_refusal(
        &["-u", "127.0.0.1:1", "--idle-timeout", "soon"],
        2,
        "for example 500ms, 5s or 10m",
    );
    check_refusal(
        &["-u", "127.0.0.1:1", "--max-connections", "0"],
        2,
        "would serve nobody",
    );
    check_refusal(
        &["-u", "127.0.0.1:9090"],
        2,
        "--upstream 127.0.0.1:9090 is where --listen has the balancer listen",
    );
    check_refusal(
        &["-u", "127.0.0.1:1", "--log", "a=b=c"],
        2,
        "write a level such as warn",
    );
}

#[test]
fn a_world_that_does_not_fit_is_answered_with_what_to_do_and_exit_code_1() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    check_refusal(
        &["-u", "127.0.0.1:1", "-l", &address],
        1,
        &format!("{address}: the port is in use; stop the program"),
    );
    check_refusal(
        &["-u", "127.0.0.1:1", "-l", "192.0.2.1:0"],
        1,
        "this machine has no such address",
    );
    check_refusal(
        &["-u", "nowhere.invalid:1"],
        1,
        "`nowhere.invalid:1` does not resolve to an address",
    );
}

/// A running balancer.
struct Program {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Program {
    /// Starts it with `arguments`, which say nothing of where to listen, and waits until it listens.
    fn start(mut command: Command, arguments: &[&str]) -> Self {
        let arguments =
            arguments
                .iter()
                .chain(&["--listen", "127.0.0.1:0", "--log-format", "json"]);
        let mut child = command
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut program = Self {
            child,
            log,
            address: ([127, 0, 0, 1], 0).into(),
        };
        program.address = program.line("listening")["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        program.line("balancing");
        program
    }

    /// Reads the log up to the next line with this message.
    fn line(&mut self, message: &str) -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert!(
                self.log.read_line(&mut line).unwrap() > 0,
                "the log ended without `{message}`"
            );
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == message {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }
}

impl Drop for Program {
    /// Leaves nothing behind when a test fails.
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Runs `scenario`, which blocks, on the test's thread, with an echoing backend beside it.
fn with_echo(scenario: impl FnOnce(&str)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (backend, serving) = runtime.block_on(Backend::bind(Behaviour::Echo)).unwrap();
    let mut job = Job::new("echo");
    job.add_fn("serve", async move |_: &teamwork::Context| {
        Ok(serving.await.map(drop)?)
    });
    let running = runtime.block_on(job.run_in_background()).unwrap();
    scenario(&backend.address().to_string());
    running.cancel("the test is over");
    runtime.block_on(running.wait());
}

fn echo(client: &mut TcpStream, text: &str) -> std::io::Result<String> {
    client.write_all(text.as_bytes())?;
    let mut answer = vec![0; text.len()];
    client.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn the_first_signal_lets_sessions_end_and_the_program_exits_with_0() {
    with_echo(|upstream| {
        for signal in [Signal::TERM, Signal::INT] {
            let mut program = Program::start(balancer(), &["-u", upstream]);
            let mut client = program.client();
            assert_eq!(echo(&mut client, "hello").unwrap(), "hello");
            program.signal(signal);
            program.line("accepting no more");
            assert_eq!(echo(&mut client, "still here").unwrap(), "still here");
            client.shutdown(Shutdown::Both).unwrap();
            let line = program.line("session");
            assert_eq!(
                (&line["code"], &line["up_bytes"]),
                (&"--".into(), &15.into()),
                "{line}"
            );
            assert_eq!(program.line("stopped")["down_bytes"], 15);
            assert_eq!(program.child.wait().unwrap().code(), Some(0));
        }
    });
}

#[test]
fn the_second_signal_cuts_sessions_and_the_exit_code_tells() {
    with_echo(|upstream| {
        let mut program = Program::start(balancer(), &["-u", upstream]);
        let mut client = program.client();
        assert_eq!(echo(&mut client, "hello").unwrap(), "hello");
        program.signal(Signal::TERM);
        program.line("accepting no more");
        program.signal(Signal::TERM);
        assert!(client.read(&mut [0]).is_err(), "the session is reset");
        assert_eq!(program.line("session")["code"], "KD");
        assert_eq!(program.child.wait().unwrap().code(), Some(130));
    });
}

/// The log goes to a pipe that is full and that nobody reads.
#[test]
fn a_log_that_is_not_read_keeps_the_program_from_nothing() {
    with_echo(|upstream| {
        let mut program = Program::start(balancer(), &["-u", upstream]);
        // A line has more than 200 bytes, and a pipe takes 64 KiB.
        for _ in 0..600 {
            let mut client = program.client();
            assert_eq!(echo(&mut client, "hello").unwrap(), "hello");
        }
        program.signal(Signal::TERM);
        assert_eq!(program.child.wait().unwrap().code(), Some(0));
    });
}

/// At the limit of open files `accept` fails; connections wait until sessions have ended, and the balancer goes on.
#[test]
fn running_out_of_files_ends_nothing() {
    with_echo(|upstream| {
        let mut limited = Command::new("sh");
        limited.args([
            "-c",
            "ulimit -n 40; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_balancer"),
        ]);
        let mut program = Program::start(limited, &["-u", upstream, "--max-connections", "1000"]);
        let clients: Vec<_> = (0..60).map(|_| program.client()).collect();
        program.line("cannot accept");
        drop(clients);
        // Those that come while files are being freed may still find none for their upstream.
        while echo(&mut program.client(), "hello").is_err() {}
    });
}
