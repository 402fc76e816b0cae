//! Gives memory back when a crowd of sessions has left.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::sleep;

use crate::stats::Stats;

/// How often is looked how many sessions there are.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So many sessions are a crowd: some megabytes.
const CROWD: usize = 1000;

/// How many sessions there have been of late.
#[derive(Debug, Default)]
struct Crowd {
    most: usize,
}

impl Crowd {
    /// Notes how many sessions there are now, and says whether a crowd has left: half of the most that were seen since the last one.
    fn has_left(&mut self, live: usize) -> bool {
        self.most = self.most.max(live);
        let gone = self.most - live;
        let has_left = gone >= CROWD && gone >= live;
        if has_left {
            self.most = live;
        }
        has_left
    }
}

/// Calls `give_back` whenever a crowd of sessions has left: at least a thousand, and half of those there were.
///
/// An allocator that keeps what was freed would otherwise keep the memory of the largest crowd for ever. Which allocator that is, and what to
/// call, is for the program to say. It looks once a second.
pub async fn after_each_crowd(stats: &Stats, give_back: impl Fn()) -> Infallible {
    let mut crowd = Crowd::default();
    loop {
        sleep(LOOK_EVERY).await;
        if crowd.has_left(stats.live()) {
            give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_leaves_once() {
        let mut crowd = Crowd::default();
        let left: Vec<_> = [0, 5000, 4000, 2501, 2500, 2500, 1251, 1250, 0]
            .map(|live| crowd.has_left(live))
            .into();
        assert_eq!(
            left,
            [false, false, false, false, true, false, false, true, true]
        );
    }

    #[test]
    fn few_are_no_crowd() {
        let mut crowd = Crowd::default();
        assert!(!crowd.has_left(999));
        assert!(!crowd.has_left(0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_crowd_leaves_is_given_back() {
        let stats = Stats::new(Vec::new(), 1);
        let given = std::cell::Cell::new(0);
        let looks = after_each_crowd(&stats, || given.set(given.get() + 1));
        let sessions = async {
            for _ in 0..CROWD {
                assert!(stats.admit(0, CROWD));
            }
            sleep(2 * LOOK_EVERY).await;
            assert_eq!(given.get(), 0);
            for _ in 0..CROWD {
                stats.leave(0);
            }
            sleep(3 * LOOK_EVERY).await;
        };
        tokio::select! {
            _ = looks => {}
            () = sessions => {}
        }
        assert_eq!(given.get(), 1);
    }
}
