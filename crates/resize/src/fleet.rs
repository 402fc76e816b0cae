//! How many connections are held, and when the run gives up: pure rules.
//!
//! 1. No connection is opened before an image waits.
//! 2. Then the minimum is opened, and held until no image is left: these connections are kept.
//! 3. While an image waits that nobody takes, another connection is opened, up to the maximum: these are spare. A spare
//!    connection that gets no image for a while closes.
//! 4. Connections are opened one at a time: the next when the last is connected, or has failed.
//! 5. After a loss, there is a pause before the next is opened; it doubles with each loss that no answer came between.
//! 6. When none is open and too many in a row were lost, the run gives up.

use std::time::Duration;

use crate::retry;
use crate::via::Connections;

/// Why a connection is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is one of the minimum, and stays.
    Kept,
    /// It was opened because images waited, and goes when none do.
    Spare,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// We closed it: there was nothing more to send.
    Unneeded,
    /// The server closed it between two images, as servers do now and then.
    Closed,
    /// It could not be opened; in words.
    Unopened(String),
    /// It broke; in words.
    Lost(String),
}

/// When another connection is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// As soon as the pause is over.
    Now(Role),
    /// As soon as an image waits for it.
    WithBacklog(Role),
    /// Not before something else has changed.
    No,
}

/// The connections of a run.
#[derive(Debug)]
pub(crate) struct Fleet {
    limits: Connections,
    kept: usize,
    spare: usize,
    is_connecting: bool,
    /// Losses with no answer between them.
    losses: u32,
    /// Answers of the whole run, as far as known here.
    answers: u64,
}

impl Fleet {
    /// No connections yet.
    pub(crate) fn new(limits: Connections) -> Self {
        Self {
            limits,
            kept: 0,
            spare: 0,
            is_connecting: false,
            losses: 0,
            answers: 0,
        }
    }

    /// When another connection is to be opened, and as what.
    pub(crate) fn wanted(&self) -> Wanted {
        match self.kept + self.spare {
            _ if self.is_connecting => Wanted::No,
            0 => Wanted::WithBacklog(Role::Kept),
            _ if self.kept < self.limits.min() => Wanted::Now(Role::Kept),
            open if open < self.limits.max() => Wanted::WithBacklog(Role::Spare),
            _ => Wanted::No,
        }
    }

    /// The pause before the next connection is opened.
    pub(crate) fn pause(&self) -> Duration {
        match self.losses {
            0 => Duration::ZERO,
            losses => retry::pause_after(losses),
        }
    }

    /// Whether to give up: the losses in a row, if so.
    pub(crate) fn hopeless(&self) -> Option<u32> {
        let is_alone = self.kept + self.spare == 0;
        (is_alone && retry::is_hopeless(self.losses, self.answers > 0)).then_some(self.losses)
    }

    /// A connection is being opened.
    pub(crate) fn opening(&mut self, role: Role) {
        *self.count(role) += 1;
        self.is_connecting = true;
    }

    /// The connection that was being opened is there.
    pub(crate) fn connected(&mut self) {
        self.is_connecting = false;
    }

    /// A connection has ended; `answers` came in the whole run so far.
    pub(crate) fn ended(&mut self, role: Role, ending: &Ending, answers: u64) {
        *self.count(role) -= 1;
        let is_progress = answers > self.answers;
        if is_progress {
            self.answers = answers;
            self.losses = 0;
        }
        match ending {
            Ending::Unopened(_) => {
                self.is_connecting = false;
                self.losses += 1;
            }
            Ending::Lost(_) => self.losses += 1,
            // A server that accepts and closes without ever answering is as good as absent.
            Ending::Closed if !is_progress => self.losses += 1,
            Ending::Closed | Ending::Unneeded => {}
        }
    }

