//! What the tasks of one session share: how it is going, and how it ended.

use std::io;
use std::net::{self, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::backends::Lease;
use crate::connect::{ConnectError, Why};
use crate::core::{Core, Place};
use crate::ending::{Ending, Phase, Side};
use crate::halves::{Event, Halves, Verdict};
use crate::log;
use crate::progress::{Limits, Patience, Progress};

/// The client's connection.
#[derive(Debug)]
pub(crate) enum Client {
    /// The runtime of this thread watches it.
    Watched(TcpStream),
    /// No runtime watches it, for it is to be relayed by another thread.
    HandedOver(net::TcpStream),
}

impl Client {
    /// Has the runtime of this thread watch it.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub(crate) fn watched(self) -> io::Result<TcpStream> {
        match self {
            Self::Watched(stream) => Ok(stream),
            Self::HandedOver(stream) => TcpStream::from_std(stream),
        }
    }
}

/// A connection that was accepted and has a place, on its way to become a session.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) client: Client,
    /// The client's address.
    pub(crate) from: SocketAddr,
    /// The number of the listener by which it came.
    pub(crate) listener: u16,
    pub(crate) place: Place,
    pub(crate) progress: Progress,
}

impl Arrival {
    /// Has no runtime watch the client's connection, so that another thread can.
    ///
    /// # Errors
    ///
    /// When the system refuses, which closes the connection.
    pub(crate) fn unwatched(self) -> io::Result<Self> {
        let client = match self.client {
            Client::Watched(stream) => Client::HandedOver(stream.into_std()?),
            Client::HandedOver(_) => self.client,
        };
        Ok(Self { client, ..self })
    }
}

/// One session. When the last of its tasks lets go of it, its line is written to the log and its places are
/// given back; so there is exactly one line whatever happens to the tasks.
#[derive(Debug)]
pub(crate) struct Session {
    client: SocketAddr,
    progress: Progress,
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
    connected_after: Option<Duration>,
    error: Option<Box<Why>>,
    retries: u8,
    /// Nothing has moved for too long: the directions are to end the session.
    is_over: bool,
    /// How to wake the directions: the upload, the download.
    wakers: [Option<Waker>; 2],
}

impl Session {
    /// Makes a session of a connection, which is given back for it to be relayed.
    pub(crate) fn new(arrival: Arrival) -> (Client, Arc<Self>) {
        let session = Arc::new_cyclic(|session| Self {
            client: arrival.from,
            progress: arrival.progress,
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

    /// Notes that the runtime cannot watch the client's socket.
    pub(crate) fn not_watched(&self, error: io::Error) {
        let mut story = self.story();
        story.ending.get_or_insert(Ending::OutOfSockets);
        story.error = Some(Box::new(Why::OutOfSockets(error)));
    }

    /// Notes which upstream the session is connected to.
    pub(crate) fn connected(&self, lease: Lease, retries: u8) {
        let mut story = self.story();
        story.connected_after = Some(self.progress.started().elapsed());
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
        self.progress.note(source);
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
                    self.progress.note(side);
                }
            }
            Verdict::Stop => {}
            Verdict::Discard(ending) | Verdict::End(ending) => {
                story.ending.get_or_insert(ending);
            }
        }
        verdict
    }

    /// Ends the session if nothing has moved for too long.
    pub(crate) fn look(&self, now: Instant) {
        let config = self.core().config();
        let limits = Limits {
            idle: config.idle_timeout,
            half_close: config.half_close_timeout,
        };
        let mut story = self.story();
        if story.connected_after.is_none() {
            // Connecting has its own limit.
            return;
        }
        if let Patience::Over(ending) = self.progress.patience(now, story.halves, limits) {
            story.ending.get_or_insert(ending);
            story.is_over = true;
            let wakers = std::mem::take(&mut story.wakers);
            drop(story);
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }

    /// Tells the direction of `source` whether the session is over; if not, it will be woken when it is.
    pub(crate) fn is_over(&self, source: Side, waker: &Waker) -> bool {
        let mut story = self.story();
        if !story.is_over {
            let slot = &mut story.wakers[usize::from(source == Side::Upstream)];
            match slot {
                Some(known) => known.clone_from(waker),
                None => *slot = Some(waker.clone()),
            }
        }
        story.is_over
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

    fn story(&self) -> MutexGuard<'_, Story> {
        // Nothing that could panic happens under this lock, and a session must be able to end in any case.
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
            client: self.client,
            listener: core.listener(self.listener),
            upstream: story.upstream.as_ref().map(Lease::upstream),
            ending,
            error: story.error.as_deref(),
            retries: story.retries,
            uploaded,
            downloaded,
            connected_after: story.connected_after,
            duration: self.progress.started().elapsed(),
        });
    }
}
