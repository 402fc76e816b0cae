//! Why one file failed, and what its owner can do about it.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use http::StatusCode;

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
    Image(#[source] imaging::ImageError),
    #[error("the server answered {status}{detail}")]
    Rejected { status: StatusCode, detail: Detail },
    #[error("the server answered {status}, but not with an image")]
    NotAnImage { status: StatusCode },
    #[error("no result after sending it {sends} times; the last time: {last}")]
    NoResult { sends: u32, last: String },
    #[error("the server was busy each of the {refusals} times it was sent")]
    Busy { refusals: u32 },
    #[error("the work on it crashed")]
    Crashed(#[source] teamwork::PoolError),
    #[error("cannot save {}", Shown(path))]
    Save { path: PathBuf, source: io::Error },
}

impl FileError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::List(_) | Self::Read(_) => "check that it still exists and that you may read it",
            Self::TooLarge { .. } => "make it smaller with an image editor first",
            Self::Image(_) => "check that the file opens in an image viewer; it may be damaged",
            Self::Rejected { status, .. } if *status == StatusCode::NOT_FOUND => {
                "check that --via names a resizer, or a balancer before resizers"
            }
            Self::Rejected { .. } => {
                "check that the file opens in an image viewer; it may be damaged"
            }
            Self::NotAnImage { .. } => {
                "check that --via names a resizer, or a balancer before resizers"
            }
            Self::NoResult { .. } => "run again; if it fails again, the resizer's log says why",
            Self::Busy { .. } => {
                "run again with a smaller --max-connections, or start more resizers"
            }
            Self::Crashed(_) => "this is a defect: report it, with the file",
            Self::Save { .. } => "check the space and the permissions of the output directory",
        }
    }
}

/// What a server says about its refusal: a tail of a message, empty if it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Detail(String);

impl Detail {
    /// As much of the server's words as is shown.
    const CHARS_MAX: usize = 300;

    /// Reads the `detail` or `title` of an `application/problem+json` body.
    pub(crate) fn of_problem(body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Problem {
            title: Option<String>,
            detail: Option<String>,
        }
        let problem: Option<Problem> = serde_json::from_slice(body).ok();
        let words = problem.and_then(|problem| problem.detail.or(problem.title));
        Self(
            words
                .map(|words| plain(words.chars().take(Self::CHARS_MAX)))
                .unwrap_or_default(),
        )
    }
}

impl Display for Detail {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(out, ": {}", self.0)
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
struct Shown<'a>(&'a Path);

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
