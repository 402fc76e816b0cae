//! Asks from time to time whether to go on, and remembers the answer.
//!
//! Decoders, the scaler and encoders ask through [`Watch`] after each batch of work. Those that belong to others ask
//! without knowing it: what they read and write passes through [`WatchedReader`] and [`WatchedWriter`], which fail
//! once the answer was to stop. What a codec makes of such a failure does not matter: whoever owns the watch looks
//! at it afterwards.

use std::cell::Cell;
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom, Write};

use crate::ImageError;

/// How many bytes a codec reads or writes between two questions: about a millisecond of work.
pub(crate) const BATCH_BYTES: usize = 32 << 10;

/// Whether the caller wants the work to stop. Once it does, nobody is asked again.
pub(crate) struct Watch<'a> {
    stop: &'a dyn Fn() -> bool,
    stopped: Cell<bool>,
}

impl<'a> Watch<'a> {
    pub(crate) const fn new(stop: &'a dyn Fn() -> bool) -> Self {
        Self {
            stop,
            stopped: Cell::new(false),
        }
    }

    /// Whether the answer was to stop, without asking again.
    pub(crate) const fn has_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Asks, and fails if the work should stop.
    pub(crate) fn check(&self) -> Result<(), ImageError> {
        if !self.stopped.get() && (self.stop)() {
            self.stopped.set(true);
        }
        if self.stopped.get() {
            return Err(ImageError::Stopped);
        }
        Ok(())
    }

    pub(crate) fn check_io(&self) -> io::Result<()> {
        self.check().map_err(io::Error::other)
    }
}

/// Reads from memory, in batches.
pub(crate) struct WatchedReader<'a> {
    cursor: Cursor<&'a [u8]>,
    watch: &'a Watch<'a>,
    /// How many bytes may be read before the next question.
    left: usize,
}

impl<'a> WatchedReader<'a> {
    pub(crate) const fn new(input: &'a [u8], watch: &'a Watch<'a>) -> Self {
        Self {
            cursor: Cursor::new(input),
            watch,
            left: 0,
        }
    }
}

impl BufRead for WatchedReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.watch.check_io()?;
            self.left = BATCH_BYTES;
        }
        let rest = self.cursor.fill_buf()?;
        Ok(&rest[..rest.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        self.cursor.consume(amount);
        self.left = self.left.saturating_sub(amount);
    }
}

impl Read for WatchedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl Seek for WatchedReader<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.cursor.seek(position)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        self.cursor.stream_position()
    }
}

/// Writes to memory, and asks after each batch.
pub(crate) struct WatchedWriter<'a> {
    pub(crate) bytes: Vec<u8>,
    watch: &'a Watch<'a>,
    /// The length at which to ask next.
    ask_at: usize,
}

impl<'a> WatchedWriter<'a> {
    pub(crate) const fn new(watch: &'a Watch<'a>) -> Self {
        Self {
            bytes: Vec::new(),
            watch,
            ask_at: 0,
        }
    }

    #[cold]
    fn ask(&mut self) -> io::Result<()> {
        self.ask_at = self.bytes.len() + BATCH_BYTES;
        self.watch.check_io()
    }
}

impl Write for WatchedWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() >= self.ask_at {
            self.ask()?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
