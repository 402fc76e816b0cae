//! The count of a run: kept while it runs, read by whoever shows the progress, and told at the end.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::config::{Config, Engine};
use crate::failure::{Failure, plain};
use crate::via::Action;

/// Failed files that are remembered by name; further ones are only counted.
const FAILURES_MAX: usize = 1_000;

/// Servers that are told apart by the name they give; the images of further ones are counted together.
const SERVERS_MAX: usize = 64;

/// The name that the images of further servers are counted under.
const OTHER_SERVERS: &str = "others";

/// The longest name of a server that is shown.
const SERVER_CHARS_MAX: usize = 64;

/// The count of a run. Clones share it, so it can be read while the run goes on and after it has ended.
#[derive(Clone, Debug)]
pub struct Tally(Arc<Mutex<Summary>>);

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
    /// Images that failed for good.
    pub failed: u64,
    /// Files that were passed over: neither JPEG nor PNG.
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
    answers: u64,
    started: Instant,
    has_ended: bool,
}

/// One image that was done.
pub(crate) struct Done<'a> {
    pub(crate) bytes_in: usize,
    pub(crate) bytes_out: usize,
    pub(crate) server: Option<&'a str>,
}

impl Tally {
    /// Begins the count of a run, and its clock.
    pub(crate) fn new(config: &Config) -> Self {
        let action = match &config.engine {
            Engine::Local { .. } => Action::Resize,
            Engine::Via(via) => via.action,
        };
        Self(Arc::new(Mutex::new(Summary::new(action))))
    }

    /// The count as it stands now.
    pub fn summary(&self) -> Summary {
        let mut summary = self.lock().clone();
        summary.elapsed = summary.elapsed_now();
        summary
    }

