//! Why a picture is not decoded.

use thiserror::Error;

/// Why a picture is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is no VP8 key frame, or a damaged one.
    #[error("{0}")]
    Corrupt(&'static str),
    /// The planes would take more memory than [`Request::bytes_max`](crate::Request::bytes_max).
    #[error("the picture takes {0} bytes")]
    TooLarge(u64),
    /// [`Request::stop`](crate::Request::stop) said so.
    #[error("the work was stopped")]
    Stopped,
}
