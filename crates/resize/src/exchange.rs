//! One image sent over one connection, and its answer.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use imaging::{Format, Warning};

use crate::answer::{Verdict, verdict};
use crate::config::Config;
use crate::query::query;
use crate::via::{Action, Address, Via};

/// The largest result that is accepted: as large as the largest image that is sent.
pub(crate) const RESULT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// As much of an error's description as is read.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

/// The header in which a resizer tells its name.
const SERVER_NAME: &str = "x-resizer";

/// The header in which it tells what it noticed about an image.
const WARNINGS: &str = "x-image-warnings";

/// What is asked for every image of a run.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    target: String,
    host: HeaderValue,
    timeout: Duration,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) status: StatusCode,
    /// The length of the image that it answers.
    pub(crate) bytes_sent: usize,
    /// The server's name, if it tells.
    pub(crate) server: Option<String>,
    /// Whether there was more of the result than is accepted, so that it is not in the body.
    pub(crate) is_too_large: bool,
    /// Whether the server says that the image was damaged, and that it made up what was missing.
    pub(crate) is_damaged: bool,
    /// The result, or the description of the error.
    pub(crate) body: Bytes,
}

/// The connection is of no further use. If an image was sent over it, nobody can know whether it was worked on, so it is
/// to be sent again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("connect to {address}")]
    Connect { address: Address, source: io::Error },
    #[error("connect to {address}: no answer within {} s", after.as_secs())]
    ConnectTimeout { address: Address, after: Duration },
    #[error("begin to speak HTTP with {address}")]
    Handshake {
        address: Address,
        source: hyper::Error,
    },
    #[error("the connection was lost")]
    Connection(#[from] hyper::Error),
    #[error("no answer within {} s", after.as_secs())]
    Timeout { after: Duration },
}

impl Order {
    /// The order of a run.
    pub(crate) fn new(config: &Config, via: &Via) -> Self {
        let mut target = format!("/resize?{}", query(&config.options));
        if via.action == Action::DryRun {
            target.push_str("&dry_run=true");
        }
        let host = HeaderValue::from_str(via.address.as_str())
            .expect("an authority is a legal header value");
        Self {
            target,
            host,
            timeout: via.request_timeout,
        }
    }

    fn request(&self, format: Format, image: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(image));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self
            .target
            .parse()
            .expect("made of a fixed path, of numbers and of words");
        request.headers_mut().insert(HOST, self.host.clone());
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        request
    }
}

/// Sends an image over a connection that is ready for it, and waits for the whole answer.
///
/// # Cancel safety
/// If the future is dropped, the connection is of no further use.
pub(crate) async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    order: &Order,
    format: Format,
    image: Bytes,
) -> Result<Answer, Lost> {
    let bytes_sent = image.len();
    let exchange = async {
        let response = sender.send_request(order.request(format, image)).await?;
        receive(response, bytes_sent).await
    };
    match tokio::time::timeout(order.timeout, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(Lost::Timeout {
            after: order.timeout,
        }),
    }
}

async fn receive(response: Response<Incoming>, bytes_sent: usize) -> Result<Answer, Lost> {
    let (head, body) = response.into_parts();
    let verdict = verdict(head.status, &head.headers);
    let bytes_max = if verdict == Verdict::Done {
        RESULT_BYTES_MAX
    } else {
        PROBLEM_BYTES_MAX
    };
    let mut is_too_large = false;
    let body = match Limited::new(body, bytes_max).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(error) => return Err(Lost::Connection(*error)),
            // Over the limit: a result that is not wanted, or no description. Dropping the rest unread closes the connection.
            Err(_) => {
                is_too_large = verdict == Verdict::Done;
                Bytes::new()
            }
        },
    };
    let server = head
        .headers
        .get(SERVER_NAME)
        .and_then(|name| name.to_str().ok())
        .map(str::to_owned);
    Ok(Answer {
        verdict,
        status: head.status,
        bytes_sent,
        server,
        is_too_large,
        is_damaged: says_damaged(&head.headers),
        body,
    })
}

/// Several warnings may come in headers of their own, or in one that something on the way has joined.
fn says_damaged(headers: &HeaderMap) -> bool {
    let warnings = headers.get_all(WARNINGS).iter();
    let mut words = warnings
        .filter_map(|warnings| warnings.to_str().ok())
        .flat_map(|warnings| warnings.split(','));
    words.any(|word| word.trim() == Warning::Damaged.word())
}
