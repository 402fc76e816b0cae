//! TCP backends that behave, and backends that do not.
//!
//! A [`Backend`] is bound to a free port of 127.0.0.1 and served by a plain future, which a test runs as a task of
//! its job or beside its own future with `select!`. What became of each connection is told by
//! [`Backend::next_connection`], so that a test can wait for an event instead of a while.
//!
//! # Examples
//!
//! ```
//! use testkit::backends::{Backend, Behaviour};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let (backend, serving) = Backend::bind(Behaviour::Echo).await?;
//! let client = async {
//!     let mut stream = TcpStream::connect(backend.address()).await?;
//!     stream.write_all(b"hello").await?;
//!     stream.shutdown().await?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await?;
//!     assert_eq!(answer, "hello");
//!     Ok(())
//! };
//! tokio::select! { done = client => done, failed = serving => failed.map(|never| match never {}) }
//! # }
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

/// A port of this machine that the system chooses.
const ANY_PORT: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// How many connections a test may leave unasked for before reports of further ones are dropped.
const REPORTS_MAX: usize = 4096;

/// What a backend does with each connection.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Sends back what it receives, and finishes when the peer has.
    Echo,
    /// Reads until the peer has finished, and only then sends everything back.
    EchoAtEnd,
    /// Sends this and finishes, then reads until the peer has finished.
    Greet(Vec<u8>),
    /// Sends this and closes without reading, so that the system resets a connection on which something came.
    GreetAndClose(Vec<u8>),
    /// Sends this and finishes, and resets once it has received so many bytes.
    GreetAndResetAfter(Vec<u8>, usize),
    /// Closes at once.
    CloseAtOnce,
    /// Resets at once.
    ResetAtOnce,
    /// Resets once it has received so many bytes.
    ResetAfter(usize),
    /// Reads and never answers.
    NeverAnswer,
    /// Neither reads nor answers, but notices a reset.
    NeverRead,
    /// Reads a little at a time, pausing each time, and sends back how many bytes came, in decimal.
    ReadSlowly,
}

/// How a connection ended, as the backend saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The peer finished, or the backend did what it does first.
    Finished,
    /// The peer reset the connection.
    Reset,
}

/// What became of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// How many bytes the backend received.
    pub received: usize,
    /// How it ended.
    pub end: End,
}

/// A listening backend.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    ended: mpsc::Receiver<Connection>,
}

impl Backend {
    /// Binds a backend and returns it with the future that serves it, which ends only when accepting fails.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    ///
    /// # Cancel safety
    ///
    /// Dropping the serving future closes the listener and all connections.
    pub async fn bind(
        behaviour: Behaviour,
    ) -> io::Result<(
        Self,
        impl Future<Output = io::Result<Infallible>> + Send + 'static,
    )> {
        Self::on(TcpListener::bind(ANY_PORT).await?, behaviour)
    }

    fn on(
        listener: TcpListener,
        behaviour: Behaviour,
    ) -> io::Result<(
        Self,
        impl Future<Output = io::Result<Infallible>> + Send + 'static,
    )> {
        let (report, ended) = mpsc::channel(REPORTS_MAX);
        let address = listener.local_addr()?;
        Ok((Self { address, ended }, serve(listener, behaviour, report)))
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection to end; nothing once the backend is served no more.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when this is dropped.
    pub async fn next_connection(&mut self) -> Option<Connection> {
        self.ended.recv().await
    }
}

/// Returns an address of this machine that refuses connections.
///
/// # Errors
///
/// When no port can be bound.
pub async fn refused_address() -> io::Result<SocketAddr> {
    TcpListener::bind(ANY_PORT).await?.local_addr()
}

/// A server that is down and keeps its port: connections are refused until it listens.
#[derive(Debug)]
pub struct Down(Socket);

impl Down {
    /// Takes a port without listening on it.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub fn bind() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(ANY_PORT).into())?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Returns where it will listen.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        let address = self.0.local_addr()?.as_socket();
        address.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// Listens from now on: a backend as [`Backend::bind`] makes it.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn come_up(
        self,
        behaviour: Behaviour,
    ) -> io::Result<(
        Backend,
        impl Future<Output = io::Result<Infallible>> + Send + 'static,
    )> {
        self.0.listen(128)?;
        Backend::on(TcpListener::from_std(self.0.into())?, behaviour)
    }
}

