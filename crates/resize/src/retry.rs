//! How often an image is sent again, after which pause, and when the run gives up: pure rules, no clock.

use std::time::Duration;

/// How often one image is sent before it counts as failed. One loss is bad luck (a resizer was killed); an image
/// that loses five connections in a row is likely what kills them.
const SENDS_MAX: u32 = 5;

/// How often one image is told to wait before it counts as failed.
const REFUSALS_MAX: u32 = 20;

/// The pause after the first loss; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause after a loss.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The pause that is made when a refusal does not say how long to wait.
const REFUSAL_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that a refusal may ask for: more than any queue of a resizer takes.
const REFUSAL_PAUSE_MAX: Duration = Duration::from_secs(10);

/// Connections lost in a row, without one answer between them, after which a run that never had an answer gives up:
/// the address is likely wrong. It takes less than a second where connections are refused.
const LOSSES_MAX_AT_FIRST: u32 = 4;

/// The same for a run that had answers: half a minute of pauses, long enough to restart what is behind the address.
const LOSSES_MAX_LATER: u32 = 18;

/// What has gone wrong with one image so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Times it was sent and no answer came.
    pub(crate) losses: u32,
    /// Times the server asked to come back later.
    pub(crate) refusals: u32,
}

impl Trouble {
    /// Notes that no answer came; gives the pause before the image is sent again, or `None` if it has been sent often
    /// enough.
    pub(crate) fn lost(&mut self) -> Option<Duration> {
        self.losses += 1;
        (self.losses < SENDS_MAX).then(|| pause_after(self.losses))
    }

    /// Notes that the server is busy and asked for the pause `after`; gives the pause to make, or `None` if the image has
    /// been refused often enough.
    pub(crate) fn refused(&mut self, after: Option<Duration>) -> Option<Duration> {
        self.refusals += 1;
        let pause = after
            .unwrap_or(REFUSAL_PAUSE)
            .clamp(PAUSE_MIN, REFUSAL_PAUSE_MAX);
        (self.refusals < REFUSALS_MAX).then_some(pause)
    }
}

/// The pause after so many losses in a row: 0.1 s, then twice as long each time, up to 2 s.
pub(crate) fn pause_after(losses: u32) -> Duration {
    let doublings = losses.saturating_sub(1).min(16);
    (PAUSE_MIN * (1 << doublings)).min(PAUSE_MAX)
}

/// Whether to give up after so many lost connections in a row.
pub(crate) fn is_hopeless(losses: u32, ever_answered: bool) -> bool {
    losses
        >= if ever_answered {
            LOSSES_MAX_LATER
        } else {
            LOSSES_MAX_AT_FIRST
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(mut next: impl FnMut() -> Option<Duration>) -> Vec<u128> {
        std::iter::from_fn(|| next().map(|pause| pause.as_millis())).collect()
    }

    #[test]
    fn an_image_is_sent_five_times_with_growing_pauses() {
        let mut trouble = Trouble::default();
        assert_eq!(pauses(|| trouble.lost()), [100, 200, 400, 800]);
    }

    #[test]
    fn an_image_is_refused_twenty_times() {
        let mut trouble = Trouble::default();
        assert_eq!(
            pauses(|| trouble.refused(Some(Duration::from_secs(2)))),
            [2_000; 19]
        );
    }

    #[test]
    fn a_refusal_cannot_ask_for_an_endless_or_an_empty_pause() {
        let pause = |seconds| Trouble::default().refused(seconds).unwrap().as_millis();
        assert_eq!(pause(Some(Duration::MAX)), 10_000);
        assert_eq!(pause(Some(Duration::ZERO)), 100);
        assert_eq!(pause(None), 1_000);
    }

    #[test]
    fn losses_and_refusals_are_counted_apart() {
        let mut trouble = Trouble::default();
        for _ in 0..4 {
            assert!(trouble.lost().is_some());
        }
        assert!(trouble.refused(None).is_some());
        assert!(trouble.lost().is_none());
    }

    #[test]
    fn a_run_gives_up_within_a_second_at_first_and_half_a_minute_later() {
        let patience = |ever_answered| -> Duration {
            (1..)
                .take_while(|losses| !is_hopeless(*losses, ever_answered))
                .map(pause_after)
                .sum()
        };
        assert_eq!(patience(false), Duration::from_millis(700));
        assert_eq!(patience(true), Duration::from_millis(27_100));
    }
}
