//! The count of a run: kept while it runs, read by whoever shows the progress, and told at the end.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::config::{Config, Engine};
use crate::failure::Failure;
use crate::summary::Summary;
use crate::via::Action;

/// Failed files that are remembered by name; further ones are only counted.
const FAILURES_MAX: usize = 1_000;

/// The count of a run. Clones share it, so it can be read while the run goes on and after it has ended.
#[derive(Clone, Debug)]
pub struct Tally(Arc<Mutex<Summary>>);

/// One image that was done.
pub(crate) struct Done<'a> {
    pub(crate) bytes_in: usize,
    pub(crate) bytes_out: usize,
    pub(crate) server: Option<&'a str>,
    /// It was damaged, and what was missing was made up.
    pub(crate) is_damaged: bool,
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
        summary.damaged += u64::from(done.is_damaged);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::failure::FileError;
    use crate::summary::{OTHER_SERVERS, SERVERS_MAX};

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
                is_damaged: server == "r1",
            });
        }
        assert_eq!(
            print(&tally),
            "resized 3 of 3 images | 3.00 MB in, 0.03 MB out\n  served by: r1 1, r2 2\n  \
             1 of a damaged image, with what is missing made up"
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
            1 time sent again after a lost connection or a broken answer\n  1 time told to come back later\n  \
            passed over: 1 file that is no image, 1 link or special file\n  failed: 1\n  \
            interrupted\n  not done: 3 images that were found, and what the scan did not come to";
        assert_eq!(print(&tally), expected);
    }

    #[test]
    fn a_summary_knows_one_from_many() {
        let tally = tally();
        tally.found_image(1);
        tally.interrupted();
        tally.scanned();
        tally.ended();
        let expected = "resized 0 of 1 image | 0.00 MB in, 0.00 MB out\n  \
            interrupted\n  not done: 1 image that was found";
        assert_eq!(print(&tally), expected);
        for _ in 0..2 {
            tally.passed_over_other();
            tally.passed_over_special();
            tally.lost();
            tally.refused();
        }
        let said = print(&tally);
        for many in [
            "2 times sent again",
            "2 times told",
            "2 files that are no images, 2 links or special files",
        ] {
            assert!(said.contains(many), "{said}");
        }
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
                is_damaged: false,
            });
        }
        let served = tally.summary().served;
        assert_eq!(served.len(), SERVERS_MAX + 1);
        assert_eq!(served[OTHER_SERVERS], (1_000 - SERVERS_MAX) as u64);
    }
}
