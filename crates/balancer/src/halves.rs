//! What each side of a session has told us, and what follows from it.
//!
//! A session has two directions, each with a source and a sink. A direction learns that its source finished
//! (FIN), that reading the source failed, or that writing the sink failed. What to do then depends on what the
//! other direction has learnt, and this file decides it, without a socket in sight:
//!
//! 1. **A direction ends the way its source ends.** A FIN is handed on, a reset ends the session.
//! 2. **A sink that cannot be written to does not end the session**, because what it sent before may still wait to be
//!    read: an upstream that answers and then resets has answered. The opposite direction, whose source it is, reads
//!    the rest and then ends the session. A failed write may also have used up the socket's error, so that what
//!    the opposite direction reads looks like a FIN; rule 3 sees through it.
//! 3. **A FIN from a broken side is a reset.**
//! 4. **If the broken sink had finished before,** nobody is left to end the session, and closing the source with bytes of
//!    it unread would reset it and destroy what is still on its way to it. So its bytes are read and dropped
//!    until it closes, which the half-close timeout bounds; slowly, once it is clear that there are many.
//! 5. The session is complete when both sides have finished.

use crate::ending::{Ending, Phase, Side};

/// What is known of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Half {
    /// It may still send, and takes what it is sent.
    #[default]
    Open,
    /// It has sent its last byte, and all of it was handed on.
    Finished,
    /// It takes nothing more; what it sent before is being read.
    Broken,
}

/// What is known of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Halves {
    client: Half,
    upstream: Half,
}

/// What a direction has learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The side sent its last byte, and everything before it was handed on.
    Finished(Side),
    /// Reading from the side failed.
    Unreadable(Side),
    /// Writing to the side failed.
    Unwritable(Side),
}

/// What the direction that learnt it has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand the end of the stream on to the sink; this direction is done and the opposite one goes on.
    HandOn,
    /// Stop; the opposite direction goes on and ends the session.
    Stop,
    /// The ending is settled, but read the source on and drop what it sends until it closes.
    Discard(Ending),
    /// The session is over.
    End(Ending),
}

impl Halves {
    /// Returns what is known after `event`, and what follows.
    pub(crate) fn next(mut self, event: Event) -> (Self, Verdict) {
        let verdict = match event {
            Event::Finished(side) => self.finished(side),
            Event::Unreadable(side) => Verdict::End(self.reset_by(self.first_broken(side))),
            Event::Unwritable(side) => self.unwritable(side),
        };
        (self, verdict)
    }

    /// Tells how far the session has come.
    pub(crate) fn phase(self) -> Phase {
        if self.upstream == Half::Finished {
            Phase::LastData
        } else {
            Phase::Data
        }
    }

    /// Returns the side that has not finished, if the other one has.
    pub(crate) fn awaited(self) -> Option<Side> {
        match (self.client, self.upstream) {
            (Half::Finished, Half::Finished) => None,
            (Half::Finished, _) => Some(Side::Upstream),
            (_, Half::Finished) => Some(Side::Client),
            _ => None,
        }
    }

    fn finished(&mut self, side: Side) -> Verdict {
        if self.half(side) == Half::Broken || self.half(side.other()) == Half::Broken {
            return Verdict::End(self.reset_by(self.first_broken(side)));
        }
        *self.half_mut(side) = Half::Finished;
        match self.half(side.other()) {
            Half::Finished => Verdict::End(Ending::Complete),
            _ => Verdict::HandOn,
        }
    }

    fn unwritable(&mut self, side: Side) -> Verdict {
        if self.half(side) == Half::Finished {
            return Verdict::Discard(self.reset_by(side));
        }
        if self.half(side.other()) == Half::Broken {
            return Verdict::End(self.reset_by(side.other()));
        }
        *self.half_mut(side) = Half::Broken;
        Verdict::Stop
    }

    /// The side that broke first, when `side` breaks now.
    fn first_broken(self, side: Side) -> Side {
        if self.half(side.other()) == Half::Broken {
            side.other()
        } else {
            side
        }
    }

    fn reset_by(self, by: Side) -> Ending {
        Ending::Reset {
            by,
            phase: self.phase(),
        }
    }

    fn half(self, side: Side) -> Half {
        match side {
            Side::Client => self.client,
            Side::Upstream => self.upstream,
        }
    }

    fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Upstream => &mut self.upstream,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Event::{Finished, Unreadable, Unwritable};
    use Side::{Client, Upstream};

    /// Feeds `events` one by one and returns the verdict on each.
    fn verdicts<const N: usize>(events: [Event; N]) -> [Verdict; N] {
        let mut halves = Halves::default();
        events.map(|event| {
            let verdict;
            (halves, verdict) = halves.next(event);
            verdict
        })
    }

    fn reset(by: Side, phase: Phase) -> Ending {
        Ending::Reset { by, phase }
    }

    #[test]
    fn a_session_is_complete_when_both_sides_finished() {
        for (first, second) in [(Client, Upstream), (Upstream, Client)] {
            assert_eq!(
                verdicts([Finished(first), Finished(second)]),
                [Verdict::HandOn, Verdict::End(Ending::Complete)]
            );
        }
    }

    #[test]
    fn a_reset_ends_the_session() {
        assert_eq!(
            verdicts([Unreadable(Client)]),
            [Verdict::End(reset(Client, Phase::Data))]
        );
        assert_eq!(
            verdicts([Finished(Upstream), Unreadable(Client)]),
            [
                Verdict::HandOn,
                Verdict::End(reset(Client, Phase::LastData))
            ]
        );
    }

    #[test]
    fn what_a_broken_upstream_sent_is_read_before_the_session_ends() {
        for last in [Finished(Upstream), Unreadable(Upstream)] {
            assert_eq!(
                verdicts([Unwritable(Upstream), last]),
                [Verdict::Stop, Verdict::End(reset(Upstream, Phase::Data))]
            );
        }
    }

    #[test]
    fn an_upstream_that_answered_and_then_refused_the_rest_does_not_cost_the_client_the_answer() {
        assert_eq!(
            verdicts([Finished(Upstream), Unwritable(Upstream)]),
            [
                Verdict::HandOn,
                Verdict::Discard(reset(Upstream, Phase::LastData))
            ]
        );
    }

    #[test]
    fn two_broken_sides_end_the_session_and_the_first_is_named() {
        assert_eq!(
            verdicts([Unwritable(Client), Unwritable(Upstream)]),
            [Verdict::Stop, Verdict::End(reset(Client, Phase::Data))]
        );
    }

    #[test]
    fn the_side_that_has_not_finished_is_awaited() {
        let start = Halves::default();
        assert_eq!(start.awaited(), None);
        assert_eq!(start.next(Finished(Client)).0.awaited(), Some(Upstream));
        assert_eq!(start.next(Finished(Upstream)).0.awaited(), Some(Client));
    }

    /// Each direction reports once; whatever the two have learnt, and in whichever order, the session ends.
    #[test]
    fn no_order_of_events_leaves_a_session_without_an_end() {
        let of_upload = [Finished(Client), Unreadable(Client), Unwritable(Upstream)];
        let of_download = [Finished(Upstream), Unreadable(Upstream), Unwritable(Client)];
        let pairs = of_upload
            .into_iter()
            .flat_map(|up| of_download.map(|down| [up, down]));
        for order in pairs.flat_map(|[up, down]| [[up, down], [down, up]]) {
            let verdicts = verdicts(order);
            assert!(
                verdicts.into_iter().any(is_end),
                "{order:?} gave {verdicts:?}"
            );
        }
    }

    fn is_end(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::End(_) | Verdict::Discard(_))
    }
}