    fn count(&mut self, role: Role) -> &mut usize {
        match role {
            Role::Kept => &mut self.kept,
            Role::Spare => &mut self.spare,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn fleet(min: usize, max: usize) -> Fleet {
        let count = |count| NonZeroUsize::new(count).unwrap();
        Fleet::new(Connections::new(count(min), count(max)).unwrap())
    }

    fn open(fleet: &mut Fleet) -> Wanted {
        let wanted = fleet.wanted();
        if let Wanted::Now(role) | Wanted::WithBacklog(role) = wanted {
            fleet.opening(role);
            assert_eq!(fleet.wanted(), Wanted::No, "one at a time");
            fleet.connected();
        }
        wanted
    }

    fn lost() -> Ending {
        Ending::Lost("reset".to_owned())
    }

    #[test]
    fn the_minimum_is_opened_with_the_first_image_and_more_only_while_images_wait() {
        let mut fleet = fleet(2, 4);
        let wanted: Vec<_> = (0..5).map(|_| open(&mut fleet)).collect();
        let spare = Wanted::WithBacklog(Role::Spare);
        let expected = [
            Wanted::WithBacklog(Role::Kept),
            Wanted::Now(Role::Kept),
            spare,
            spare,
            Wanted::No,
        ];
        assert_eq!(wanted, expected);
    }

    #[test]
    fn a_lost_kept_connection_is_replaced_and_a_spare_one_only_while_images_wait() {
        let mut fleet = fleet(2, 4);
        for _ in 0..4 {
            open(&mut fleet);
        }
        fleet.ended(Role::Spare, &Ending::Unneeded, 9);
        assert_eq!(fleet.wanted(), Wanted::WithBacklog(Role::Spare));
        fleet.ended(Role::Kept, &lost(), 9);
        assert_eq!(fleet.wanted(), Wanted::Now(Role::Kept));
    }

    #[test]
    fn a_connection_that_cannot_be_opened_makes_room_for_the_next() {
        let mut fleet = fleet(1, 1);
        for losses in 1..=4 {
            assert_eq!(fleet.wanted(), Wanted::WithBacklog(Role::Kept));
            fleet.opening(Role::Kept);
            fleet.ended(Role::Kept, &Ending::Unopened("refused".to_owned()), 0);
            assert_eq!(fleet.hopeless(), (losses == 4).then_some(4));
        }
    }

    #[test]
    fn pauses_grow_until_an_answer_comes() {
        let mut fleet = fleet(1, 1);
        let mut pause_after = |ending: Ending, answers| {
            open(&mut fleet);
            fleet.ended(Role::Kept, &ending, answers);
            fleet.pause().as_millis()
        };
        assert_eq!(pause_after(lost(), 0), 100);
        assert_eq!(pause_after(Ending::Closed, 0), 200);
        assert_eq!(pause_after(lost(), 0), 400);
        assert_eq!(pause_after(Ending::Closed, 7), 0);
        assert_eq!(pause_after(lost(), 8), 100);
        assert_eq!(pause_after(lost(), 8), 200);
    }

    #[test]
    fn the_run_gives_up_only_when_no_connection_is_left() {
        let mut fleet = fleet(2, 2);
        open(&mut fleet);
        for _ in 0..9 {
            open(&mut fleet);
            fleet.ended(Role::Kept, &lost(), 0);
            assert_eq!(fleet.hopeless(), None);
        }
        fleet.ended(Role::Kept, &lost(), 0);
        assert_eq!(fleet.hopeless(), Some(10));
    }

    #[test]
    fn a_run_that_had_answers_is_more_patient() {
        let mut fleet = fleet(1, 1);
        let mut losses_until_hopeless = |answers| {
            (1..).find(|_| {
                open(&mut fleet);
                fleet.ended(Role::Kept, &lost(), answers);
                fleet.hopeless().is_some()
            })
        };
        assert_eq!(losses_until_hopeless(0), Some(4));
        assert_eq!(losses_until_hopeless(1), Some(18));
    }
}
