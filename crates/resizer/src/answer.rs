//! What goes back to the client: responses built from results, without waiting for anything.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use imaging::Resized;
use serde_json::json;

use crate::{
    access::Line, budget::Reservation, config::ServerName, page::MEDIA_TYPE, problem::Problem,
    stats::Ending,
};

/// What a request came to.
#[derive(Debug)]
pub(crate) enum Done {
    /// The image, and the part of the memory budget that it fills until it is sent.
    Resized(Resized, Reservation),
    DryRun {
        received: u64,
    },
    Healthy,
    Ready,
    Unready,
    /// The page for monitors.
    Metrics(String),
}

/// A response, and what the log says about it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<Full<Bytes>>,
    pub(crate) line: Line,
}

/// Tells which server answered.
const X_RESIZER: HeaderName = HeaderName::from_static("x-resizer");
const X_IMAGE_WIDTH: HeaderName = HeaderName::from_static("x-image-width");
const X_IMAGE_HEIGHT: HeaderName = HeaderName::from_static("x-image-height");
/// What was noticed about the image, if anything was.
const X_IMAGE_WARNINGS: HeaderName = HeaderName::from_static("x-image-warnings");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METRICS: HeaderValue = HeaderValue::from_static(MEDIA_TYPE);
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// In seconds, the least that the header can say: a queue empties faster than that.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A result that counts as long as somebody has it.
struct Kept {
    bytes: Vec<u8>,
    _memory: Reservation,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Answer {
    /// Builds the answer of the server with this name.
    pub(crate) fn new(name: &ServerName, result: Result<Done, Problem>) -> Self {
        let mut answer = match result {
            Ok(Done::Resized(image, memory)) => resized(image, memory),
            Ok(Done::DryRun { received }) => dry_run(name, received),
            Ok(Done::Healthy) => well(name, "ok", "healthy"),
            Ok(Done::Ready) => well(name, "ready", "ready"),
            Ok(Done::Unready) => unready(),
            Ok(Done::Metrics(page)) => Self::ok(page.into(), METRICS, Ending::Asked, "metrics"),
            Err(problem) => refused(&problem),
        };
        answer
            .response
            .headers_mut()
            .insert(X_RESIZER, name.header());
        answer
    }

    /// Makes this the last answer on its connection.
    pub(crate) fn close(&mut self) {
        let close = HeaderValue::from_static("close");
        self.response
            .headers_mut()
            .insert(header::CONNECTION, close);
    }

    fn ok(body: Bytes, media_type: HeaderValue, ending: Ending, code: &'static str) -> Self {
        let status = StatusCode::OK;
        let line = Line {
            ending,
            status,
            code,
            bytes_out: body.len() as u64,
        };
        Self {
            response: response(status, body, media_type),
            line,
        }
    }
}

/// A refusal as bytes, for when there is no request that a response could belong to. It is the last on its connection.
pub(crate) fn on_the_wire(name: &ServerName, problem: &Problem) -> (Vec<u8>, Line) {
    let body = problem.json();
    let line = line(problem, &body);
    let mut bytes = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         x-resizer: {name}\r\nconnection: close\r\n\r\n",
        line.status,
        body.len(),
    )
    .into_bytes();
    bytes.extend(body);
    (bytes, line)
}

fn line(problem: &Problem, body: &[u8]) -> Line {
    let status = problem.status();
    let bytes_out = body.len() as u64;
    Line {
        ending: Ending::Problem(status),
        status,
        code: problem.code(),
        bytes_out,
    }
}

fn resized(image: Resized, memory: Reservation) -> Answer {
    let media_type = HeaderValue::from_static(image.format.media_type());
    let body = Bytes::from_owner(Kept {
        bytes: image.bytes,
        _memory: memory,
    });
    let mut answer = Answer::ok(body, media_type, Ending::Resized, "resized");
    let headers = answer.response.headers_mut();
    headers.insert(X_IMAGE_WIDTH, image.width.into());
    headers.insert(X_IMAGE_HEIGHT, image.height.into());
    for warning in image.warnings {
        headers.append(X_IMAGE_WARNINGS, HeaderValue::from_static(warning.word()));
    }
    answer
}

fn dry_run(name: &ServerName, received: u64) -> Answer {
    let body = json!({ "name": name.as_str(), "received_bytes": received }).to_string();
    Answer::ok(body.into(), JSON, Ending::DryRun, "dry_run")
}

fn well(name: &ServerName, status: &str, code: &'static str) -> Answer {
    let body = json!({ "name": name.as_str(), "status": status }).to_string();
    Answer::ok(body.into(), JSON, Ending::Asked, code)
}

/// Who only asks is refused nothing, so it is not counted as a refusal.
fn unready() -> Answer {
    let mut answer = refused(&Problem::QueueFull);
    answer.line.ending = Ending::Asked;
    answer
}

fn refused(problem: &Problem) -> Answer {
    let body = problem.json();
    let line = line(problem, &body);
    let mut response = response(line.status, body.into(), PROBLEM_JSON);
    if let Problem::MethodNotAllowed { allow } = problem {
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if problem.is_passing() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    Answer { response, line }
}

fn response(status: StatusCode, body: Bytes, media_type: HeaderValue) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}
