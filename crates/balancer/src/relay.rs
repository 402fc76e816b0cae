//! Moves bytes one way, from a source to a sink.
//!
//! A [`Pump`] never waits: [`Pump::awaits`] says what it has to wait for, and [`Pump::step`] moves at most one chunk.
//! Its guarantees:
//!
//! 1. It reads only what it has room for: never before everything read earlier was written. So back-pressure
//!    reaches the source through the kernel's own buffers, and at the end of the stream nothing is left over.
//! 2. An idle pump holds no buffer and no pipe. Bytes are read into a scratch buffer that the thread's pumps share, and what
//!    the sink does not take at once is copied to a buffer that lives until it does.
//! 3. A stream that keeps it busy is spliced: its bytes go through a pipe from socket to socket and are never copied. Small
//!    messages are copied, which takes two system calls as well and no pipe.
//! 4. A pump that always has something to do lets others have their turn.

use std::cell::RefCell;
use std::io;

use rustix::io::Errno;

use crate::ending::Side;
use crate::pipes::{Pipe, Pipes};
use crate::socket::{self, Socket};

/// How much is copied at once, and the most that waits for a slow sink in a buffer of ours.
const CHUNK_BYTES: usize = 64 * 1024;

/// After so many reads in a row that filled the scratch buffer, a stream is spliced; as HAProxy.
const FULL_READS: u8 = 3;

/// A splice that moves less than this would have cost less as a copy.
const PAYS_BYTES: usize = 16 * 1024;

/// After so many splices in a row that did not pay, a stream is copied again.
const POOR_SPLICES: u8 = 3;

/// How much is moved before others have their turn.
const TURN_BYTES: usize = 1024 * 1024;

/// A step counts as this much at least, or streams of small messages would have longer turns.
const STEP_BYTES: usize = 8 * 1024;

/// What fits into the first segment of every connection: nothing is in flight then, so it is sent at once, whatever
/// Nagle's algorithm would do about the next.
const FIRST_SEGMENT_BYTES: usize = 536;

thread_local! {
    // Borrowed only between two waits, so that all pumps of a thread can share it.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK_BYTES].into());
}

/// The state of one direction.
#[derive(Debug)]
pub(crate) struct Pump {
    /// Boxed, since a session that is idle has none.
    pending: Option<Box<Pending>>,
    manner: Manner,
    sending: Sending,
    /// How much was moved since others had their turn, in steps of [`STEP_BYTES`].
    moved: u8,
    /// The side that it reads from.
    pub(crate) source: Side,
    pub(crate) mode: Mode,
}

/// What a direction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What comes is handed on.
    Relay,
    /// What comes is dropped: the sink takes nothing more. After so many more chunks, each one waits for a pause.
    Discard { at_once: u8 },
    /// The sink has nothing more to learn: it got the end of the stream, or is broken.
    Over,
}

/// What was read and is not yet written.
#[derive(Debug)]
enum Pending {
    Bytes(Rest),
    Piped(Pipe),
}

/// Bytes that the sink did not take, and how many of them it has taken since.
#[derive(Debug)]
struct Rest {
    bytes: Box<[u8]>,
    written: usize,
}

impl Pending {
    fn is_written(&self) -> bool {
        match self {
            Self::Bytes(rest) => rest.written == rest.bytes.len(),
            Self::Piped(pipe) => pipe.is_empty(),
        }
    }

    /// Writes as much of it as the sink takes.
    fn write(&mut self, sink: Socket<'_>) -> Step {
        match self {
            Self::Bytes(rest) => rest.write(sink),
            Self::Piped(pipe) => drain(pipe, sink),
        }
    }
}

impl Rest {
    fn write(&mut self, sink: Socket<'_>) -> Step {
        match write(sink, &self.bytes[self.written..]) {
            Ok(written) => {
                self.written += written;
                Step::Moved { written }
            }
            Err(error) => Step::Unwritable(error),
        }
    }
}

