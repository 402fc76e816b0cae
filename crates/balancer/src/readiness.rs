//! What is known of a socket: whether it can be read, and whether it takes more.
//!
//! The system tells only of changes (edge-triggered epoll), so what it has told is kept until a call shows that it is so no
//! longer. Between that call and the forgetting the system may tell again, on another thread; so tellings are numbered,
//! and a socket forgets only what it has seen. What was told of a socket that has since been closed is told by another
//! watch, and is ignored.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Release},
};

use rustix::event::epoll::EventFlags;

const READABLE: u64 = 1;
const WRITABLE: u64 = 1 << 1;
/// The stream has ended, or the socket is broken: reading never has to wait again.
const READ_CLOSED: u64 = 1 << 2;
/// The socket is broken: writing never has to wait again.
const WRITE_CLOSED: u64 = 1 << 3;

/// Urgent data has come at some time, at which reading stops before there is nothing left.
const URGENT: u64 = 1 << 4;

/// The number of a telling is above these bits, and below that of the watch.
const ONE_TELLING: u64 = 1 << 5;
const WATCH: u32 = 32;
const LOWER: u64 = (1 << WATCH) - 1;

/// What is known of the socket that a side has at the moment. At first, nothing.
#[derive(Debug, Default)]
pub(crate) struct Readiness(AtomicU64);

/// What was known at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    pub(crate) fn is_readable(self) -> bool {
        self.0 & (READABLE | READ_CLOSED) != 0
    }

    pub(crate) fn is_writable(self) -> bool {
        self.0 & (WRITABLE | WRITE_CLOSED) != 0
    }

    pub(crate) fn is_broken(self) -> bool {
        self.0 & WRITE_CLOSED != 0
    }

    pub(crate) fn has_been_urgent(self) -> bool {
        self.0 & URGENT != 0
    }
}

impl Readiness {
    /// Forgets everything: this is another socket, with a watch of its own.
    pub(crate) fn begin(&self, watch: u32) {
        self.0.store(u64::from(watch) << WATCH, Release);
    }

    pub(crate) fn see(&self) -> Seen {
        Seen(self.0.load(Acquire))
    }

    /// Notes what the system tells of the socket with that watch, and returns what is known then.
    pub(crate) fn tell(&self, watch: u32, events: EventFlags) -> Seen {
        let told = bits(events);
        let next = |known: u64| {
            let lower = ((known | told) + ONE_TELLING) & LOWER;
            (known >> WATCH == u64::from(watch)).then_some(known & !LOWER | lower)
        };
        match self.0.fetch_update(AcqRel, Acquire, next) {
            Ok(_) => self.see(),
            Err(of_another) => Seen(of_another),
        }
    }

    /// Notes that there is nothing to read, unless the system has told something since that was `seen`.
    pub(crate) fn is_drained(&self, seen: Seen) {
        self.forget(seen, READABLE);
    }

    /// Notes that the socket takes no more, unless the system has told something since that was `seen`.
    pub(crate) fn is_full(&self, seen: Seen) {
        self.forget(seen, WRITABLE);
    }

    fn forget(&self, seen: Seen, bit: u64) {
        let is_the_same = |known: u64| known / ONE_TELLING == seen.0 / ONE_TELLING;
        // The opposite direction may have forgotten its own bit meanwhile, which is no telling.
        let next = |known: u64| is_the_same(known).then_some(known & !bit);
        let _told_since = self.0.fetch_update(AcqRel, Acquire, next);
    }
}

fn bits(events: EventFlags) -> u64 {
    let has = |flag, bit| if events.contains(flag) { bit } else { 0 };
    has(EventFlags::IN, READABLE)
        | has(EventFlags::OUT, WRITABLE)
        | has(EventFlags::PRI, URGENT)
        | has(EventFlags::RDHUP, READ_CLOSED)
        | has(EventFlags::HUP, READ_CLOSED | WRITE_CLOSED)
        | has(EventFlags::ERR, READ_CLOSED | WRITE_CLOSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_between_a_call_and_its_forgetting_is_not_forgotten() {
        let readiness = Readiness::default();
        readiness.tell(0, EventFlags::IN | EventFlags::OUT);
        let seen = readiness.see();
        readiness.tell(0, EventFlags::IN);
        readiness.is_drained(seen);
        assert!(readiness.see().is_readable());
        readiness.is_drained(readiness.see());
        assert!(!readiness.see().is_readable());
        assert!(readiness.see().is_writable(), "that is another matter");
    }

    #[test]
    fn one_direction_forgets_whatever_the_other_has_forgotten() {
        let readiness = Readiness::default();
        readiness.tell(0, EventFlags::IN | EventFlags::OUT);
        let seen = readiness.see();
        readiness.is_full(seen);
        readiness.is_drained(seen);
        assert!(!readiness.see().is_readable() && !readiness.see().is_writable());
    }

    #[test]
    fn an_end_is_never_forgotten() {
        for (event, is_broken) in [
            (EventFlags::RDHUP, false),
            (EventFlags::HUP, true),
            (EventFlags::ERR, true),
        ] {
            let readiness = Readiness::default();
            readiness.tell(0, event);
            readiness.is_drained(readiness.see());
            readiness.is_full(readiness.see());
            let seen = readiness.see();
            assert!(seen.is_readable(), "{event:?}");
            assert_eq!(
                (seen.is_writable(), seen.is_broken()),
                (is_broken, is_broken)
            );
        }
    }

    #[test]
    fn after_very_many_tellings_the_numbers_start_anew_and_the_bits_stay() {
        let readiness = Readiness(AtomicU64::new(LOWER & !0x1f));
        readiness.tell(0, EventFlags::IN);
        assert!(readiness.see().is_readable() && !readiness.see().is_writable());
        assert_eq!(
            readiness.0.into_inner() >> WATCH,
            0,
            "that is another number"
        );
    }

    #[test]
    fn what_is_told_of_a_socket_that_is_gone_is_ignored() {
        let readiness = Readiness::default();
        readiness.begin(1);
        readiness.begin(2);
        readiness.tell(1, EventFlags::HUP);
        assert_eq!(readiness.see(), Seen(2 << WATCH));
        assert!(readiness.tell(2, EventFlags::IN).is_readable());
    }
}
