//! Everything that can be wrong with a request, and how it is told: RFC 9457 problem details.

use std::{error::Error, fmt::Write, time::Duration};

use http::StatusCode;
use imaging::{ImageError, SETTINGS};
use serde::Serialize;

use crate::units::ByteSize;

/// Why a request is not answered with what it asked for.
///
/// The text is the `detail` of the answer: it tells the client what to change. The status and the stable
/// code come from one table, [`Problem::status_and_code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error(
        "there is nothing at this path; POST an image to /resize, or GET /healthz, /readyz or /metrics"
    )]
    NotFound,
    #[error("this path takes {allow}")]
    MethodNotAllowed { allow: &'static str },

    #[error(
        "unknown parameter {name:?}; known are width, height, dry_run{}",
        settings()
    )]
    UnknownParameter { name: String },
    #[error("parameter {name} {why}")]
    BadParameter { name: &'static str, why: String },
    #[error("give width, height or both, as in /resize?width=256&height=256")]
    NoSize,

    #[error("the head of the request did not arrive within {limit:?}")]
    HeadTooSlow { limit: Duration },
    #[error("send the image as the body, with a Content-Length or chunked")]
    LengthRequired,
    #[error("the body is empty; send the image as the body, as in curl --data-binary @photo.jpg")]
    EmptyBody,
    #[error("the body is larger than {limit}, the limit of this server")]
    BodyTooLarge { limit: ByteSize },
    #[error("the body could not be read: {why}")]
    BodyMalformed { why: String },
    #[error("the connection ended before the body was complete")]
    BodyIncomplete,
    #[error("no byte of the body arrived for {stall:?}")]
    BodyStalled { stall: Duration },
    #[error("the body did not arrive within {limit:?}")]
    BodyTooSlow { limit: Duration },

    #[error(
        "send the bytes of the image alone, not a multipart form; as in curl --data-binary @photo.jpg"
    )]
    Multipart,
    #[error("send the image without a Content-Encoding; got {encoding:?}")]
    ContentEncoding { encoding: String },

    #[error("the body is not a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF image")]
    NotAnImage,
    #[error("cannot resize this image: {why}")]
    ImageUnsupported { why: String },
    #[error("cannot resize this image: {why}")]
    ImageTooLarge { why: String },
    #[error("cannot resize this image: {why}")]
    ImageBroken { why: String },
    #[error(
        "the resized image is larger than {limit}, all that this server holds; ask for a smaller size, a lower quality or another format"
    )]
    ResultTooLarge { limit: ByteSize },

    #[error("all workers are busy and the queue is full; try again, or elsewhere")]
    QueueFull,
    #[error("no memory is left for another image; try again, or elsewhere")]
    MemoryFull,
    #[error("too many connections are open; try again, or elsewhere")]
    TooManyConnections,
    #[error("the image was not resized within {limit:?}; try again, or elsewhere")]
    Overdue { limit: Duration },

    #[error("the server failed to resize this image; its log says why")]
    Internal,
}

/// The members of a problem, in the order of RFC 9457 section 3.1, then our own.
#[derive(Debug, Serialize)]
struct Details<'a> {
    // `code` tells the problems apart, so the type says no more than the status does (section 4.2.1).
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: String,
    code: &'static str,
}

impl Problem {
    /// The status of the answer.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status_and_code().0
    }

    /// The name of the problem, for programs; it never changes.
    pub(crate) const fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// Whether the same request may well succeed a moment later, here or on another server.
    pub(crate) fn is_passing(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    /// The body of the answer.
    pub(crate) fn json(&self) -> Vec<u8> {
        let status = self.status();
        let details = Details {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Unknown"),
            status: status.as_u16(),
            detail: self.to_string(),
            code: self.code(),
        };
        serde_json::to_vec(&details).expect("strings and a number always serialize")
    }

    const fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::UnknownParameter { .. } => (StatusCode::BAD_REQUEST, "unknown_parameter"),
            Self::BadParameter { .. } => (StatusCode::BAD_REQUEST, "bad_parameter"),
            Self::NoSize => (StatusCode::BAD_REQUEST, "no_size"),
            Self::HeadTooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "head_too_slow"),
            Self::LengthRequired => (StatusCode::LENGTH_REQUIRED, "length_required"),
            Self::EmptyBody => (StatusCode::BAD_REQUEST, "empty_body"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyMalformed { .. } => (StatusCode::BAD_REQUEST, "body_malformed"),
            Self::BodyIncomplete => (StatusCode::BAD_REQUEST, "body_incomplete"),
            Self::BodyStalled { .. } => (StatusCode::REQUEST_TIMEOUT, "body_stalled"),
            Self::BodyTooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "body_too_slow"),
            Self::Multipart => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "multipart"),
            Self::ContentEncoding { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding")
            }
            Self::NotAnImage => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_an_image"),
            Self::ImageUnsupported { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "image_unsupported")
            }
            Self::ImageTooLarge { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "image_too_large"),
            Self::ImageBroken { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "image_broken"),
            Self::ResultTooLarge { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "result_too_large"),
            Self::QueueFull => (StatusCode::SERVICE_UNAVAILABLE, "queue_full"),
            Self::MemoryFull => (StatusCode::SERVICE_UNAVAILABLE, "memory_full"),
            Self::TooManyConnections => (StatusCode::SERVICE_UNAVAILABLE, "too_many_connections"),
            Self::Overdue { .. } => (StatusCode::SERVICE_UNAVAILABLE, "overdue"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// The names of all settings, each after a comma.
fn settings() -> String {
    let names = SETTINGS.iter().map(|setting| format!(", {}", setting.name));
    names.collect()
}

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Self {
        let why = chain(&error);
        match error {
            ImageError::Unrecognised => Self::NotAnImage,
            ImageError::Unsupported { .. } => Self::ImageUnsupported { why },
            ImageError::TooLarge { .. } => Self::ImageTooLarge { why },
            ImageError::Corrupt { .. } => Self::ImageBroken { why },
            // Not the client's fault, so the details are for the operator.
            _ => {
                tracing::error!(why, "an image made the engine fail");
                Self::Internal
            }
        }
    }
}

/// The error and what caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes everything");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_by_the_book() {
        let problem = Problem::BadParameter {
            name: "width",
            why: "is \"odd\"".into(),
        };
        assert_eq!(
            String::from_utf8(problem.json()).unwrap(),
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"parameter width is \"odd\"","code":"bad_parameter"}"#
        );
    }

    #[test]
    fn only_what_passes_by_itself_is_worth_a_retry() {
        assert!(Problem::QueueFull.is_passing());
        assert!(Problem::MemoryFull.is_passing());
        assert!(!Problem::NotAnImage.is_passing());
        assert!(!Problem::Internal.is_passing());
    }

    #[test]
    fn the_engine_s_errors_say_whose_fault_they_are() {
        let check = |input: &[u8], code| {
            let error = imaging::inspect(input, &imaging::Limits::default()).unwrap_err();
            assert_eq!(Problem::from(error).code(), code);
        };
        check(b"%PDF-1.7", "not_an_image");
        check(&testkit::images::gradient_png(8, 8)[..20], "image_broken");
        check(&testkit::images::gradient_jpeg(8, 8)[..20], "image_broken");
    }
}