/// How bytes are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Through the scratch buffer; so many reads in a row have filled it.
    Copy { full: u8 },
    /// Through a pipe; so many splices in a row did not pay.
    Splice { poor: u8 },
    /// Through the scratch buffer: the system cannot splice these sockets, or these bytes.
    CopyOnly,
}

/// Whether small messages are sent at once: whether to collect them is for the peers to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// The first one will be, in any case. Sessions that send no second need not say anything to the system.
    Fresh,
    /// One was sent; the system has to be told before the next.
    Second,
    /// They are.
    AtOnce,
}

/// What a direction waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Awaits {
    /// That there is something to read from its source.
    #[default]
    Source,
    /// That its sink takes more.
    Sink,
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

impl Manner {
    /// What follows from a read of `count` bytes.
    fn copied(self, count: usize) -> Self {
        match self {
            Self::Copy { full } if count == CHUNK_BYTES => Self::Copy {
                full: (full + 1).min(FULL_READS),
            },
            Self::CopyOnly => self,
            _ => Self::Copy { full: 0 },
        }
    }

    /// What follows from a splice of `count` bytes.
    fn spliced(self, count: usize) -> Self {
        match self {
            _ if count >= PAYS_BYTES => Self::Splice { poor: 0 },
            Self::Splice { poor } if poor + 1 < POOR_SPLICES => Self::Splice { poor: poor + 1 },
            _ => Self::Copy { full: 0 },
        }
    }

    fn wants_a_pipe(self) -> bool {
        matches!(self, Self::Copy { full: FULL_READS } | Self::Splice { .. })
    }
}

impl Pump {
    /// Makes a pump from one side to the other, whose socket sends small messages like this.
    pub(crate) fn new(source: Side, sending: Sending) -> Self {
        Self {
            pending: None,
            manner: Manner::Copy { full: 0 },
            sending,
            moved: 0,
            source,
            mode: Mode::Relay,
        }
    }

    /// Tells whether others should have their turn before the next step; only once.
    pub(crate) fn has_had_its_turn(&mut self) -> bool {
        let has = self.has_moved_its_share();
        if has {
            self.moved = 0;
        }
        has
    }

    /// Tells whether it is time for others to have their turn.
    pub(crate) fn has_moved_its_share(&self) -> bool {
        usize::from(self.moved) >= TURN_BYTES / STEP_BYTES
    }

    /// Tells what has to come before a step can do something.
    pub(crate) fn awaits(&self) -> Awaits {
        if self.is_empty() {
            Awaits::Source
        } else {
            Awaits::Sink
        }
    }

    /// Notes that it has to wait, in which others have their turn.
    pub(crate) fn pauses(&mut self) {
        self.moved = 0;
    }

    /// Moves one chunk, or as much of it as the sink takes.
    pub(crate) fn step(&mut self, source: Socket<'_>, sink: Socket<'_>, pipes: &Pipes) -> Step {
        let step = match &mut self.pending {
            None => match self.splice(source, sink, pipes) {
                Some(step) => step,
                None => self.copy(source, sink),
            },
            Some(pending) => {
                let step = pending.write(sink);
                self.let_go_of_what_is_written(pipes);
                step
            }
        };
        if let Step::Moved { written } = step {
            let steps = u8::try_from(written / STEP_BYTES).unwrap_or(u8::MAX);
            self.moved = self.moved.saturating_add(steps.max(1));
        }
        step
    }

    /// Drops what was not written, and has what comes dropped as well: the sink takes nothing more. Else it would wait for the sink.
    pub(crate) fn discard_from_now_on(&mut self, at_once: u8) {
        self.pending = None;
        self.mode = Mode::Discard { at_once };
    }

    /// Reads one chunk and drops it.
    pub(crate) fn discard(source: Socket<'_>) -> Step {
        SCRATCH.with_borrow_mut(|scratch| match source.read(scratch) {
            Ok(0) => Step::Finished,
            Ok(_) => Step::Moved { written: 0 },
            Err(error) if socket::is_not_yet(&error) => Step::Moved { written: 0 },
            Err(error) => Step::Unreadable(error),
        })
    }

