//! The clients: streams, requests on kept-alive connections, and clients that connect and close.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{
    order::{REQUEST_BYTES, wanted},
    upstream::{CHUNK, CHUNK_BYTES, throw_away},
};

/// Latencies of operations, in nanoseconds.
pub(super) type Latencies = Vec<u32>;

pub(super) async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A client that takes what comes.
pub(super) struct Download(TcpStream);

impl Download {
    pub(super) async fn start(target: SocketAddr) -> io::Result<Self> {
        let mut stream = connect(target).await?;
        stream.write_all(&[wanted::DOWNLOAD]).await?;
        Ok(Self(stream))
    }

    /// Takes it until then, and says how many bytes there were.
    pub(super) async fn run_until(&mut self, end: Instant) -> io::Result<u64> {
        let mut bytes = 0;
        match timeout_at(end, throw_away(&self.0, |more| bytes += more)).await {
            Err(_elapsed) => Ok(bytes),
            Ok(ended) => {
                ended?;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

/// A client that writes; what comes through is counted upstream.
pub(super) struct Upload(TcpStream);

impl Upload {
    pub(super) async fn start(target: SocketAddr) -> io::Result<Self> {
        let mut stream = connect(target).await?;
        stream.write_all(&[wanted::UPLOAD]).await?;
        Ok(Self(stream))
    }

    pub(super) async fn run_until(&mut self, end: Instant) -> io::Result<()> {
        let write = async {
            loop {
                self.0.write_all(&CHUNK).await?;
            }
        };
        timeout_at(end, write).await.unwrap_or(Ok(()))
    }
}

/// A client that sends one request at a time, going round its connections.
pub(super) struct Pinger {
    connections: Vec<TcpStream>,
    next: usize,
    request: [u8; REQUEST_BYTES],
    answer: Vec<u8>,
}

impl Pinger {
    pub(super) fn new(connections: Vec<TcpStream>, answer_bytes: usize) -> Self {
        let mut request = [0; REQUEST_BYTES];
        request[0] = wanted::ANSWERS;
        let length = answer_bytes.min(CHUNK_BYTES) as u32;
        request[1..5].copy_from_slice(&length.to_le_bytes());
        Self {
            connections,
            next: 0,
            request,
            // A byte longer than the answer: a read that does not fill its buffer spares the next one an EAGAIN.
            answer: vec![0; length as usize + 1],
        }
    }

    /// Sends a request on the next connection and waits for the whole answer.
    pub(super) async fn ping(&mut self) -> io::Result<()> {
        self.next = (self.next + 1) % self.connections.len();
        let stream = &mut self.connections[self.next];
        stream.write_all(&self.request).await?;
        let mut read = 0;
        while read + 1 < self.answer.len() {
            match stream.read(&mut self.answer[read..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        Ok(())
    }

    pub(super) async fn run_until(&mut self, end: Instant) -> io::Result<Latencies> {
        let mut latencies = Latencies::new();
        let mut start = Instant::now();
        while start < end {
            self.ping().await?;
            start = note(&mut latencies, start);
        }
        Ok(latencies)
    }
}

/// Connects, sends a byte, waits for a byte and closes, again and again until then.
pub(super) async fn connect_and_close(target: SocketAddr, end: Instant) -> io::Result<Latencies> {
    let mut latencies = Latencies::new();
    let mut start = Instant::now();
    while start < end {
        let mut stream = connect(target).await?;
        stream.write_all(&[wanted::BYTE]).await?;
        let mut answer = [0; 2];
        if stream.read(&mut answer).await? != 1 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        drop(stream);
        start = note(&mut latencies, start);
    }
    Ok(latencies)
}

/// Notes how long it took since then; returns the present moment.
fn note(latencies: &mut Latencies, start: Instant) -> Instant {
    let now = Instant::now();
    let nanos = now.duration_since(start).as_nanos();
    latencies.push(u32::try_from(nanos).unwrap_or(u32::MAX));
    now
}

/// The value below which this share of the operations lies, by the nearest rank; nought if there are none.
pub(super) fn percentile(sorted: &[u32], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let value = sorted.get(rank.saturating_sub(1));
    value.copied().map_or(0.0, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let latencies: Vec<u32> = (1..=200).collect();
        assert_eq!(percentile(&latencies, 0.5), 100.0);
        assert_eq!(percentile(&latencies, 0.99), 198.0);
        assert_eq!(percentile(&latencies, 1.0), 200.0);
        assert_eq!(percentile(&[7], 0.5), 7.0);
        assert_eq!(percentile(&[], 0.99), 0.0);
    }
}
