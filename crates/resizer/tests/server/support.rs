//! A server on a port of its own, and a client that sees every byte.

use std::{net::SocketAddr, sync::Arc, sync::mpsc};

use resizer::{Config, Resizer, Stats};
use serde_json::Value;
use teamwork::{BlockingPool, JobHandle};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// A running server; dropped, it is cancelled.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stats: Arc<Stats>,
    pub(crate) pool: BlockingPool,
    pub(crate) job: JobHandle,
}

/// One connection to it.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// One response as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A thread of the pool that does nothing until released.
pub(crate) struct Hold {
    release: mpsc::Sender<()>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let resizer = Resizer::new(config);
        let (stats, pool) = (resizer.stats(), resizer.pool());
        let job = resizer.job(listener).run_in_background().await.unwrap();
        Self {
            address,
            stats,
            pool,
            job,
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Occupies one thread of the pool, and returns when it is occupied.
    pub(crate) async fn hold(&self) -> Hold {
        let (release, released) = mpsc::channel();
        let (started, has_started) = oneshot::channel();
        let held = self.pool.try_run(move |_| {
            started.send(()).unwrap();
            // An error is the release as well: the holder is gone.
            let _ = released.recv();
        });
        let held = held.expect("the pool has a free thread");
        tokio::select! {
            _ = held => panic!("it ended before it was released"),
            started = has_started => started.unwrap(),
        }
        Hold { release }
    }

    /// Waits until a condition on the server holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            tokio::task::yield_now().await;
        }
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a request with a body of known length, and gives its answer.
    pub(crate) async fn post(&mut self, target: &str, body: &[u8]) -> Reply {
        self.send(post(target, body)).await;
        self.reply().await
    }

    /// Reads the next response.
    pub(crate) async fn reply(&mut self) -> Reply {
        let status_line = self.line().await;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {status_line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            match line.split_once(": ") {
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
                None => break,
            }
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut reply.body).await.unwrap();
        }
        reply
    }

    /// Waits until the server closes the connection, which must not say any more.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Closes the sending side.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What a problem says: its status and code, after a look at the members that must agree.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], "about:blank");
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

impl Hold {
    pub(crate) fn release(self) {
        drop(self.release);
    }
}

/// A request with a body of known length.
pub(crate) fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
