//! What an answer of the server means for the image that was sent.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

/// What to do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The image is done; the body is the result.
    Done,
    /// The server cannot work on this image; sending it again would not help.
    Rejected,
    /// The server is full: come back later, after so long if it says so.
    Busy(Option<Duration>),
    /// The server, or what lies between, broke down: another attempt may do better.
    Broken,
}

/// Judges an answer by its head.
pub(crate) fn verdict(status: StatusCode, headers: &HeaderMap) -> Verdict {
    match status {
        _ if status.is_success() => Verdict::Done,
        // 429 is what some image servers and gateways say when their queue is full.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Verdict::Busy(retry_after(headers))
        }
        StatusCode::REQUEST_TIMEOUT => Verdict::Broken,
        _ if status.is_server_error() => Verdict::Broken,
        _ => Verdict::Rejected,
    }
}

/// The pause that the server asks for, if it gives seconds. (It may also give a date, which nobody uses here.)
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, retry_after: Option<&'static str>, expected: Verdict) {
        let mut headers = HeaderMap::new();
        headers.extend(retry_after.map(|value| (RETRY_AFTER, value.parse().unwrap())));
        assert_eq!(
            verdict(StatusCode::from_u16(status).unwrap(), &headers),
            expected,
            "{status}"
        );
    }

    #[test]
    fn each_status_has_its_meaning() {
        check(200, None, Verdict::Done);
        check(204, None, Verdict::Done);
        for rejected in [301, 400, 404, 413, 415, 422] {
            check(rejected, None, Verdict::Rejected);
        }
        for broken in [408, 500, 502, 504] {
            check(broken, None, Verdict::Broken);
        }
    }

    #[test]
    fn a_full_server_may_say_when_to_come_back() {
        check(503, Some("3"), Verdict::Busy(Some(Duration::from_secs(3))));
        check(429, Some(" 0 "), Verdict::Busy(Some(Duration::ZERO)));
        check(503, None, Verdict::Busy(None));
        check(
            503,
            Some("Fri, 31 Dec 1999 23:59:59 GMT"),
            Verdict::Busy(None),
        );
        check(503, Some("-1"), Verdict::Busy(None));
        check(503, Some("99999999999999999999999"), Verdict::Busy(None));
    }
}
