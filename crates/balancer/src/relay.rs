//! Moves bytes one way, from a source to a sink.
//!
//! A [`Pump`] never waits: it says which socket it needs ready, the caller waits, and [`Pump::step`] moves at most
//! one chunk. Its guarantees:
//!
//! 1. It reads only what it has room for: never before everything read earlier was written. So back-pressure
//!    reaches the source through the kernel's own buffers, and at the end of the stream nothing is left over.
//! 2. An idle pump holds no buffer. Bytes are read into a scratch buffer that the thread's pumps share, and what the
//!    sink does not take at once is copied to a buffer that lives until it does.

use std::cell::RefCell;
use std::io;

use tokio::net::TcpStream;

/// How much is moved at once, and the most that waits for a slow sink.
const CHUNK_BYTES: usize = 64 * 1024;

thread_local! {
    // Borrowed only between two waits, so that all pumps of a thread can share it.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK_BYTES].into());
}

/// The state of one direction.
#[derive(Debug, Default)]
pub(crate) struct Pump {
    rest: Vec<u8>,
    written: usize,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// So many bytes were read or written, of which the sink took `written`; possibly none.
    Moved { written: usize },
    /// The source has finished, and the sink has taken all of it.
    Finished,
    /// The source could not be read.
    Unreadable(io::Error),
    /// The sink could not be written to. What was read for it is lost with it.
    Unwritable(io::Error),
}

impl Pump {
    /// Waits until a step can do something.
    ///
    /// # Errors
    ///
    /// When the runtime shuts down.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when this is dropped.
    pub(crate) async fn ready(&self, source: &TcpStream, sink: &TcpStream) -> io::Result<()> {
        if self.is_empty() { source.readable().await } else { sink.writable().await }
    }

    /// Moves one chunk, or as much of it as the sink takes.
    pub(crate) fn step(&mut self, source: &TcpStream, sink: &TcpStream) -> Step {
        if self.is_empty() { self.fill(source, sink) } else { self.flush(sink) }
    }

    /// Reads one chunk and drops it.
    pub(crate) fn discard(&mut self, source: &TcpStream) -> Step {
        SCRATCH.with_borrow_mut(|scratch| match source.try_read(scratch) {
            Ok(0) => Step::Finished,
            Ok(_) => Step::Moved { written: 0 },
            Err(error) if is_not_yet(&error) => Step::Moved { written: 0 },
            Err(error) => Step::Unreadable(error),
        })
    }

    /// Tells whether the sink has taken everything that was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Forgets what the sink has not taken.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn fill(&mut self, source: &TcpStream, sink: &TcpStream) -> Step {
        SCRATCH.with_borrow_mut(|scratch| {
            let chunk = match source.try_read(scratch) {
                Ok(0) => return Step::Finished,
                Ok(count) => &scratch[..count],
                Err(error) if is_not_yet(&error) => return Step::Moved { written: 0 },
                Err(error) => return Step::Unreadable(error),
            };
            match write(sink, chunk) {
                Ok(written) => {
                    self.rest = chunk[written..].to_vec();
                    self.written = 0;
                    Step::Moved { written }
                }
                Err(error) => Step::Unwritable(error),
            }
        })
    }

    fn flush(&mut self, sink: &TcpStream) -> Step {
        match write(sink, &self.rest[self.written..]) {
            Ok(written) => {
                self.written += written;
                if self.written == self.rest.len() {
                    self.clear();
                }
                Step::Moved { written }
            }
            Err(error) => Step::Unwritable(error),
        }
    }
}

/// Writes as much of `bytes` as the sink takes without waiting.
fn write(sink: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match sink.try_write(&bytes[written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if is_not_yet(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
