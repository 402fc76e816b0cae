//! What a run has done, in numbers and in words.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use crate::failure::{Failure, plain};
use crate::via::Action;

/// Servers that are told apart by the name they give; the images of further ones are counted together.
pub(crate) const SERVERS_MAX: usize = 64;

/// The name that the images of further servers are counted under.
pub(crate) const OTHER_SERVERS: &str = "others";

/// The longest name of a server that is shown.
const SERVER_CHARS_MAX: usize = 64;

/// What a run has done so far. Prints as the last lines of the program's output.
///
/// An image that is resized several times (`--times`) counts as so many images everywhere but in `files`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Image files that were found.
    pub files: u64,
    /// Images to do, as far as the scan has come.
    pub planned: u64,
    /// Whether the scan has seen everything, so that `planned` is final.
    pub is_scanned: bool,
    /// Images that were resized and saved; in a dry run, those that were answered.
    pub done: u64,
    /// Of these, images that were damaged: what is missing was made up, gray or without detail.
    pub damaged: u64,
    /// Images that failed for good.
    pub failed: u64,
    /// Files that were passed over: no images.
    pub other_files: u64,
    /// Symbolic links, sockets and the like that were passed over.
    pub special_files: u64,
    /// Bytes of the images that are done.
    pub bytes_in: u64,
    /// Bytes of their results.
    pub bytes_out: u64,
    /// Times an image was sent and no answer came.
    pub losses: u64,
    /// Times a server asked to come back later.
    pub refusals: u64,
    /// How many images each server has done, by the name it gives; empty if the work was done in this process.
    pub served: BTreeMap<String, u64>,
    /// The files that failed, up to a thousand of them.
    pub failures: Vec<Failure>,
    /// Whether the run was asked to stop before it was through.
    pub is_interrupted: bool,
    /// What was asked for.
    pub action: Action,
    /// How long the run has taken so far, or took.
    pub elapsed: Duration,
    /// Answers of servers, of whatever kind.
    pub(crate) answers: u64,
    pub(crate) started: Instant,
    pub(crate) has_ended: bool,
}

impl Summary {
    pub(crate) fn new(action: Action) -> Self {
        Self {
            files: 0,
            planned: 0,
            is_scanned: false,
            done: 0,
            damaged: 0,
            failed: 0,
            other_files: 0,
            special_files: 0,
            bytes_in: 0,
            bytes_out: 0,
            losses: 0,
            refusals: 0,
            served: BTreeMap::new(),
            failures: Vec::new(),
            is_interrupted: false,
            action,
            elapsed: Duration::ZERO,
            answers: 0,
            started: Instant::now(),
            has_ended: false,
        }
    }

    /// Images that were found but neither done nor failed, because the run stopped before their turn.
    pub fn left(&self) -> u64 {
        self.planned.saturating_sub(self.done + self.failed)
    }

    /// Images done in a second, over the whole run.
    pub fn images_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            self.done as f64 / seconds
        } else {
            0.0
        }
    }

    pub(crate) fn elapsed_now(&self) -> Duration {
        if self.has_ended {
            self.elapsed
        } else {
            self.started.elapsed()
        }
    }

    pub(crate) fn count_server(&mut self, server: &str) {
        let name = plain(server.chars().take(SERVER_CHARS_MAX));
        let is_known = self.served.contains_key(&name) || self.served.len() < SERVERS_MAX;
        let name = if is_known {
            name
        } else {
            OTHER_SERVERS.to_owned()
        };
        *self.served.entry(name).or_default() += 1;
    }

    /// What there is to say beyond the count, a line each.
    fn notes(&self) -> impl Iterator<Item = String> {
        let shares: Vec<_> = self
            .served
            .iter()
            .map(|(name, images)| format!("{name} {images}"))
            .collect();
        let others = count(
            self.other_files,
            "file that is no image",
            "files that are no images",
        );
        let specials = count(
            self.special_files,
            "link or special file",
            "links or special files",
        );
        let passed_over: Vec<_> = others.into_iter().chain(specials).collect();
        let is_early = self.has_ended && (self.left() > 0 || !self.is_scanned);
        let unscanned = if self.is_scanned {
            ""
        } else {
            ", and what the scan did not come to"
        };
        let notes = [
            (!shares.is_empty()).then(|| format!("served by: {}", shares.join(", "))),
            count(
                self.damaged,
                "of a damaged image, with what is missing made up",
                "of damaged images, with what is missing made up",
            ),
            count(
                self.losses,
                "time sent again after a lost connection or a broken answer",
                "times sent again after a lost connection or a broken answer",
            ),
            count(
                self.refusals,
                "time told to come back later",
                "times told to come back later",
            ),
            (!passed_over.is_empty()).then(|| format!("passed over: {}", passed_over.join(", "))),
            (self.failed > 0).then(|| format!("failed: {}", self.failed)),
            self.is_interrupted.then(|| "interrupted".to_owned()),
            is_early.then(|| {
                let left = self.left();
                let found = noun(left, "image that was found", "images that were found");
                format!("not done: {left} {found}{unscanned}")
            }),
        ];
        notes.into_iter().flatten()
    }
}

/// So many of something, if there are any.
fn count(count: u64, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {}", noun(count, one, many)))
}

/// What so many are called.
const fn noun<'w>(count: u64, one: &'w str, many: &'w str) -> &'w str {
    match count {
        1 => one,
        _ => many,
    }
}

impl Display for Summary {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let did = match self.action {
            Action::Resize => "resized",
            Action::DryRun => "dry run: sent",
        };
        let (seconds, rate) = (self.elapsed.as_secs_f64(), self.images_per_second());
        let (bytes_in, bytes_out) = (Megabytes(self.bytes_in), Megabytes(self.bytes_out));
        write!(
            out,
            "{did} {} of {} {} in {seconds:.2} s ({rate:.1} images/s), ",
            self.done,
            self.planned,
            noun(self.planned, "image", "images")
        )?;
        write!(out, "{bytes_in} in, {bytes_out} out")?;
        for note in self.notes() {
            write!(out, "\n  {note}")?;
        }
        Ok(())
    }
}

struct Megabytes(u64);

impl Display for Megabytes {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{:.2} MB", self.0 as f64 / 1e6)
    }
}
