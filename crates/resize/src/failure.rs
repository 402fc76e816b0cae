//! Why one file failed, and what its owner can do about it.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use http::StatusCode;
use imaging::{ImageError, Limit};

/// Why one file was not resized.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot list the directory")]
    List(#[source] io::Error),
    #[error("cannot read the file")]
    Read(#[source] io::Error),
    #[error("{bytes} bytes are more than the limit of {} MiB", crate::file::FILE_BYTES_MAX >> 20)]
    TooLarge { bytes: u64 },
    #[error("cannot resize the image")]
    Image(#[source] ImageError),
    #[error("the server answered {status}{detail}")]
    Rejected { status: StatusCode, detail: Detail },
    #[error("the server answered {status}, but not with an image")]
    NotAnImage { status: StatusCode },
    #[error("the result has more bytes than the limit of {} MiB", crate::exchange::RESULT_BYTES_MAX >> 20)]
    ResultTooLarge,
    #[error("no result after sending it {sends} times; the last time: {last}")]
    NoResult { sends: u32, last: String },
    #[error("the server was busy each of the {refusals} times it was sent")]
    Busy { refusals: u32 },
    #[error("the work on it crashed")]
    Crashed(#[source] teamwork::PoolError),
    #[error("cannot save {}", Shown(path))]
    Save { path: PathBuf, source: io::Error },
    #[error("nothing can be saved in OUTPUT_DIR {}", Shown(path))]
    Output { path: PathBuf, source: io::Error },
}

impl FileError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::List(_) | Self::Read(_) => "check that it still exists and that you may read it",
            Self::TooLarge { .. } => MAKE_SMALLER,
            Self::Image(error) => advice_on(error),
            Self::Rejected { status, detail } => advice_on_refusal(*status, detail),
            Self::NotAnImage { .. } => CHECK_VIA,
            Self::ResultTooLarge => "ask for a smaller --size, or a --format with loss",
            Self::NoResult { .. } => "run again; if it fails again, the resizer's log says why",
            Self::Busy { .. } => {
                "run again with a smaller --max-connections, or start more resizers"
            }
            Self::Crashed(_) => REPORT,
            Self::Save { source, .. } if source.kind() == io::ErrorKind::InvalidFilename => {
                "give it a shorter name"
            }
            Self::Save { .. } | Self::Output { .. } => {
                "check the space and the permissions of the output directory"
            }
        }
    }
}

const MAKE_SMALLER: &str = "make it smaller with an image editor first";
const ASK_FOR_LESS: &str = "ask for a smaller --size";
const CONVERT: &str = "convert it with an image editor first";
const CHECK_FILE: &str = "check that the file opens in an image viewer; it may be damaged";
const CHECK_VIA: &str = "check that --via names a resizer, or a balancer before resizers";
const REPORT: &str = "this is a defect: report it, with the file";

fn advice_on(error: &ImageError) -> &'static str {
    match error {
        ImageError::TooLarge {
            limit: Limit::OutputSide | Limit::OutputPixels,
            ..
        } => ASK_FOR_LESS,
        ImageError::TooLarge { .. } => MAKE_SMALLER,
        ImageError::Unsupported { .. } => CONVERT,
        ImageError::Encode { .. } => "ask for another --format, or a smaller --size",
        ImageError::Panicked { .. } | ImageError::Scale(_) => REPORT,
        _ => CHECK_FILE,
    }
}

fn advice_on_refusal(status: StatusCode, detail: &Detail) -> &'static str {
    match (status, detail.code.as_str()) {
        (StatusCode::NOT_FOUND, _) => CHECK_VIA,
        (StatusCode::BAD_REQUEST, _) => {
            "check that the resizers are of the version of this program"
        }
        (StatusCode::PAYLOAD_TOO_LARGE, _) => MAKE_SMALLER,
        (_, "image_too_large") => {
            "make it smaller with an image editor first, or ask for a smaller --size"
        }
        (_, "image_unsupported") => CONVERT,
        _ => CHECK_FILE,
    }
}

/// What a server says about its refusal: a tail of a message, empty if it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    words: String,
    /// What our own resizers call it.
    code: String,
}

impl Detail {
    /// As much of the server's words as is shown.
    const CHARS_MAX: usize = 300;

