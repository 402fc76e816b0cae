//! What the tasks of one session share: how it is going, and how it ended.

use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use tokio::time::Instant;

use crate::backends::Lease;
use crate::connect::{ConnectError, Why};
use crate::core::{Core, Place};
use crate::ending::{Ending, Phase, Side};
use crate::halves::{Event, Halves, Verdict};
use crate::log;
use crate::peer::Peer;
use crate::progress::{Limits, Progress};
use crate::readiness::Readiness;
use crate::relay::Awaits;
use crate::socket::Socket;

/// A connection that was accepted and has a place, on its way to become a session.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Nobody watches it yet.
    pub(crate) client: OwnedFd,
    /// The client's address.
    pub(crate) from: Peer,
    /// The number of the listener by which it came.
    pub(crate) listener: u16,
    pub(crate) place: Place,
    pub(crate) progress: Progress,
}

/// One session. When the last of its tasks lets go of it, its line is written to the log and its places are
/// given back; so there is exactly one line whatever happens to the tasks.
#[derive(Debug)]
pub(crate) struct Session {
    client: Peer,
    progress: Progress,
    /// Of the client's socket, and the upstream's.
    readiness: [Readiness; 2],
    uploaded: AtomicU64,
    downloaded: AtomicU64,
    story: Mutex<Story>,
    place: Place,
    /// Its place on the roll of its core.
    number: u32,
    listener: u16,
}

/// What happens at most a few times in a session.
#[derive(Debug, Default)]
struct Story {
    halves: Halves,
    ending: Option<Ending>,
    upstream: Option<Lease>,
    connected_after: Option<Micros>,
    error: Option<Box<Why>>,
    retries: u8,
    /// Nothing has moved for too long: the directions are to end the session, or the try to connect is to end.
    is_over: bool,
    /// How to wake the directions that wait: the upload, the download.
    wakers: [Option<Waker>; 2],
    /// And for what.
    awaits: [Awaits; 2],
}

/// A time in little room: at least a microsecond, at most 71 minutes.
#[derive(Debug, Clone, Copy)]
struct Micros(NonZero<u32>);

impl From<Duration> for Micros {
    fn from(time: Duration) -> Self {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        Self(NonZero::new(micros).unwrap_or(NonZero::<u32>::MIN))
    }
}

impl From<Micros> for Duration {
    fn from(Micros(micros): Micros) -> Self {
        Self::from_micros(micros.get().into())
    }
}

/// What a direction has waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It can do something.
    ToStep,
    /// The session is to end.
    SessionOver,
}

impl Session {
    /// Makes a session of a connection, which is given back for it to be relayed.
    pub(crate) fn new(arrival: Arrival) -> (OwnedFd, Arc<Self>) {
        let session = Arc::new_cyclic(|session| Self {
            client: arrival.from,
            progress: arrival.progress,
            readiness: Default::default(),
            uploaded: AtomicU64::new(0),
            downloaded: AtomicU64::new(0),
            story: Mutex::default(),
            number: arrival.place.core().roll().enter(Weak::clone(session)),
            listener: arrival.listener,
            place: arrival.place,
        });
        (arrival.client, session)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        self.place.core()
    }

