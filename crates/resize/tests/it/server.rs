//! A server on a real socket that answers as a script says: it can also hold its answer, break it off, or hang up.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use resize::Address;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One request as it came in.
#[derive(Clone)]
pub(crate) struct Request {
    /// 1 for the first of all requests, on whatever connection.
    pub(crate) number: usize,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.body
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    /// Sends the image back as the result.
    Echo,
    /// Sends the image back once so many connections are or were open.
    EchoAfterConnections(usize),
    /// Sends the image back once the test says so.
    EchoWhenReleased,
    /// Sends the image back and closes the connection, having said so.
    EchoAndClose,
    /// Answers so, with these header lines and this body.
    Say(&'static str, &'static str, &'static str),
    /// Begins an answer of so many bytes, and sends zeros for as long as somebody takes them.
    Zeros(usize),
    /// Hangs up without an answer.
    HangUp,
    /// Hangs up in the middle of the answer.
    BreakOff,
}

/// The listener, its script, and what has happened so far.
pub(crate) struct Server {
    listener: TcpListener,
    script: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    pub(crate) requests: Mutex<Vec<Request>>,
    received: watch::Sender<usize>,
    released: watch::Sender<bool>,
    opened: watch::Sender<usize>,
    open: AtomicUsize,
    pub(crate) open_max: AtomicUsize,
    closed: watch::Sender<usize>,
}

impl Server {
    pub(crate) async fn new(
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            script: Box::new(script),
            requests: Mutex::default(),
            received: watch::Sender::new(0),
            released: watch::Sender::new(false),
            opened: watch::Sender::new(0),
            open: AtomicUsize::new(0),
            open_max: AtomicUsize::new(0),
            closed: watch::Sender::new(0),
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.listener
            .local_addr()
            .unwrap()
            .to_string()
            .parse()
            .unwrap()
    }

    /// Serves for as long as the future is polled.
    pub(crate) async fn serve(&self) -> Infallible {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => connections.push(self.connection(accepted.unwrap().0)),
                Some(()) = connections.next() => {}
            }
        }
    }

    /// Drives `work` to its end while serving.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.serve() => match never {},
        }
    }

    /// Waits until so many requests have come in whole.
    pub(crate) async fn received(&self, count: usize) {
        self.received
            .subscribe()
            .wait_for(|received| *received >= count)
            .await
            .unwrap();
    }

    /// Waits until so many connections have ended.
    pub(crate) async fn closed(&self, count: usize) {
        self.closed
            .subscribe()
            .wait_for(|closed| *closed >= count)
            .await
            .unwrap();
    }

    /// Lets the answers go that are held, now and later.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    pub(crate) fn opened_count(&self) -> usize {
        *self.opened.borrow()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .map(|request| request.target.clone())
            .collect()
    }

    async fn connection(&self, stream: TcpStream) {
        self.opened.send_modify(|opened| *opened += 1);
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.open_max.fetch_max(open, Ordering::Relaxed);
        let mut stream = BufReader::new(stream);
        // An error is a client that went away, which is its right.
        while let Ok(Some(request)) = self.receive(&mut stream).await {
            if !self
                .reply(stream.get_mut(), &request)
                .await
                .unwrap_or(false)
            {
                break;
            }
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        drop(stream);
        self.closed.send_modify(|closed| *closed += 1);
    }

    async fn receive(&self, stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            head.push(line);
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let target = head[0].split(' ').nth(1).unwrap().to_owned();
        let mut requests = self.requests.lock().unwrap();
        let request = Request {
            number: requests.len() + 1,
            target,
            body,
        };
        requests.push(request.clone());
        drop(requests);
        self.received.send_modify(|received| *received += 1);
        Ok(Some(request))
    }

    /// Replies as scripted; false if the connection ends with it.
    async fn reply(&self, stream: &mut TcpStream, request: &Request) -> io::Result<bool> {
        let reply = (self.script)(request);
        match reply {
            Reply::Echo | Reply::EchoAndClose => {}
            Reply::EchoAfterConnections(count) => {
                self.opened
                    .subscribe()
                    .wait_for(|opened| *opened >= count)
                    .await
                    .unwrap();
            }
            Reply::EchoWhenReleased => {
                self.released
                    .subscribe()
                    .wait_for(|released| *released)
                    .await
                    .unwrap();
            }
            Reply::Say(status, headers, body) => {
                stream
                    .write_all(&answer(status, headers, body.as_bytes(), body.len()))
                    .await?;
                return Ok(true);
            }
            Reply::Zeros(bytes) => {
                stream.write_all(&answer("200 OK", "", &[], bytes)).await?;
                let piece = vec![0; 1 << 20];
                for _ in 0..bytes / piece.len() {
                    stream.write_all(&piece).await?;
                }
                return Ok(false);
            }
            Reply::HangUp => return Ok(false),
            Reply::BreakOff => {
                let half = &request.body[..request.body.len() / 2];
                stream
                    .write_all(&answer("200 OK", "", half, request.body.len()))
                    .await?;
                return Ok(false);
            }
        }
        let closes = matches!(reply, Reply::EchoAndClose);
        let headers = if closes {
            "connection: close\r\n"
        } else {
            "x-resizer: echo\r\n"
        };
        stream
            .write_all(&answer(
                "200 OK",
                headers,
                &request.body,
                request.body.len(),
            ))
            .await?;
        Ok(!closes)
    }
}

/// An answer that announces `length` bytes of body, and has so many or fewer.
fn answer(status: &str, headers: &str, body: &[u8], length: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}
