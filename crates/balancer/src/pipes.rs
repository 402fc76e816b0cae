//! Pipes to move bytes through, from socket to socket without copying them: `splice(2)`.
//!
//! 1. A pipe is borrowed only while bytes are on their way. One that still holds some when its session ends is destroyed,
//!    so that no byte of one session can get into another.
//! 2. A pipe is filled only when it is empty. When the system then says "not yet", it means the socket: a pipe that is full
//!    by its slots and not by its bytes says the same, and who takes it for an empty socket waits for ever.
//! 3. There are at most [`PIPES_MAX`] in a balancer. Who gets none copies.
//!
//! A user may have `fs.pipe-user-pages-soft` pages in pipes (64 MiB by default); beyond, pipes are tiny and cannot be
//! enlarged. So the pipes are few, and what size they got is asked for.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::pipe::{PipeFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with};

use crate::config::Splice;
use crate::socket::Socket;

/// How many pipes a balancer has at most: with those of [`PIPE_BYTES`] half of what a user may have.
pub(crate) const PIPES_MAX: usize = 32;

/// How large a pipe should be.
const PIPE_BYTES: usize = 1024 * 1024;

/// The pipes of one core.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// Those that nobody uses, the last one used first: its memory is in the caches.
    idle: Mutex<Vec<Pipe>>,
    /// The system has refused to make another one; nobody asks again before one comes back.
    refused: AtomicBool,
    splice: Splice,
    budget: Arc<Budget>,
}

/// How many pipes the cores may make, all together.
#[derive(Debug)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub(crate) fn of(pipes: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(pipes)))
    }

    fn take(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.0.fetch_update(Relaxed, Relaxed, one_less).is_ok()
    }
}

impl Pipes {
    pub(crate) fn new(splice: Splice, budget: Arc<Budget>) -> Self {
        Self {
            idle: Mutex::default(),
            refused: AtomicBool::new(false),
            splice,
            budget,
        }
    }

    /// Lends an empty pipe, if there is one.
    pub(crate) fn borrow(&self) -> Option<Pipe> {
        if self.splice == Splice::Off {
            return None;
        }
        self.idle().pop().or_else(|| self.make())
    }

    /// Takes a pipe back; it is destroyed unless it is empty.
    pub(crate) fn give_back(&self, pipe: Pipe) {
        self.refused.store(false, Relaxed);
        if pipe.is_empty() {
            self.idle().push(pipe);
        }
    }

    fn make(&self) -> Option<Pipe> {
        if self.refused.load(Relaxed) || !self.budget.take() {
            return None;
        }
        // Dropped when the system refuses, which gives the place in the budget back.
        let place = Place(Arc::clone(&self.budget));
        let made = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC);
        self.refused.store(made.is_err(), Relaxed);
        let (reader, writer) = made.ok()?;
        let bytes = fcntl_setpipe_size(&writer, PIPE_BYTES)
            .or_else(|_not_allowed| fcntl_getpipe_size(&writer));
        Some(Pipe(Box::new(Ends {
            reader,
            writer,
            capacity: bytes.ok()?,
            filled: 0,
            _place: place,
        })))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Pipe>> {
        // Nothing that could panic happens under this lock, which only its own core takes.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the budget, given back when dropped.
#[derive(Debug)]
struct Place(Arc<Budget>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Relaxed);
    }
}

/// A pipe and how many bytes are in it; boxed, since a session that is idle has none.
#[derive(Debug)]
pub(crate) struct Pipe(Box<Ends>);

#[derive(Debug)]
struct Ends {
    reader: OwnedFd,
    writer: OwnedFd,
    /// How much is asked for at once. What comes may fill its slots before, or be more than they were meant to hold.
    capacity: usize,
    filled: usize,
    _place: Place,
}

impl Pipe {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.filled == 0
    }

    /// Moves what the source has into the pipe, which has to be empty; nothing at the end of the stream.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there yet.
    pub(crate) fn fill(&mut self, source: Socket<'_>) -> io::Result<usize> {
        debug_assert!(self.is_empty(), "a pipe is filled only when it is empty");
        self.0.filled = source.splice_in(&self.0.writer, self.0.capacity)?;
        Ok(self.0.filled)
    }

    /// Moves as much out of the pipe as the sink takes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it takes nothing yet.
    pub(crate) fn drain(&mut self, sink: Socket<'_>) -> io::Result<usize> {
        let moved = sink.splice_out(&self.0.reader, self.0.filled)?;
        self.0.filled -= moved;
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::Readiness;
    use rustix::event::epoll::EventFlags;

    #[test]
    fn pipes_are_few_and_the_last_one_used_is_lent_first() {
        let pipes = Pipes::new(Splice::Auto, Budget::of(2));
        let (first, second) = (pipes.borrow().unwrap(), pipes.borrow().unwrap());
        assert!(pipes.borrow().is_none());
        let name = format!("{:?}", second.0.reader);
        pipes.give_back(first);
        pipes.give_back(second);
        assert_eq!(format!("{:?}", pipes.borrow().unwrap().0.reader), name);
    }

    #[test]
    fn a_pipe_that_holds_bytes_is_destroyed_and_another_one_may_be_made() {
        let pipes = Pipes::new(Splice::Auto, Budget::of(1));
        let mut pipe = pipes.borrow().unwrap();
        pipe.0.filled = rustix::io::write(&pipe.0.writer, b"left over").unwrap();
        pipes.give_back(pipe);
        assert!(pipes.idle().is_empty());
        let pipe = pipes.borrow().unwrap();
        let read = rustix::io::read(&pipe.0.reader, &mut [0; 9]);
        assert_eq!(read, Err(rustix::io::Errno::WOULDBLOCK), "it is a new one");
    }

    /// A signal cuts a splice short, and then there is no news of a socket that takes more; who waited for it would wait for ever.
    #[tokio::test]
    async fn a_splice_that_was_cut_short_does_not_make_the_socket_full() {
        let (sink, _reader) = testkit::backends::pair().await.unwrap();
        let sink = OwnedFd::from(sink.into_std().unwrap());
        let readiness = Readiness::default();
        readiness.tell(0, EventFlags::OUT);
        let pipes = Pipes::new(Splice::Auto, Budget::of(1));
        let mut pipe = pipes.borrow().unwrap();
        rustix::io::write(&pipe.0.writer, b"some").unwrap();
        pipe.0.filled = b"some and more".len();
        assert_eq!(pipe.drain(Socket::new(&sink, &readiness)).unwrap(), 4);
        assert!(!pipe.is_empty() && readiness.see().is_writable());
    }

    #[test]
    fn where_splicing_is_off_there_are_no_pipes() {
        assert!(Pipes::new(Splice::Off, Budget::of(1)).borrow().is_none());
    }
}
