//! One connection: a job that speaks HTTP/1.1 until the client leaves or the server drains.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use teamwork::{Context, Job};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;

use crate::{
    access::{self, Line},
    answer,
    problem::Problem,
    service::{Admission, Service, Unread},
    stats::Ending,
};

/// A client that came in.
pub(crate) struct Visit {
    pub(crate) service: Arc<Service>,
    pub(crate) client: SocketAddr,
    /// Its place among the connections that are served, if there was one.
    pub(crate) place: Option<OwnedSemaphorePermit>,
    has_unread_body: AtomicBool,
}

type Stream = Pin<Box<TimeoutStream<TcpStream>>>;

/// Heads above this are refused with 431; it is also the most that is read of a body at once.
const BUFFER_BYTES_MAX: usize = 128 * 1024;
/// How long a client that is refused while it sends may go on sending, so that it can read why; as nginx does.
const LINGER: Duration = Duration::from_secs(2);

impl Visit {
    pub(crate) fn new(
        service: Arc<Service>,
        client: SocketAddr,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            service,
            client,
            place,
            has_unread_body: AtomicBool::new(false),
        }
    }

    /// The connection as a job. It never fails: what goes wrong with a client is the client's, and is logged.
    pub(crate) fn job(self, stream: TcpStream) -> Job {
        let mut job = Job::new("connection");
        job.add_fn("serve", async move |cx: &Context| {
            Arc::new(self).serve(cx, stream).await;
            Ok(())
        });
        job.inline().isolated()
    }

    async fn serve(self: Arc<Self>, cx: &Context, stream: TcpStream) {
        let stream = self.guard(stream);
        let visit = Arc::clone(&self);
        let service = service_fn(move |request| Box::pin(Arc::clone(&visit).answer(request)));
        let mut connection = self.http().serve_connection(TokioIo::new(stream), service);
        // Not `cx.unless_draining`: that is a safe point, and a request in flight must not be torn by a finish.
        // A task is polled when its job is told to drain.
        let mut is_draining = false;
        let ended = poll_fn(|task| {
            if cx.is_draining() && !is_draining {
                is_draining = true;
                // Closes the connection at once if it is idle, and after the answer if it is not.
                Pin::new(&mut connection).graceful_shutdown();
            }
            connection.poll_without_shutdown(task)
        })
        .await;
        let parts = connection.into_parts();
        let head = if parts.read_buf.is_empty() {
            Head::None
        } else {
            Head::Partial
        };
        self.close(parts.io.into_inner(), ended, head).await;
    }

    /// Bounds the wait for a client that does not take its answer.
    fn guard(&self, stream: TcpStream) -> Stream {
        if let Err(error) = stream.set_nodelay(true) {
            // It costs latency only.
            tracing::debug!(%error, client = %self.client, "small answers may be delayed");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.service.config.timeouts.write_stall));
        Box::pin(stream)
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout())
            .max_buf_size(BUFFER_BYTES_MAX)
            .keep_alive(self.admission() == Admission::Served);
        http
    }

    fn head_timeout(&self) -> Duration {
        match self.admission() {
            Admission::Served => self.service.config.timeouts.head,
            Admission::Refused => LINGER,
        }
    }

    fn admission(&self) -> Admission {
        match self.place {
            Some(_) => Admission::Served,
            None => Admission::Refused,
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (response, unread) = self
            .service
            .answer(self.client, self.admission(), request)
            .await;
        self.has_unread_body.store(unread == Unread::Body, Relaxed);
        Ok(response)
    }

    /// Says the last word, if there is one to say, and closes so that the client can read it.
    async fn close(&self, mut stream: Stream, ended: hyper::Result<()>, head: Head) {
        match ended {
            Ok(()) => {}
            // A connection that was idle is closed without a word, as clients expect.
            Err(error) if error.is_timeout() && head == Head::None => {}
            Err(error) if error.is_timeout() => self.refuse_slow_head(&mut stream).await,
            Err(error) if error.is_parse() => self.log_bad_head(&error),
            Err(error) => tracing::debug!(%error, client = %self.client, "the connection broke"),
        }
        if self.has_unread_body.load(Relaxed) {
            linger(stream).await;
        }
    }

    /// Answers in the place of hyper, which closes such a connection without a word.
    async fn refuse_slow_head(&self, stream: &mut Stream) {
        let problem = Problem::HeadTooSlow {
            limit: self.head_timeout(),
        };
        let (bytes, line) = answer::on_the_wire(&self.service.config.name, &problem);
        access::end_without_head(self.client, &self.service.stats, line);
        if let Err(error) = stream.write_all(&bytes).await {
            tracing::debug!(%error, client = %self.client, "the client left before its refusal");
        }
    }

    /// Notes what hyper has answered by itself, without a body.
    fn log_bad_head(&self, error: &hyper::Error) {
        tracing::debug!(%error, client = %self.client, "the head is no HTTP/1.1");
        let status = StatusCode::BAD_REQUEST;
        let line = Line {
            ending: Ending::Problem(status),
            status,
            code: "bad_head",
            bytes_out: 0,
        };
        access::end_without_head(self.client, &self.service.stats, line);
    }
}

/// What had arrived of a request when its connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    None,
    Partial,
}

/// Closes the sending side and reads on for a while: to close with unread bytes would reset the connection, and with it
/// the answer that the client has not read yet.
async fn linger(mut stream: Stream) {
    let read_on = async {
        stream.shutdown().await?;
        let mut scrap = vec![0; 16 * 1024];
        while stream.read(&mut scrap).await? > 0 {}
        std::io::Result::Ok(())
    };
    // However it ends, the answer was given and nobody is left to tell.
    let _ = timeout(LINGER, read_on).await;
}
