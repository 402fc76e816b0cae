//! Programs under test: processes that are waited for, but not for ever.
//!
//! Every wait says what it waits for, and panics with that when it does not come within a minute. A program is killed when
//! its value is dropped, so that a failed test leaves nothing behind.
//!
//! # Examples
//!
//! ```
//! use testkit::programs::{Program, output};
//! use tokio::process::Command;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let said = output(Command::new("echo").arg("hello")).await;
//! assert_eq!((said.code, said.stdout.as_str()), (0, "hello\n"));
//!
//! let mut sleeper = Program::start(Command::new("sh").args(["-c", "echo ready >&2; exec sleep 600"]));
//! assert_eq!(sleeper.line("ready").await, "ready");
//! sleeper.signal("TERM").await;
//! assert_eq!(sleeper.exit().await, None, "ended by the signal");
//! # Ok(()) }
//! ```

#![expect(clippy::panic, reason = "what does not come fails its test")]

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// After so long a test is stuck; nothing is measured with it.
const STUCK: Duration = Duration::from_secs(60);

/// How many of the last lines of a program are shown when another one does not come.
const SHOWN_MAX: usize = 20;

/// Waits for something, but not for ever.
///
/// # Panics
///
/// If it does not come within a minute; the message says `what` did not.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let come = timeout(STUCK, future).await;
    come.unwrap_or_else(|_| panic!("waited {STUCK:?} in vain: {what}"))
}

/// What a program said that ended by itself.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit status, or -1 if a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Runs a program that ends by itself, with nothing to read.
///
/// # Panics
///
/// If it cannot be started, has not ended within a minute, or says something that is no text.
pub async fn output(command: &mut Command) -> Said {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let what = format!("the end of {command:?}");
    let output = within(&what, command.output()).await;
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("programs say text");
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A running program, and its standard error if that is piped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Option<Lines<BufReader<ChildStderr>>>,
    seen: VecDeque<String>,
}

impl Program {
    /// Starts a program whose standard error is read line by line.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Self::start_silent(command.stderr(Stdio::piped()))
    }

    /// Starts a program whose standard error goes where the command says.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start_silent(command: &mut Command) -> Self {
        let child = command.kill_on_drop(true).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = child.stderr.take();
        Self {
            child,
            lines: lines.map(|stderr| BufReader::new(stderr).lines()),
            seen: VecDeque::new(),
        }
    }

    /// Reads standard error up to the next line with `part` in it, and returns that line.
    ///
    /// # Panics
    ///
    /// If there is none, or none within a minute; the message shows the last lines that came instead.
    pub async fn line(&mut self, part: &str) -> String {
        let found = timeout(STUCK, self.find(part)).await;
        let why = match found {
            Ok(Some(line)) => return line,
            Ok(None) => "standard error ended",
            Err(_) => "waited in vain",
        };
        panic!(
            "{why}: no line with `{part}` after {STUCK:?} at most; the last lines were {:#?}",
            self.seen
        )
    }

    async fn find(&mut self, part: &str) -> Option<String> {
        let lines = self.lines.as_mut().expect("standard error is piped");
        loop {
            let line = lines.next_line().await.expect("programs say text")?;
            if line.contains(part) {
                return Some(line);
            }
            self.seen.truncate(SHOWN_MAX - 1);
            self.seen.push_front(line);
        }
    }

    /// Reads no more of standard error, and closes it.
    pub fn close_log(&mut self) {
        self.lines = None;
    }

    /// Sends a signal by its name, as in `TERM`.
    ///
    /// # Panics
    ///
    /// If the program has been waited for, or there is no such signal.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it has not been waited for");
        let sent = output(Command::new("kill").args(["-s", name, &id.to_string()])).await;
        assert_eq!(sent.code, 0, "{}", sent.stderr);
    }

    /// Waits for the end and returns the exit status; nothing if a signal ended it.
    ///
    /// # Panics
    ///
    /// If it does not end within a minute.
    pub async fn exit(&mut self) -> Option<i32> {
        let what = format!(
            "the end of the program; its last lines were {:?}",
            self.seen
        );
        let status = within(&what, self.child.wait()).await;
        status.expect("it is our child").code()
    }

    /// Returns what it writes to standard output until it ends, and then the exit status.
    ///
    /// # Panics
    ///
    /// If standard output is not piped, or the program does not end within a minute.
    pub async fn rest(&mut self) -> (String, Option<i32>) {
        let mut stdout = self.child.stdout.take().expect("standard output is piped");
        let mut text = String::new();
        let read = tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut text);
        within("the end of standard output", read)
            .await
            .expect("programs say text");
        (text, self.exit().await)
    }
}

/// A pipe that is full, as behind a reader that has stopped: who writes to it waits for ever.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct FullPipe {
    reader: std::io::PipeReader,
    writer: std::io::PipeWriter,
}

#[cfg(target_os = "linux")]
impl FullPipe {
    /// Makes the pipe and fills it.
    ///
    /// # Panics
    ///
    /// If there can be no pipe.
    #[must_use]
    pub fn new() -> Self {
        use std::io::Write;
        let (reader, mut writer) = std::io::pipe().expect("there are descriptors left");
        let size = rustix::pipe::fcntl_getpipe_size(&writer).expect("it is a pipe");
        writer
            .write_all(&vec![b'.'; size])
            .expect("so much is what it takes");
        Self { reader, writer }
    }

    /// Returns its end to write to, for a program.
    ///
    /// # Panics
    ///
    /// If there are no descriptors left.
    pub fn stdio(&self) -> Stdio {
        let writer = self.writer.try_clone();
        writer.expect("there are descriptors left").into()
    }

    /// Closes the end of the reader: who writes is told that nobody reads any more.
    pub fn close(self) {
        drop(self.reader);
    }
}

#[cfg(target_os = "linux")]
impl Default for FullPipe {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the end to write to of a pipe that nobody reads any more.
///
/// # Panics
///
/// If there can be no pipe.
#[must_use]
pub fn closed_pipe() -> Stdio {
    let (_closed, writer) = std::io::pipe().expect("there are descriptors left");
    writer.into()
}