    /// Tells whether the sink has taken everything that was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_none()
    }

    fn copy(&mut self, source: Socket<'_>, sink: Socket<'_>) -> Step {
        SCRATCH.with_borrow_mut(|scratch| {
            let chunk = match source.read(scratch) {
                Ok(0) => return Step::Finished,
                Ok(count) => &scratch[..count],
                Err(error) if socket::is_not_yet(&error) => return Step::Moved { written: 0 },
                Err(error) => return Step::Unreadable(error),
            };
            self.manner = self.manner.copied(chunk.len());
            self.before_sending(sink, chunk.len());
            match write(sink, chunk) {
                Ok(written) => {
                    if written < chunk.len() {
                        let bytes = chunk[written..].into();
                        let rest = Rest { bytes, written: 0 };
                        self.pending = Some(Box::new(Pending::Bytes(rest)));
                    }
                    Step::Moved { written }
                }
                Err(error) => Step::Unwritable(error),
            }
        })
    }

    fn let_go_of_what_is_written(&mut self, pipes: &Pipes) {
        let written = self.pending.take_if(|pending| pending.is_written());
        if let Some(Pending::Piped(pipe)) = written.map(|written| *written) {
            pipes.give_back(pipe);
        }
    }

    /// Moves one chunk through a pipe, if the stream is to be spliced and there is one.
    fn splice(&mut self, source: Socket<'_>, sink: Socket<'_>, pipes: &Pipes) -> Option<Step> {
        if !self.manner.wants_a_pipe() {
            return None;
        }
        if source.has_been_urgent() {
            self.manner = Manner::CopyOnly;
            return None;
        }
        let mut pipe = pipes.borrow()?;
        let ended = match pipe.fill(source) {
            Ok(0) => Step::Finished,
            Ok(count) => {
                self.manner = self.manner.spliced(count);
                self.before_sending(sink, count);
                let step = drain(&mut pipe, sink);
                if pipe.is_empty() {
                    pipes.give_back(pipe);
                } else {
                    self.pending = Some(Box::new(Pending::Piped(pipe)));
                }
                return Some(step);
            }
            Err(error) if socket::is_not_yet(&error) => Step::Moved { written: 0 },
            Err(error) if is_impossible(&error) => {
                self.manner = Manner::CopyOnly;
                Step::Moved { written: 0 }
            }
            Err(error) => Step::Unreadable(error),
        };
        pipes.give_back(pipe);
        Some(ended)
    }

    /// Tells the system, when it matters, that small messages are to be sent at once.
    fn before_sending(&mut self, sink: Socket<'_>, count: usize) {
        self.sending = match self.sending {
            Sending::Fresh if count <= FIRST_SEGMENT_BYTES => Sending::Second,
            Sending::AtOnce => return,
            Sending::Fresh | Sending::Second => {
                // It fails only on a connection that is broken already, which the write is about to learn.
                let _broken = sink.send_at_once();
                Sending::AtOnce
            }
        };
    }
}

/// Writes as much of `bytes` as the sink takes without waiting.
fn write(sink: Socket<'_>, bytes: &[u8]) -> io::Result<usize> {
    match sink.write(bytes) {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if socket::is_not_yet(&error) => Ok(0),
        outcome => outcome,
    }
}

/// Moves as much out of the pipe as the sink takes.
fn drain(pipe: &mut Pipe, sink: Socket<'_>) -> Step {
    match pipe.drain(sink) {
        Ok(0) => Step::Unwritable(io::ErrorKind::WriteZero.into()),
        Ok(written) => Step::Moved { written },
        Err(error) if socket::is_not_yet(&error) => Step::Moved { written: 0 },
        Err(error) => Step::Unwritable(error),
    }
}

/// Tells whether the system cannot splice from this socket at all.
fn is_impossible(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF)
    )
}

#[cfg(test)]
mod tests;