/// A listener that leaves connections unanswered: its queue is full and nobody accepts.
#[derive(Debug)]
pub struct FullBacklog {
    address: SocketAddr,
    _listener: Socket,
    _queued: TcpStream,
}

impl FullBacklog {
    /// Binds the listener and fills its queue.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn bind() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from(ANY_PORT).into())?;
        // Linux queues one connection more than it is asked for.
        listener.listen(0)?;
        let address = listener
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let queued = TcpStream::connect(address).await?;
        Ok(Self {
            address,
            _listener: listener,
            _queued: queued,
        })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Returns the two ends of a connection over the loopback device.
///
/// # Errors
///
/// When no port can be bound.
pub async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    let (near, accepted) = tokio::join!(
        TcpStream::connect(listener.local_addr()?),
        listener.accept()
    );
    Ok((near?, accepted?.0))
}

/// Returns `count` bytes that look random and are the same for the same seed.
#[must_use]
pub fn payload(seed: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

async fn serve(
    listener: TcpListener,
    behaviour: Behaviour,
    report: mpsc::Sender<Connection>,
) -> io::Result<Infallible> {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => connections.push(connection(accepted?.0, &behaviour)),
            Some(ended) = connections.next() => {
                // A test that asks for no reports is right to let them pile up to the limit.
                let _unread = report.try_send(ended);
            }
        }
    }
}

async fn connection(mut stream: TcpStream, behaviour: &Behaviour) -> Connection {
    let mut received = 0;
    let result = behave(&mut stream, behaviour, &mut received).await;
    let end = if result.is_ok() {
        End::Finished
    } else {
        End::Reset
    };
    Connection { received, end }
}

async fn behave(
    stream: &mut TcpStream,
    behaviour: &Behaviour,
    received: &mut usize,
) -> io::Result<()> {
    match behaviour {
        Behaviour::Echo => echo(stream, received).await,
        Behaviour::EchoAtEnd => {
            let everything = read_all(stream, received).await?;
            stream.write_all(&everything).await
        }
        Behaviour::Greet(greeting) => {
            stream.write_all(greeting).await?;
            stream.shutdown().await?;
            read_all(stream, received).await.map(drop)
        }
        Behaviour::GreetAndClose(greeting) => {
            // Wait for something to leave unread; that is what makes closing a reset.
            stream.readable().await?;
            stream.write_all(greeting).await
        }
        Behaviour::GreetAndResetAfter(greeting, count) => {
            stream.write_all(greeting).await?;
            stream.shutdown().await?;
            read_until(stream, *count, received).await?;
            stream.set_zero_linger()
        }
        Behaviour::CloseAtOnce => Ok(()),
        Behaviour::ResetAtOnce => stream.set_zero_linger(),
        Behaviour::ResetAfter(count) => {
            read_until(stream, *count, received).await?;
            stream.set_zero_linger()
        }
        Behaviour::NeverAnswer => {
            read_all(stream, received).await?;
            std::future::pending().await
        }
        Behaviour::NeverRead => {
            stream.ready(Interest::ERROR).await?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Behaviour::ReadSlowly => {
            read_slowly(stream, received).await?;
            stream.write_all(received.to_string().as_bytes()).await
        }
    }
}

async fn echo(stream: &mut TcpStream, received: &mut usize) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return stream.shutdown().await;
        }
        *received += count;
        stream.write_all(&buffer[..count]).await?;
    }
}

async fn read_all(stream: &mut TcpStream, received: &mut usize) -> io::Result<Vec<u8>> {
    let mut everything = Vec::new();
    while stream.read_buf(&mut everything).await? > 0 {
        *received = everything.len();
    }
    Ok(everything)
}

async fn read_until(stream: &mut TcpStream, count: usize, received: &mut usize) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    while *received < count {
        match stream.read(&mut buffer).await? {
            0 => break,
            some => *received += some,
        }
    }
    Ok(())
}

async fn read_slowly(stream: &mut TcpStream, received: &mut usize) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            some => *received += some,
        }
        sleep(Duration::from_millis(1)).await;
    }
}
