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
        if self.is_empty() {
            source.readable().await
        } else {
            sink.writable().await
        }
    }

    /// Moves one chunk, or as much of it as the sink takes.
    pub(crate) fn step(&mut self, source: &TcpStream, sink: &TcpStream) -> Step {
        if self.is_empty() {
            self.fill(source, sink)
        } else {
            self.flush(sink)
        }
    }

    /// Reads one chunk and drops it.
    pub(crate) fn discard(source: &TcpStream) -> Step {
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
                    *self = Self::default();
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
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::backends::{pair, payload};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    /// A source and a sink as the pump has them, and what is at their far ends.
    struct Ends {
        writer: TcpStream,
        source: TcpStream,
        sink: TcpStream,
        reader: TcpStream,
    }

    async fn ends() -> Ends {
        let (writer, source) = pair().await.unwrap();
        let (sink, reader) = pair().await.unwrap();
        Ends {
            writer,
            source,
            sink,
            reader,
        }
    }

    /// Steps until the pump says something else than that bytes moved; returns that with how many did.
    async fn pump_all(pump: &mut Pump, source: &TcpStream, sink: &TcpStream) -> (usize, Step) {
        let mut moved = 0;
        loop {
            pump.ready(source, sink).await.unwrap();
            match pump.step(source, sink) {
                Step::Moved { written } => moved += written,
                other => return (moved, other),
            }
        }
    }

    /// Steps until the sink takes no more.
    async fn fill_up(pump: &mut Pump, source: &TcpStream, sink: &TcpStream) {
        while pump.is_empty() {
            pump.ready(source, sink).await.unwrap();
            assert!(matches!(pump.step(source, sink), Step::Moved { .. }));
        }
    }

    #[tokio::test]
    async fn everything_arrives_before_the_end_is_told_however_slow_the_sink() {
        let Ends {
            mut writer,
            source,
            sink,
            mut reader,
        } = ends().await;
        let sent = payload(1, 8 << 20);
        let (mut pump, full) = (Pump::default(), Notify::new());
        let write = async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let relay = async {
            fill_up(&mut pump, &source, &sink).await;
            full.notify_one();
            let ended = pump_all(&mut pump, &source, &sink).await.1;
            drop(sink);
            ended
        };
        let mut received = Vec::new();
        let read = async {
            full.notified().await;
            reader.read_to_end(&mut received).await.unwrap();
        };
        let ((), ended, ()) = tokio::join!(write, relay, read);
        assert!(matches!(ended, Step::Finished), "{ended:?}");
        assert!(
            received == sent,
            "{} of {} bytes arrived",
            received.len(),
            sent.len()
        );
    }

    #[tokio::test]
    async fn an_idle_pump_holds_no_buffer() {
        let Ends {
            mut writer,
            source,
            sink,
            mut reader,
        } = ends().await;
        let mut pump = Pump::default();
        let (write, read) = (writer.write_all(&[7; 1000]), reader.readable());
        let step = async {
            pump.ready(&source, &sink).await.unwrap();
            pump.step(&source, &sink)
        };
        let (wrote, step, readable) = tokio::join!(write, step, read);
        assert!(wrote.is_ok() && readable.is_ok());
        assert!(matches!(step, Step::Moved { written: 1000 }), "{step:?}");
        assert_eq!(pump.rest.capacity(), 0);
        let mut received = [0; 1000];
        reader.read_exact(&mut received).await.unwrap();
    }

    #[tokio::test]
    async fn a_buffer_that_was_needed_is_given_back() {
        let Ends {
            mut writer,
            source,
            sink,
            mut reader,
        } = ends().await;
        let mut pump = Pump::default();
        let write = async { while writer.write_all(&[0; 4096]).await.is_ok() {} };
        let relay = async {
            fill_up(&mut pump, &source, &sink).await;
            assert!(pump.rest.capacity() > 0);
            let mut buffer = vec![0; 1 << 20];
            while !pump.is_empty() {
                tokio::select! {
                    count = reader.read(&mut buffer) => assert!(count.unwrap() > 0),
                    ready = pump.ready(&source, &sink) => {
                        ready.unwrap();
                        assert!(matches!(pump.step(&source, &sink), Step::Moved { .. }));
                    }
                }
            }
            assert_eq!(pump.rest.capacity(), 0);
        };
        tokio::select! { () = write => panic!("the source stays open"), () = relay => {} }
    }

    #[tokio::test]
    async fn a_reset_source_is_told_from_a_finished_one_after_its_last_bytes() {
        let Ends {
            mut writer,
            source,
            sink,
            reader,
        } = ends().await;
        writer.write_all(b"last words").await.unwrap();
        writer.set_zero_linger().unwrap();
        drop(writer);
        let (moved, ended) = pump_all(&mut Pump::default(), &source, &sink).await;
        assert!(matches!(ended, Step::Unreadable(_)), "{ended:?}");
        assert_eq!(moved, b"last words".len());
        drop(reader);
    }

    #[tokio::test]
    async fn a_sink_that_is_gone_is_told() {
        let Ends {
            mut writer,
            source,
            sink,
            reader,
        } = ends().await;
        reader.set_zero_linger().unwrap();
        drop(reader);
        // A socket on which a reset has come is readable.
        sink.readable().await.unwrap();
        writer.write_all(b"to nobody").await.unwrap();
        let (moved, ended) = pump_all(&mut Pump::default(), &source, &sink).await;
        assert!(matches!(ended, Step::Unwritable(_)), "{ended:?}");
        assert_eq!(moved, 0);
    }

    #[tokio::test]
    async fn what_is_discarded_is_read_to_its_end() {
        let Ends {
            mut writer, source, ..
        } = ends().await;
        writer.write_all(&[1; 10]).await.unwrap();
        drop(writer);
        loop {
            source.readable().await.unwrap();
            match Pump::discard(&source) {
                Step::Moved { written } => assert_eq!(written, 0),
                ended => break assert!(matches!(ended, Step::Finished), "{ended:?}"),
            }
        }
    }
}