    /// Reads the count in place, without copying it: for a progress bar that looks often.
    pub fn look<T>(&self, look: impl FnOnce(&Summary) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn found_image(&self, times: u32) {
        let mut summary = self.lock();
        summary.files += 1;
        summary.planned += u64::from(times);
    }

    pub(crate) fn passed_over_other(&self) {
        self.lock().other_files += 1;
    }

    pub(crate) fn passed_over_special(&self) {
        self.lock().special_files += 1;
    }

    /// Counts something that failed before it could be recognized as an image.
    pub(crate) fn found_failed(&self, failure: Failure) {
        self.lock().planned += 1;
        self.failed(failure);
    }

    pub(crate) fn scanned(&self) {
        self.lock().is_scanned = true;
    }

    pub(crate) fn done(&self, done: &Done<'_>) {
        let mut summary = self.lock();
        summary.done += 1;
        summary.bytes_in += done.bytes_in as u64;
        summary.bytes_out += done.bytes_out as u64;
        if let Some(server) = done.server {
            summary.count_server(server);
        }
    }

    pub(crate) fn failed(&self, failure: Failure) {
        tracing::info!(%failure, "failed");
        let mut summary = self.lock();
        summary.failed += 1;
        // The same file fails again and again under `--times`: one entry, counted.
        let failures = &mut summary.failures;
        match failures
            .iter()
            .rposition(|known| known.path == failure.path)
        {
            Some(known) => failures[known].times += 1,
            None if failures.len() < FAILURES_MAX => failures.push(failure),
            None => {}
        }
    }

    /// Counts an answer of a server; gives nothing away about what it said.
    pub(crate) fn answered(&self) {
        self.lock().answers += 1;
    }

    /// Answers of servers so far.
    pub(crate) fn answers(&self) -> u64 {
        self.lock().answers
    }

    pub(crate) fn lost(&self) {
        self.lock().losses += 1;
    }

    pub(crate) fn refused(&self) {
        self.lock().refusals += 1;
    }

    pub(crate) fn interrupted(&self) {
        self.lock().is_interrupted = true;
    }

    /// Stops the clock and puts the failures in order.
    pub(crate) fn ended(&self) {
        let mut summary = self.lock();
        summary.elapsed = summary.elapsed_now();
        summary.has_ended = true;
        summary
            .failures
            .sort_by(|one, other| one.path.cmp(&other.path));
    }

    fn lock(&self) -> MutexGuard<'_, Summary> {
        // A panic of a reader in `look` leaves the numbers as they were, so they are still right.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Summary {
    fn new(action: Action) -> Self {
        Self {
            files: 0,
            planned: 0,
            is_scanned: false,
            done: 0,
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
        self.planned - self.done - self.failed
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

    fn elapsed_now(&self) -> Duration {
        if self.has_ended {
            self.elapsed
        } else {
            self.started.elapsed()
        }
    }

    fn count_server(&mut self, server: &str) {
        let name = plain(server.chars().take(SERVER_CHARS_MAX));
        let is_known = self.served.contains_key(&name) || self.served.len() < SERVERS_MAX;
        let name = if is_known {
            name
        } else {
            OTHER_SERVERS.to_owned()
        };
        *self.served.entry(name).or_default() += 1;
    }

    fn passed_over(&self) -> String {
        let others = (self.other_files > 0)
            .then(|| format!("{} files that are neither JPEG nor PNG", self.other_files));
        let specials = (self.special_files > 0)
            .then(|| format!("{} links or special files", self.special_files));
        others
            .into_iter()
            .chain(specials)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Display for Summary {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let did = match self.action {
            Action::Resize => "resized",
            Action::DryRun => "dry run: sent",
        };
        let seconds = self.elapsed.as_secs_f64();
        let rate = self.images_per_second();
        write!(
            out,
            "{did} {} of {} images in {seconds:.2} s ({rate:.1} images/s), ",
            self.done, self.planned
        )?;
        write!(
            out,
            "{} in, {} out",
            Megabytes(self.bytes_in),
            Megabytes(self.bytes_out)
        )?;
        if !self.served.is_empty() {
            let shares: Vec<_> = self
                .served
                .iter()
                .map(|(name, images)| format!("{name} {images}"))
                .collect();
            write!(out, "\n  served by: {}", shares.join(", "))?;
        }
        if self.losses > 0 {
            write!(
                out,
                "\n  sent again after a lost connection or a broken answer: {}",
                self.losses
            )?;
        }
        if self.refusals > 0 {
            write!(out, "\n  told to come back later: {}", self.refusals)?;
        }
        if self.other_files + self.special_files > 0 {
            write!(out, "\n  passed over: {}", self.passed_over())?;
        }
        if self.failed > 0 {
            write!(out, "\n  failed: {}", self.failed)?;
        }
        if self.is_interrupted {
            out.write_str("\n  interrupted")?;
        }
        if self.has_ended && (self.left() > 0 || !self.is_scanned) {
            let scan = if self.is_scanned {
                ""
            } else {
                ", and what the scan did not come to"
            };
            write!(
                out,
                "\n  not done: {} images that were found{scan}",
                self.left()
            )?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::failure::FileError;

    fn tally() -> Tally {
        Tally(Arc::new(Mutex::new(Summary::new(Action::Resize))))
    }

    fn failure(path: &str) -> Failure {
        Failure::new(Path::new(path), &FileError::TooLarge { bytes: 1 })
    }

    /// The summary as it prints, from what it says of the time on.
    fn print(tally: &Tally) -> String {
        let text = tally.summary().to_string();
        let (count, rest) = text.split_once(" in ").unwrap();
        let (_, rest) = rest.split_once("/s), ").unwrap();
        format!("{count} | {rest}")
    }

    #[test]
    fn a_summary_says_what_was_done_and_by_whom() {
        let tally = tally();
        for server in ["r2", "r1", "r2"] {
            tally.found_image(1);
            tally.done(&Done {
                bytes_in: 1_000_000,
                bytes_out: 10_000,
                server: Some(server),
            });
        }
        assert_eq!(
            print(&tally),
            "resized 3 of 3 images | 3.00 MB in, 0.03 MB out\n  served by: r1 1, r2 2"
        );
    }

    #[test]
    fn a_summary_says_what_went_wrong() {
        let tally = tally();
        tally.found_image(4);
        tally.failed(failure("a.jpg"));
        tally.passed_over_other();
        tally.passed_over_special();
        tally.lost();
        tally.refused();
        tally.interrupted();
        tally.ended();
        let expected = "resized 0 of 4 images | 0.00 MB in, 0.00 MB out\n  \
            sent again after a lost connection or a broken answer: 1\n  told to come back later: 1\n  \
            passed over: 1 files that are neither JPEG nor PNG, 1 links or special files\n  failed: 1\n  \
            interrupted\n  not done: 3 images that were found, and what the scan did not come to";
        assert_eq!(print(&tally), expected);
    }

    #[test]
    fn failures_are_listed_in_order_once_for_each_file_and_not_without_end() {
        let tally = tally();
        tally.found_image(3);
        for path in ["b.jpg", "a.jpg", "b.jpg"] {
            tally.failed(failure(path));
        }
        for file in 0..2 * FAILURES_MAX {
            tally.found_failed(failure(&format!("z{file:05}.jpg")));
        }
        tally.ended();
        let summary = tally.summary();
        let first: Vec<_> = summary
            .failures
            .iter()
            .take(2)
            .map(|failure| (&*failure.path, failure.times))
            .collect();
        assert_eq!(first, [(Path::new("a.jpg"), 1), (Path::new("b.jpg"), 2)]);
        assert_eq!(summary.failures.len(), FAILURES_MAX);
        assert_eq!(summary.failed, 3 + 2 * FAILURES_MAX as u64);
        assert_eq!(summary.left(), 0);
    }

    #[test]
    fn a_server_cannot_fill_the_memory_with_names() {
        let tally = tally();
        for server in 0..1_000 {
            tally.found_image(1);
            tally.done(&Done {
                bytes_in: 0,
                bytes_out: 0,
                server: Some(&server.to_string()),
            });
        }
        let served = tally.summary().served;
        assert_eq!(served.len(), SERVERS_MAX + 1);
        assert_eq!(served[OTHER_SERVERS], (1_000 - SERVERS_MAX) as u64);
    }
}
