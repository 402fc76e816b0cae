//! The log, written in batches by one writer: a thread that serves sessions never waits for whoever reads the log.
//!
//! Lines are put into a buffer in memory. A tenth of a second after the first one, all that have come by then are written
//! by one call, on a thread where it may block. When the buffer is full, lines are dropped and counted.
//!
//! A program that is killed loses the lines of its last tenth of a second. One that ends waits two seconds for a reader who has stopped
//! reading, and no longer.

use std::fmt::Display;
use std::io::{self, Write};
use std::mem;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use teamwork::{BlockingPool, Context, Job};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

/// How long lines are collected.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How much is kept for a slow reader: about 4000 sessions.
const BYTES_MAX: usize = 1024 * 1024;

/// The log. Cloning it gives another handle on the same one.
#[derive(Debug)]
pub struct Batches<W> {
    shared: Arc<Shared<W>>,
}

#[derive(Debug)]
struct Shared<W> {
    buffer: Mutex<Buffer>,
    has_lines: Notify,
    /// Locked while a batch is taken and written, so that batches stay in order.
    output: Mutex<W>,
}

#[derive(Debug, Default)]
struct Buffer {
    lines: Vec<u8>,
    dropped: u64,
}

impl<W> Clone for Batches<W> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<W: Write + Send + 'static> Batches<W> {
    /// Makes a log that is written to `output`.
    pub fn new(output: W) -> Self {
        let shared = Shared {
            buffer: Mutex::default(),
            has_lines: Notify::new(),
            output: Mutex::new(output),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Runs a program with its log beside it, and writes the last lines when it has ended.
    ///
    /// It takes one blocking thread of the runtime. Threads that still block when the program has ended are not waited for.
    pub fn run<T>(&self, runtime: Runtime, program: impl Future<Output = T>) -> T {
        let outcome = runtime.block_on(self.beside(program));
        // What is left may be a write to a log that nobody reads, and waiting for it would have no end.
        runtime.shutdown_background();
        outcome
    }

    /// As [`run`](Self::run), and then tells what came of it: `report` may print, and so wait for a reader. A signal ends that wait;
    /// then there is no result.
    pub fn run_and_report<T: Send + 'static, R: Send + 'static>(
        &self,
        runtime: Runtime,
        program: impl Future<Output = T>,
        report: impl FnOnce(T, &Self) -> R + Send + 'static,
    ) -> Option<R> {
        let log = self.clone();
        let told = runtime.block_on(async {
            let outcome = self.beside(program).await;
            unless_signalled(move || report(outcome, &log)).await
        });
        runtime.shutdown_background();
        told
    }

    /// Runs a program and writes the log until it has ended.
    async fn beside<T>(&self, program: impl Future<Output = T>) -> T {
        let outcome = tokio::select! {
            outcome = program => outcome,
            () = self.write_on() => unreachable!("it goes on for ever"),
        };
        self.finish().await;
        outcome
    }

    /// Writes a line that is no part of the log, such as the error that a program ends with, and waits for its reader. If
    /// that reader has kept [`run`](Self::run) from writing the last lines of the log, it is not written either.
    pub fn say(&self, words: &dyn Display) {
        let mut output = match self.shared.output.try_lock() {
            Ok(output) => output,
            // A writer that has panicked is as good as any other.
            Err(TryLockError::Poisoned(output)) => output.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // There is nobody left to tell when standard error is closed. One call, so that no other program comes between.
        let _gone = output.write_all(format!("{words}\n").as_bytes());
    }

    /// Writes a batch whenever there is one, for ever. Nothing is lost when this is dropped.
    async fn write_on(&self) {
        let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
        loop {
            self.shared.has_lines.notified().await;
            sleep(PAUSE).await;
            let log = self.clone();
            // It fails when the runtime shuts down; what is left is lost with it.
            let _closed = pool.run(move |_| log.flush()).await;
        }
    }

    /// Writes what is left, unless whoever reads it has stopped reading; says whether it was written.
    async fn finish(&self) -> bool {
        let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
        let log = self.clone();
        let rest = move |_: &_| {
            log.flush();
            // How many lines were dropped.
            log.flush();
        };
        let written = timeout(LAST_LINES, pool.run(rest)).await;
        written.is_ok_and(|written| written.is_ok())
    }

    /// Writes what there is, waits for it, and leaves a line that says how many were dropped.
    fn flush(&self) {
        // A writer that has panicked is as good as any other.
        let output = self.shared.output.lock();
        let mut output = output.unwrap_or_else(PoisonError::into_inner);
        let batch = mem::take(&mut *self.shared.buffer());
        // There is nobody left to tell when standard error is closed.
        let _gone = output.write_all(&batch.lines).and_then(|()| output.flush());
        drop(output);
        if batch.dropped > 0 {
            warn!(
                lines = batch.dropped,
                "the log is read too slowly; lines were dropped"
            );
        }
    }
}

/// Makes a call that may block for ever, and leaves it alone when a signal comes.
async fn unless_signalled<R: Send + 'static>(
    call: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    let (sender, mut result) = oneshot::channel();
    let mut job = Job::new("report");
    job.add_fn("print", async move |cx: &Context| {
        let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
        let called = pool.run(move |_| call());
        if let Some(returned) = cx.unless_draining(called).await {
            // Whoever asked is there: it waits for this job.
            let _taken = sender.send(returned?);
        }
        Ok(())
    });
    if let Err(failure) = job.run_until_signal().await {
        warn!(%failure, "the report was not finished");
    }
    result.try_recv().ok()
}

impl<W> Shared<W> {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        // Nothing that could panic happens under this lock.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'log, W: 'log> MakeWriter<'log> for Batches<W> {
    type Writer = Self;

    fn make_writer(&'log self) -> Self {
        self.clone()
    }
}

/// Takes one line at a time, whole; never fails.
impl<W> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut buffer = self.shared.buffer();
        let is_first = buffer.lines.is_empty();
        if buffer.lines.len() + line.len() > BYTES_MAX {
            buffer.dropped += 1;
        } else {
            buffer.lines.extend_from_slice(line);
        }
        drop(buffer);
        if is_first {
            self.shared.has_lines.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Sends each batch on.
    struct Sender(mpsc::Sender<Vec<u8>>);

    impl Write for Sender {
        fn write(&mut self, batch: &[u8]) -> io::Result<usize> {
            self.0.send(batch.to_vec()).expect("the test is there");
            Ok(batch.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_are_written_together_and_in_order() {
        let (sender, batches) = mpsc::channel();
        let mut log = Batches::new(Sender(sender));
        for line in ["first\n", "second\n", "third\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let writing = log.clone();
        let arrived = async {
            loop {
                match batches.try_recv() {
                    Ok(batch) => break batch,
                    Err(_) => sleep(Duration::from_millis(1)).await,
                }
            }
        };
        tokio::select! {
            () = writing.write_on() => unreachable!("it goes on for ever"),
            batch = arrived => assert_eq!(batch, b"first\nsecond\nthird\n"),
        }
    }

    /// Takes what it is given when the test is through.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, batch: &[u8]) -> io::Result<usize> {
            let _over = self.0.recv();
            Ok(batch.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_has_stopped_reading_is_not_waited_for() {
        let (release, over) = mpsc::channel();
        let mut log = Batches::new(Stuck(over));
        log.write_all(b"first\n").unwrap();
        // The clock does not move on by itself while another thread is at work.
        let pass = async {
            tokio::task::yield_now().await;
            tokio::time::advance(2 * LAST_LINES).await;
        };
        let (is_written, ()) = tokio::join!(log.finish(), pass);
        assert!(!is_written);
        drop(release);
    }

    #[tokio::test]
    async fn the_last_lines_are_written() {
        let (sender, batches) = mpsc::channel();
        let mut log = Batches::new(Sender(sender));
        log.write_all(b"last\n").unwrap();
        assert!(log.finish().await);
        assert_eq!(batches.try_recv().unwrap(), b"last\n");
    }

    #[test]
    fn lines_for_which_there_is_no_room_are_dropped_whole_and_counted() {
        let (sender, batches) = mpsc::channel();
        let mut log = Batches::new(Sender(sender));
        let line = [b'x'; 1000];
        for _ in 0..1100 {
            log.write_all(&line).unwrap();
        }
        assert_eq!(log.shared.buffer().dropped, 1100 - 1048);
        Batches::flush(&log);
        assert_eq!(batches.try_recv().unwrap().len(), 1048 * 1000);
        assert_eq!(log.shared.buffer().dropped, 0);
    }
}
