//! What can go wrong with an image.

use crate::{Format, Limit};

/// What a codec said.
pub type CodecError = Box<dyn std::error::Error + Send + Sync>;

/// Why an image was not resized.
///
/// Everything but [`Scale`](Self::Scale), [`Encode`](Self::Encode), [`Panicked`](Self::Panicked) and [`Stopped`](Self::Stopped) is about the
/// input: trying again with the same bytes gives the same error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The content is of no format that is read here.
    #[error("not a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF image")]
    Unrecognised,
    /// The image exceeds one of the [`Limits`](crate::Limits).
    #[error("{limit} is {actual}, and at most {maximum} is allowed")]
    TooLarge {
        /// Which limit.
        limit: Limit,
        /// What the image has.
        actual: u64,
        /// What was allowed.
        maximum: u64,
    },
    /// A valid image of a kind that this engine does not read.
    #[error("{format} with {feature} is not supported")]
    Unsupported {
        /// The format of the image.
        format: Format,
        /// What is not supported.
        feature: &'static str,
    },
    /// The image is damaged or ends too early.
    #[error("read {format} image")]
    Corrupt {
        /// The format the image claims to have.
        format: Format,
        /// What the reader stumbled over.
        source: CodecError,
    },
    /// Whoever asked for it wanted it to stop; see [`resize_until`](crate::resize_until).
    #[error("stopped before it was done")]
    Stopped,
    /// A codec panicked on this image. A defect of the codec, not of the caller.
    #[error("codec panicked: {message}")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// The picture could not be scaled.
    #[error("scale the picture")]
    Scale(#[source] CodecError),
    /// The resized picture could not be written.
    #[error("write {format} image")]
    Encode {
        /// The format of the output.
        format: Format,
        /// What the writer said.
        source: CodecError,
    },
}

impl ImageError {
    pub(crate) fn corrupt(format: Format, source: impl Into<CodecError>) -> Self {
        Self::Corrupt {
            format,
            source: source.into(),
        }
    }

    pub(crate) fn encode(format: Format, source: impl Into<CodecError>) -> Self {
        Self::Encode {
            format,
            source: source.into(),
        }
    }
}