    /// Reads the `detail` or `title` of an `application/problem+json` body, and its `code` if it has one.
    pub(crate) fn of_problem(body: &[u8]) -> Self {
        #[derive(serde::Deserialize, Default)]
        struct Problem {
            title: Option<String>,
            detail: Option<String>,
            code: Option<String>,
        }
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        let words = problem.detail.or(problem.title).unwrap_or_default();
        Self {
            words: plain(words.chars().take(Self::CHARS_MAX)),
            code: problem.code.unwrap_or_default(),
        }
    }
}

impl Display for Detail {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.words.is_empty() {
            Ok(())
        } else {
            write!(out, ": {}", self.words)
        }
    }
}

/// One file of a run that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file, or the directory that could not be listed, relative to the input directory.
    pub path: PathBuf,
    /// What went wrong, with its causes.
    pub reason: String,
    /// What can be done about it.
    pub advice: &'static str,
    /// How often it failed: more than once if each image is resized several times.
    pub times: u64,
}

impl Failure {
    pub(crate) fn new(path: &Path, error: &FileError) -> Self {
        Self {
            path: path.to_owned(),
            reason: chain(error),
            advice: error.advice(),
            times: 1,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", Shown(&self.path), self.reason)?;
        if self.times > 1 {
            write!(out, " ({} times)", self.times)?;
        }
        write!(out, "; {}", self.advice)
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    plain(words.join(": ").chars())
}

/// A path, fit to be shown: a file name may hold control characters, and a terminal would obey them.
pub(crate) struct Shown<'a>(pub(crate) &'a Path);

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&plain(self.0.to_string_lossy().chars()))
    }
}

/// Text without control characters, which come from file names and servers.
pub(crate) fn plain(text: impl Iterator<Item = char>) -> String {
    text.map(|letter| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_which_file_why_and_what_to_do() {
        let denied = FileError::Read(io::Error::from(io::ErrorKind::PermissionDenied));
        let failure = Failure::new(Path::new("a/b.jpg"), &denied);
        assert_eq!(
            failure.to_string(),
            "a/b.jpg: cannot read the file: permission denied; check that it still exists and that you may read it"
        );
    }

    #[test]
    fn advice_is_on_what_is_wrong() {
        let too_large = |limit| ImageError::TooLarge {
            limit,
            actual: 2,
            maximum: 1,
        };
        let refused = |status, code: &str| FileError::Rejected {
            status,
            detail: Detail::of_problem(format!(r#"{{"code": "{code}"}}"#).as_bytes()),
        };
        for (error, advice) in [
            (FileError::Image(too_large(Limit::OutputSide)), ASK_FOR_LESS),
            (FileError::Image(too_large(Limit::Pixels)), MAKE_SMALLER),
            (FileError::Image(ImageError::Unrecognised), CHECK_FILE),
            (
                refused(StatusCode::UNPROCESSABLE_ENTITY, "image_broken"),
                CHECK_FILE,
            ),
            (
                refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "image_unsupported"),
                CONVERT,
            ),
            (refused(StatusCode::PAYLOAD_TOO_LARGE, ""), MAKE_SMALLER),
            (refused(StatusCode::NOT_FOUND, "not_found"), CHECK_VIA),
        ] {
            assert_eq!(error.advice(), advice, "{error}");
        }
    }

    #[test]
    fn a_file_name_cannot_command_the_terminal() {
        let failure = Failure::new(
            Path::new("a\u{1b}[2J.jpg"),
            &FileError::TooLarge { bytes: 1 },
        );
        assert!(failure.to_string().starts_with("a\u{fffd}[2J.jpg: "));
    }

    #[test]
    fn the_words_of_a_server_are_bounded_and_plain() {
        let problem = |body: &str| Detail::of_problem(body.as_bytes()).to_string();
        assert_eq!(
            problem(r#"{"title": "Bad image", "detail": "it ends early"}"#),
            ": it ends early"
        );
        assert_eq!(problem(r#"{"title": "Bad\nimage"}"#), ": Bad\u{fffd}image");
        assert_eq!(problem("<html>nothing to read</html>"), "");
        let long = format!(r#"{{"detail": "{}"}}"#, "x".repeat(10_000));
        assert_eq!(
            problem(&long).chars().count(),
            ": ".len() + Detail::CHARS_MAX
        );
    }
}
