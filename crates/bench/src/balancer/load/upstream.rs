//! The upstream: answers as the first byte of a connection says.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use rustix::net::RecvFlags;
use socket2::{Domain, Socket, Type};
use teamwork::{Context, Flow, Task};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use super::order::{REQUEST_BYTES, wanted};

/// How much a stream writes and throws away at a time.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// What is written; what it is does not matter.
pub(super) static CHUNK: [u8; CHUNK_BYTES] = [b'x'; CHUNK_BYTES];

/// What the upstreams have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Bytes of uploads.
    pub(super) uploaded: AtomicU64,
    /// Connections that are open.
    pub(super) open: AtomicUsize,
    /// Downloads end: a proxy may go on reading one whose client has gone.
    pub(super) enough: Notify,
}

/// Listens on a port, with room for bursts.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// Accepts on one listener and adds a task for each connection.
pub(super) struct Accept {
    pub(super) listener: TcpListener,
    pub(super) seen: Arc<Seen>,
}

impl Task for Accept {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        let Some(accepted) = cx.unless_draining(self.listener.accept()).await else {
            return Ok(Flow::Done(()));
        };
        let (stream, _) = accepted?;
        let seen = Arc::clone(&self.seen);
        // It is refused only when the job stops, and then nobody measures any more.
        let _ = cx.job().add_fn("answer", async move |cx: &Context| {
            seen.open.fetch_add(1, Ordering::Relaxed);
            // A connection that breaks is missed by its client, which says so.
            let _ = cx.wait(answer(stream, &seen)).await;
            seen.open.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        });
        Ok(Flow::Tick)
    }
}

async fn answer(mut stream: TcpStream, seen: &Seen) -> io::Result<()> {
    // A byte longer than a request: a read that does not fill its buffer spares the next one an EAGAIN.
    let mut request = [0; REQUEST_BYTES + 1];
    let read = stream.read(&mut request).await?;
    match request[0] {
        _ if read == 0 => Ok(()),
        wanted::ANSWERS => answer_all(stream, request, read).await,
        wanted::DOWNLOAD => tokio::select! {
            () = seen.enough.notified() => Ok(()),
            failed = write_for_ever(&mut stream) => failed,
        },
        wanted::UPLOAD => {
            throw_away(&stream, |bytes| {
                seen.uploaded.fetch_add(bytes, Ordering::Relaxed);
            })
            .await
        }
        _ => {
            stream.write_all(&[wanted::BYTE]).await?;
            stream.read(&mut request).await.map(drop)
        }
    }
}

async fn write_for_ever(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        stream.write_all(&CHUNK).await?;
    }
}

async fn answer_all(
    mut stream: TcpStream,
    mut request: [u8; REQUEST_BYTES + 1],
    mut read: usize,
) -> io::Result<()> {
    loop {
        while read < REQUEST_BYTES {
            match stream.read(&mut request[read..]).await? {
                0 => return Ok(()),
                more => read += more,
            }
        }
        let length = u32::from_le_bytes([request[1], request[2], request[3], request[4]]);
        let length = (length as usize).min(CHUNK_BYTES);
        stream.write_all(&CHUNK[..length]).await?;
        read = 0;
    }
}

/// Takes everything that comes, without copying it out of the kernel, until the end.
pub(super) async fn throw_away(stream: &TcpStream, mut count: impl FnMut(u64)) -> io::Result<()> {
    // With MSG_TRUNC, TCP drops the bytes; the buffer only says how many at most.
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        stream.readable().await?;
        let taken = stream.try_io(Interest::READABLE, || {
            Ok(rustix::net::recv(stream, &mut buffer[..], RecvFlags::TRUNC)?.1)
        });
        match taken {
            Ok(0) => return Ok(()),
            Ok(bytes) => count(bytes as u64),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
