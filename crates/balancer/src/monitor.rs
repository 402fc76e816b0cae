//! Tells monitors what the balancer counts: `GET /metrics` on an address of its own, away from the connections that are balanced.

use std::convert::Infallible;
use std::io;
use std::net;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::address::ListenAddress;
use crate::bind::{BindError, bind};
use crate::page::{MEDIA_TYPE, Page};
use crate::stats::Stats;

/// Monitors that are answered at the same time; more wait in the kernel.
const CONNECTIONS_MAX: usize = 16;

/// How long one may take, from its connection to the end of its answer.
const TIME_MAX: Duration = Duration::from_secs(10);

/// How long to wait when nothing can be accepted, for files that become free.
const PAUSE: Duration = Duration::from_millis(100);

/// The `Content-Type` of an answer that is no page.
const PLAIN: &str = "text/plain; charset=utf-8";

/// Listens for monitors.
///
/// # Errors
///
/// When the system refuses, for example because the port is in use.
pub fn bind_monitor(address: &ListenAddress) -> Result<net::TcpListener, BindError> {
    Ok(bind(address, NonZero::<usize>::MIN)?.into_only())
}

/// Answers monitors, for ever; no error of a monitor or of `accept` ends it.
///
/// # Errors
///
/// When the listener cannot be watched.
///
/// # Cancel safety
///
/// Dropping it closes the listener and all connections.
pub async fn answer_monitors(
    listener: net::TcpListener,
    stats: Arc<Stats>,
) -> io::Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    let page = Page::new(stats);
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = accept(&listener), if connections.len() < CONNECTIONS_MAX => {
                connections.push(serve(accepted, &page));
            }
            Some(()) = connections.next() => {}
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                warn!(%error, "cannot accept a monitor");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one request.
async fn serve(stream: TcpStream, page: &Page) {
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, page)));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    match timeout(TIME_MAX, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a monitor was not answered"),
        Err(_) => debug!("a monitor took too long"),
    }
}

fn answer(request: &Request<Incoming>, page: &Page) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let words = |words: &str| (PLAIN, words.to_owned());
    let (status, (media_type, text)) = match request.uri().path() {
        "/metrics" if is_read => (StatusCode::OK, (MEDIA_TYPE, page.text())),
        "/metrics" => (StatusCode::METHOD_NOT_ALLOWED, words("GET it\n")),
        _ => (StatusCode::NOT_FOUND, words("there is only /metrics\n")),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
