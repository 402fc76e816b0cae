//! Why a file is not decoded.

use thiserror::Error;

/// Why a file is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It may be a good file, but is for another decoder.
    #[error("this decoder does not read {0}")]
    NotMine(&'static str),
    /// It is no JPEG, or its structure is broken before the compressed data.
    #[error("{0}")]
    Corrupt(&'static str),
    /// The planes would take more memory than [`Request::bytes_max`](crate::Request::bytes_max).
    #[error("the picture takes {0} bytes")]
    TooLarge(u64),
    /// [`Request::stop`](crate::Request::stop) said so.
    #[error("the work was stopped")]
    Stopped,
}
