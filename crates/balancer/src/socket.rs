//! One read, one write, one connect: with no system call that an earlier one has already answered.
//!
//! A read that brings less than was asked for has emptied the socket, and a write that takes less than it was given has
//! filled it. Both forget the socket's readiness at once, so that nobody asks again before the system says that something
//! has changed. (On Linux, with edge-triggered readiness, this loses nothing: what comes after the short read is an edge
//! of its own. Tokio's own `poll_read` and `poll_write` do the same.) Of a splice neither is true: it is made again until the
//! system says "not yet".

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recv, send, sockopt,
};
use rustix::pipe::{SpliceFlags, splice};

use crate::readiness::Readiness;

/// How bytes are moved through pipes. There is no "more follows" among it: nobody knows, and the peer would wait 200 ms.
const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

/// How new sockets are made.
pub(crate) const NEW: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// A connected socket and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Socket<'a> {
    file: BorrowedFd<'a>,
    readiness: &'a Readiness,
}

impl<'a> Socket<'a> {
    pub(crate) fn new(file: &'a OwnedFd, readiness: &'a Readiness) -> Self {
        let file = file.as_fd();
        Self { file, readiness }
    }

    /// Reads what is there, at most `buffer`; nothing at the end of the stream.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there yet.
    pub(crate) fn read(self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        let is_plain = !self.has_been_urgent();
        self.take_out(|file| {
            let (count, _) = recv(file, &mut *buffer, RecvFlags::empty())?;
            Ok((count, is_plain && count > 0 && count < room))
        })
    }

    /// Writes as much of `bytes` as the socket takes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it takes nothing yet.
    pub(crate) fn write(self, bytes: &[u8]) -> io::Result<usize> {
        self.put_in(|file| {
            // A peer that is gone is an error like any other, not a signal.
            let count = send(file, bytes, SendFlags::NOSIGNAL)?;
            Ok((count, count < bytes.len()))
        })
    }

    /// Moves what is there into an empty pipe, at most `bytes`; nothing at the end of the stream.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there yet.
    pub(crate) fn splice_in(self, pipe: impl AsFd, bytes: usize) -> io::Result<usize> {
        // A short count does not say that the socket is empty: the slots of the pipe may have run out.
        self.take_out(|file| Ok((splice(file, None, pipe, None, bytes, FLAGS)?, false)))
    }

    /// Moves as much of the `bytes` in a pipe as the socket takes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it takes nothing yet.
    pub(crate) fn splice_out(self, pipe: impl AsFd, bytes: usize) -> io::Result<usize> {
        // A short count does not say that the socket is full: a signal, or a tracer, cuts a splice short as well. Then the system
        // does not tell when the socket takes more, since it has not refused any.
        self.put_in(|file| Ok((splice(pipe, None, file, None, bytes, FLAGS)?, false)))
    }

    /// Whether its peer has sent urgent data. A read stops short there, and a splice does not get past it.
    pub(crate) fn has_been_urgent(self) -> bool {
        self.readiness.see().has_been_urgent()
    }

    /// Has small messages sent at once.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub(crate) fn send_at_once(self) -> io::Result<()> {
        Ok(sockopt::set_tcp_nodelay(self.file, true)?)
    }

    /// Takes something out of the socket by a call that returns how much it was, and whether the socket is empty now.
    fn take_out(
        self,
        call: impl FnOnce(BorrowedFd<'a>) -> rustix::io::Result<(usize, bool)>,
    ) -> io::Result<usize> {
        let seen = self.readiness.see();
        if !seen.is_readable() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let outcome = call(self.file);
        if matches!(outcome, Ok((_, true)) | Err(Errno::AGAIN)) {
            self.readiness.is_drained(seen);
        }
        Ok(outcome?.0)
    }

    /// Puts something into the socket by a call that returns how much it took, and whether it is full now.
    fn put_in(
        self,
        call: impl FnOnce(BorrowedFd<'a>) -> rustix::io::Result<(usize, bool)>,
    ) -> io::Result<usize> {
        let seen = self.readiness.see();
        if !seen.is_writable() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let outcome = call(self.file);
        if matches!(outcome, Ok((_, true)) | Err(Errno::AGAIN)) {
            self.readiness.is_full(seen);
        }
        Ok(outcome?.0)
    }
}

/// Tells whether the system only asks for patience.
pub(crate) fn is_not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Begins to connect to an address. The socket can be written to, or is broken, when that has come to an end.
///
/// # Errors
///
/// When the system refuses, or the peer at once.
pub(crate) fn begin_to_connect(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, NEW, Some(ipproto::TCP))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Returns what has broken a socket, if anything has.
///
/// # Errors
///
/// When the system does not say.
pub(crate) fn error_of(socket: &OwnedFd) -> io::Result<Option<io::Error>> {
    Ok(sockopt::socket_error(socket)?.err().map(io::Error::from))
}
