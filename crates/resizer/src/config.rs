//! The settings that the code relies on: checked once, by [`crate::RawConfig`] or by their types.

use std::{fmt, num::NonZero, str::FromStr, sync::Arc, thread, time::Duration};

use http::HeaderValue;

use crate::units::ByteSize;

/// The settings of a server, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Told to every client in `x-resizer`.
    pub name: ServerName,
    /// How many images are resized at the same time.
    pub threads: NonZero<usize>,
    /// How many more images may wait for a thread; beyond that, a request is refused with 503.
    pub queue: usize,
    /// How many connections are served at the same time; beyond that, requests are refused with 503.
    pub connections_max: NonZero<usize>,
    /// The largest body of one request.
    pub body_bytes_max: ByteSize,
    /// What the bodies of all requests and the images of all answers together may hold; beyond that, a request is refused with
    /// 503. A single body or answer that is larger than all of it is refused for good, with 413 or 422.
    ///
    /// What images take while they are resized has a limit of its own.
    pub in_flight_bytes_max: ByteSize,
    /// What all images together may take while they are resized or wait for it, told from their headers by [`imaging::memory_needed`];
    /// beyond that, a request is refused with 503. An image that takes more than all of it is resized when it is alone; how much that
    /// can be is bounded by [`imaging::Limits`].
    pub working_bytes_max: ByteSize,
    /// How long the server waits for whom.
    pub timeouts: Timeouts,
}

/// How long the server waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From when a request may begin (a new connection, or the answer before it) to the end of its head. This is
    /// also how long an idle connection is kept.
    pub head: Duration,
    /// Between two pieces of a body.
    pub body_stall: Duration,
    /// From the end of the head to the answer.
    pub request: Duration,
    /// For a client that does not take its answer.
    pub write_stall: Duration,
    /// For requests in flight when the server drains.
    pub drain: Duration,
}

/// The name of a server: 1 to 64 visible ASCII characters, so that it fits a header and a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName(Arc<str>);

/// Says why a text is no [`ServerName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {NAME_CHARS_MAX} visible ASCII characters")]
pub struct NameError;

/// With the connections that are being refused it stays below 1024, the usual limit of open files of a process.
pub(crate) const CONNECTIONS_MAX: NonZero<usize> = NonZero::new(900).expect("900 is not zero");
/// Twice what imagor takes: a photo of 100 megapixels at high quality fits.
pub(crate) const BODY_BYTES_MAX: ByteSize = ByteSize(64 << 20);
/// Room for eight bodies of the largest size, or some hundred usual photos.
pub(crate) const IN_FLIGHT_BYTES_MAX: ByteSize = ByteSize(512 << 20);
/// Room for the largest picture that is read whole, or for a score of usual ones; of most photos only some rows are in memory.
pub(crate) const WORKING_BYTES_MAX: ByteSize = ByteSize(1 << 30);
/// At 20 images a second and thread, the last in the queue waits less than a second.
pub(crate) const QUEUE_PER_THREAD: usize = 16;
const NAME_CHARS_MAX: usize = 64;
/// The head and the write as nginx has them, halved; the request as imagor has it; draining fits the half minute that
/// supervisors commonly wait before they kill.
pub(crate) const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(30),
    body_stall: Duration::from_secs(15),
    request: Duration::from_secs(60),
    write_stall: Duration::from_secs(30),
    drain: Duration::from_secs(20),
};

impl Default for Config {
    fn default() -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Self {
            name: ServerName::default(),
            threads,
            queue: threads.get() * QUEUE_PER_THREAD,
            connections_max: CONNECTIONS_MAX,
            body_bytes_max: BODY_BYTES_MAX,
            in_flight_bytes_max: IN_FLIGHT_BYTES_MAX,
            working_bytes_max: WORKING_BYTES_MAX,
            timeouts: TIMEOUTS,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        TIMEOUTS
    }
}

impl ServerName {
    /// The name as a header value.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("only visible ASCII is let in")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ServerName {
    fn default() -> Self {
        Self("resizer".into())
    }
}

impl FromStr for ServerName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let is_short = (1..=NAME_CHARS_MAX).contains(&name.len());
        if is_short && name.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(name.into()))
        } else {
            Err(NameError)
        }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_a_header() {
        for name in ["", "two words", "grün", "line\nbreak", &"x".repeat(65)] {
            assert_eq!(name.parse::<ServerName>(), Err(NameError), "{name:?}");
        }
        assert_eq!(
            "x".repeat(64).parse::<ServerName>().unwrap().as_str().len(),
            64
        );
    }
}