    /// Has a socket watched, as that of `side`.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub(crate) fn watch(&self, side: Side, socket: &OwnedFd) -> io::Result<()> {
        let whose = (self.number, side);
        let reactor = self.core().reactor();
        reactor.watch(socket.as_fd(), self.readiness(side), whose)
    }

    /// Returns the socket of `side` with what is known of it.
    pub(crate) fn socket<'a>(&'a self, side: Side, file: &'a OwnedFd) -> Socket<'a> {
        Socket::new(file, self.readiness(side))
    }

    /// Notes that the client's socket cannot be watched.
    pub(crate) fn not_watched(&self, error: io::Error) {
        let mut story = self.story();
        story.ending.get_or_insert(Ending::OutOfSockets);
        story.error = Some(Box::new(Why::OutOfSockets(error)));
    }

    /// Notes that another upstream is tried, which has its time from now on. The first one has it from the start.
    pub(crate) fn tries_again(&self) {
        self.core().clock().look();
        self.progress.note(Side::Client, self.core().clock());
        self.story().is_over = false;
    }

    /// Notes which upstream the session is connected to: it was the last to do something.
    pub(crate) fn connected(&self, lease: Lease, retries: u8) {
        self.progress.note(Side::Upstream, self.core().clock());
        let mut story = self.story();
        story.is_over = false;
        story.connected_after = Some(self.age().into());
        story.upstream = Some(lease);
        story.retries = retries;
    }

    /// Notes that no upstream could be connected.
    pub(crate) fn not_connected(&self, error: ConnectError) {
        let mut story = self.story();
        story.ending.get_or_insert(match error.why {
            Why::TimedOut => Ending::ConnectTimedOut,
            Why::OutOfSockets(_) => Ending::OutOfSockets,
            Why::Failed(_) => Ending::ConnectFailed,
        });
        story.upstream = Some(error.lease);
        story.retries = error.retries;
        story.error = Some(Box::new(error.why));
    }

    /// Notes that `bytes` of `source` were handed to the other side.
    pub(crate) fn moved(&self, source: Side, bytes: usize) {
        let counter = match source {
            Side::Client => &self.uploaded,
            Side::Upstream => &self.downloaded,
        };
        counter.fetch_add(bytes as u64, Relaxed);
        self.progress.note(source, self.core().clock());
    }

    /// Notes what a direction has learnt, and says what it has to do. The session's first ending stays.
    pub(crate) fn learn(&self, event: Event) -> Verdict {
        let mut story = self.story();
        let (halves, verdict) = story.halves.next(event);
        story.halves = halves;
        match verdict {
            Verdict::HandOn => {
                // The other side's time to finish begins now.
                if let Event::Finished(side) = event {
                    self.progress.note(side, self.core().clock());
                }
            }
            Verdict::Stop => {}
            Verdict::Discard(ending) | Verdict::End(ending) => {
                story.ending.get_or_insert(ending);
            }
        }
        verdict
    }

    /// Ends the session, or the try to connect, if nothing has moved for too long.
    pub(crate) fn look(&self, now: Instant) {
        let config = self.core().config();
        let limits = Limits {
            idle: config.idle_timeout,
            half_close: config.half_close_timeout,
            connect: config.connect_timeout,
        };
        let time = (self.core().clock(), now);
        let mut story = self.story();
        if story.connected_after.is_none() {
            story.is_over |= self.progress.has_tried_enough(time, limits);
        } else if let Some(ending) = self.progress.overdue(time, story.halves, limits) {
            story.ending.get_or_insert(ending);
            story.is_over = true;
        }
        if story.is_over {
            let wakers = std::mem::take(&mut story.wakers);
            drop(story);
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }

    /// Notes what the system tells of the socket of `side` with that watch, and wakes who waits for it.
    pub(crate) fn tell(&self, side: Side, watch: u32, events: EventFlags) {
        let known = self.readiness(side).tell(watch, events);
        let mut story = self.story();
        let mut take_if = |is_ready: bool, direction: Side, awaited: Awaits| {
            let direction = index(direction);
            let is_awaited = is_ready && story.awaits[direction] == awaited;
            is_awaited.then(|| story.wakers[direction].take())?
        };
        let reader = take_if(known.is_readable(), side, Awaits::Source);
        let writer = take_if(known.is_writable(), side.other(), Awaits::Sink);
        drop(story);
        let wakers = [reader, writer].into_iter().flatten();
        wakers.for_each(Waker::wake);
    }

    /// Ready when the direction of `source` has what it awaits, or when the session is over.
    pub(crate) fn poll_ready(&self, source: Side, awaits: Awaits, waker: &Waker) -> Poll<Ready> {
        if self.has(source, awaits) {
            return Poll::Ready(Ready::ToStep);
        }
        let mut story = self.story();
        if story.is_over {
            return Poll::Ready(Ready::SessionOver);
        }
        story.awaits[index(source)] = awaits;
        match &mut story.wakers[index(source)] {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        drop(story);
        // Another thread may have told between the look and the lock.
        if self.has(source, awaits) {
            return Poll::Ready(Ready::ToStep);
        }
        Poll::Pending
    }

    fn has(&self, source: Side, awaits: Awaits) -> bool {
        match awaits {
            Awaits::Source => self.readiness(source).see().is_readable(),
            Awaits::Sink => self.readiness(source.other()).see().is_writable(),
        }
    }

    /// What is known of the socket of `side`.
    pub(crate) fn readiness(&self, side: Side) -> &Readiness {
        &self.readiness[index(side)]
    }

    /// Notes that the session was ended from outside, unless it had ended; returns its ending.
    pub(crate) fn end(&self, ending: impl FnOnce(Phase) -> Ending) -> Ending {
        let mut story = self.story();
        let phase = match story.connected_after {
            Some(_) => story.halves.phase(),
            None => Phase::Connecting,
        };
        *story.ending.get_or_insert_with(|| ending(phase))
    }

    /// How long ago it was accepted.
    pub(crate) fn age(&self) -> Duration {
        self.progress.age(self.core().clock())
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        // Nothing that could panic happens under this lock, and a session must be able to end in any case.
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a side, and of the direction that reads from it.
fn index(side: Side) -> usize {
    usize::from(side == Side::Upstream)
}

impl Drop for Session {
    fn drop(&mut self) {
        self.core().roll().leave(self.number);
        let ending = self.end(|phase| Ending::Stopped { phase });
        let (uploaded, downloaded) = (self.uploaded.load(Relaxed), self.downloaded.load(Relaxed));
        let story = std::mem::take(&mut *self.story());
        let core = self.core();
        core.stats().add_bytes(core.index(), uploaded, downloaded);
        log::session(&log::Line {
            client: self.client.into(),
            listener: core.listener(self.listener),
            upstream: story.upstream.as_ref().map(Lease::upstream),
            ending,
            error: story.error.as_deref(),
            retries: story.retries,
            uploaded,
            downloaded,
            connected_after: story.connected_after.map(Duration::from),
            duration: self.age(),
        });
    }
}
