//! The log, written in batches by one writer: a thread that serves sessions never waits for whoever reads the log.
//!
//! Lines are put into a buffer in memory. A tenth of a second after the first one, all that have come by then are written
//! by one call, on a thread where it may block. When the buffer is full, lines are dropped and counted.
//!
//! A program that is killed loses the lines of its last tenth of a second. One that ends waits two seconds for a reader who has stopped
//! reading, and no longer.

use std::io::{self, Write};
use std::mem;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use teamwork::BlockingPool;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::warn;

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

    /// Writes a batch whenever there is one, for ever.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when this is dropped; [`finish`](Self::finish) writes what is left.
    pub async fn write(&self) {
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
    ///
    /// # Cancel safety
    ///
    /// What is left is written, or not, whoever waits for it.
    pub async fn finish(&self) -> bool {
        let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
        let log = self.clone();
        let written = timeout(LAST_LINES, pool.run(move |_| log.flush())).await;
        written.is_ok_and(|written| written.is_ok())
    }

    /// Writes what there is, and waits for it.
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

impl<W> Shared<W> {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        // Nothing that could panic happens under this lock.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
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
            () = writing.write() => unreachable!("it goes on for ever"),
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
