//! One read, one write, one connect: with no system call that an earlier one has already answered.
//!
//! A read that brings less than was asked for has emptied the socket, and a write that takes less than it was given has
//! filled it. Both forget the socket's readiness at once, so that nobody asks again before the system says that something
//! has changed. (On Linux, with edge-triggered readiness, this loses nothing: what comes after the short read is an edge
//! of its own. Tokio's own `poll_read` and `poll_write` do the same.)

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recv, send,
};
use rustix::pipe::{SpliceFlags, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// How bytes are moved through pipes. There is no "more follows" among it: nobody knows, and the peer would wait 200 ms.
const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

/// Reads what is there, at most `buffer`; nothing at the end of the stream.
///
/// # Errors
///
/// `WouldBlock` when nothing is there yet.
pub(crate) fn read(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut came = None;
    let tried = stream.try_io(Interest::READABLE, || {
        let (count, _) = recv(stream, &mut *buffer, RecvFlags::empty())?;
        came = Some(count);
        unless(count > 0 && count < buffer.len())
    });
    came.map_or_else(|| tried.map(|()| 0), Ok)
}

/// Writes as much of `bytes` as the socket takes.
///
/// # Errors
///
/// `WouldBlock` when it takes nothing yet.
pub(crate) fn write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = None;
    let tried = stream.try_io(Interest::WRITABLE, || {
        // A peer that is gone is an error like any other, not a signal.
        let count = send(stream, bytes, SendFlags::NOSIGNAL)?;
        taken = Some(count);
        unless(count < bytes.len())
    });
    taken.map_or_else(|| tried.map(|()| 0), Ok)
}

/// Tells Tokio that the socket is not ready any more, if so.
fn unless(exhausted: bool) -> io::Result<()> {
    if exhausted {
        Err(io::ErrorKind::WouldBlock.into())
    } else {
        Ok(())
    }
}

/// Tells whether the system only asks for patience.
pub(crate) fn is_not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Connects to an address.
///
/// # Errors
///
/// When the system or the peer refuses.
///
/// # Cancel safety
///
/// The half-made connection is closed when this is dropped.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from_std(socket.into())?;
    // A connect that failed has shut the socket in both directions; only then is there an error to ask for.
    let ready = stream.ready(Interest::WRITABLE).await?;
    if ready.is_write_closed()
        && let Some(error) = socket2::SockRef::from(&stream).take_error()?
    {
        return Err(error);
    }
    Ok(stream)
}

/// Moves what is there into an empty pipe, at most `bytes`; nothing at the end of the stream.
///
/// # Errors
///
/// `WouldBlock` when nothing is there yet.
pub(crate) fn splice_in(stream: &TcpStream, pipe: impl AsFd, bytes: usize) -> io::Result<usize> {
    stream.try_io(Interest::READABLE, || {
        // A short count does not say that the socket is empty: the slots of the pipe may have run out.
        Ok(splice(stream, None, pipe, None, bytes, FLAGS)?)
    })
}

/// Moves as much of the `bytes` in a pipe as the socket takes.
///
/// # Errors
///
/// `WouldBlock` when it takes nothing yet.
pub(crate) fn splice_out(pipe: impl AsFd, stream: &TcpStream, bytes: usize) -> io::Result<usize> {
    let mut taken = None;
    let tried = stream.try_io(Interest::WRITABLE, || {
        let count = splice(pipe, None, stream, None, bytes, FLAGS)?;
        taken = Some(count);
        unless(count < bytes)
    });
    taken.map_or_else(|| tried.map(|()| 0), Ok)
}
