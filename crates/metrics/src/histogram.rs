//! How values are spread, counted without a lock.

use std::iter;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How long something took: how often up to each bound, and all together. Whoever counts does not wait.
#[derive(Debug)]
pub struct Histogram {
    /// Seconds, rising.
    bounds: &'static [f64],
    /// One for each bound, and one for what is beyond.
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Begins to count, with these bounds in seconds, from small to large.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: iter::repeat_with(AtomicU64::default)
                .take(bounds.len() + 1)
                .collect(),
            sum_micros: AtomicU64::new(0),
        }
    }

    /// Counts one more.
    pub fn note(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = self.bounds.partition_point(|&bound| bound < seconds);
        self.counts[place].fetch_add(1, Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    /// Writes the counts up to each bound. All of them are of the same moment: the last is the sum of those that were read.
    pub(crate) fn write(&self, text: &mut String, name: &str) {
        let bounds = self.bounds.iter().map(f64::to_string);
        let bounds = bounds.chain(iter::once("+Inf".to_owned()));
        let mut all = 0;
        for (bound, count) in bounds.zip(&self.counts) {
            all += count.load(Relaxed);
            *text += &format!("{name}_bucket{{le=\"{bound}\"}} {all}\n");
        }
        let sum = self.sum_micros.load(Relaxed) as f64 / 1e6;
        *text += &format!("{name}_sum {sum}\n{name}_count {all}\n");
    }
}

#[cfg(test)]
mod tests {
    use crate::Page;

    use super::*;

    #[test]
    fn a_value_counts_for_each_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for millis in [50, 100, 101, 1000, 5000] {
            histogram.note(Duration::from_millis(millis));
        }
        let mut page = Page::default();
        page.histogram("wait_seconds", "Waits.", &histogram);
        assert_eq!(
            page.to_string(),
            "# HELP wait_seconds Waits.\n\
             # TYPE wait_seconds histogram\n\
             wait_seconds_bucket{le=\"0.1\"} 2\n\
             wait_seconds_bucket{le=\"1\"} 4\n\
             wait_seconds_bucket{le=\"+Inf\"} 5\n\
             wait_seconds_sum 6.251\n\
             wait_seconds_count 5\n"
        );
    }
}
