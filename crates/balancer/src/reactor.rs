//! Tells the sessions of a core when their sockets are ready: an epoll instance of the core's own, inside the runtime's.
//!
//! Tokio would watch the sockets as well. It keeps 256 bytes for each, and makes one more system call to let go of one, which
//! closing it does anyway. Here a socket is a number in its session, and the place of the session on the roll is what the
//! system gives back. Against that stands one more system call whenever the core wakes up: little where there is much to
//! do, since one call brings the news of all sockets.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{self, Poll, ready};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use teamwork::{Context, Flow, Result, Task};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use crate::core::Core;
use crate::ending::Side;
use crate::readiness::Readiness;

/// How many sockets one call tells of; after them others have their turn.
const EVENTS: usize = 256;

/// What is watched for. A socket is told of when something changes, and is believed to be so until a call shows otherwise.
const ANY: EventFlags = EventFlags::IN
    .union(EventFlags::OUT)
    .union(EventFlags::PRI)
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

/// The epoll instance of a core.
#[derive(Debug)]
pub(crate) struct Reactor {
    epoll: Arc<OwnedFd>,
    watches: AtomicU32,
    /// Nobody is left to be told of anything.
    over: Notify,
}

/// Whose socket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whose {
    /// The session's place on the roll.
    place: u32,
    side: Side,
    /// The number of the watch: a place may have been given to another session, and a side may have another socket.
    watch: u32,
}

impl Whose {
    fn to_data(self) -> EventData {
        let side = u64::from(self.side == Side::Upstream);
        EventData::new_u64(u64::from(self.watch) << 32 | u64::from(self.place) << 1 | side)
    }

    fn of(data: EventData) -> Self {
        let data = data.u64();
        let side = match data & 1 {
            0 => Side::Client,
            _ => Side::Upstream,
        };
        Self {
            place: (data as u32) >> 1,
            side,
            watch: (data >> 32) as u32,
        }
    }
}

impl Reactor {
    fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: Arc::new(epoll::create(CreateFlags::CLOEXEC)?),
            watches: AtomicU32::new(0),
            over: Notify::new(),
        })
    }

    /// Watches a socket, for the session at that place; what is told of it goes to `readiness`. It is let go of when it is closed.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub(crate) fn watch(
        &self,
        socket: BorrowedFd<'_>,
        readiness: &Readiness,
        (place, side): (u32, Side),
    ) -> io::Result<()> {
        let watch = self.watches.fetch_add(1, Relaxed);
        readiness.begin(watch);
        let whose = Whose { place, side, watch };
        Ok(epoll::add(&*self.epoll, socket, whose.to_data(), ANY)?)
    }

    /// Says that no session is left and none will come.
    pub(crate) fn nobody_is_left(&self) {
        self.over.notify_one();
    }

    /// Tells sessions what has changed; says whether that was all.
    fn tell(&self, core: &Core) -> io::Result<bool> {
        let mut events = [const { MaybeUninit::<Event>::uninit() }; EVENTS];
        let at_once = Timespec::default();
        let (events, _) = match epoll::wait(&*self.epoll, &mut events[..], Some(&at_once)) {
            Err(Errno::INTR) => return Ok(false),
            told => told?,
        };
        core.clock().look();
        for event in &*events {
            let whose = Whose::of(event.data);
            // One that is not there has just ended, and has closed its sockets since.
            if let Some(session) = core.roll().get(whose.place) {
                session.tell(whose.side, whose.watch, event.flags);
            }
        }
        Ok(events.len() < EVENTS)
    }
}

/// The task that tells the sessions of a core.
#[derive(Debug)]
pub(crate) struct Sockets {
    core: Arc<Core>,
    epoll: Option<AsyncFd<Arc<OwnedFd>>>,
}

impl Sockets {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, epoll: None }
    }

    /// Tells what has changed, and is pending until more does.
    fn poll_tell(&self, waker: &mut task::Context<'_>) -> Poll<io::Result<Infallible>> {
        let epoll = self.epoll.as_ref().expect("`init` has made it");
        loop {
            let mut changed = ready!(epoll.poll_read_ready(waker))?;
            if self.core.reactor().tell(&self.core)? {
                changed.clear_ready();
            }
        }
    }
}

impl Task<()> for Sockets {
    type Output = ();

    /// Has the runtime of this thread watch over all sockets at once.
    async fn init(&mut self, _cx: &Context<()>) -> Result {
        let reactor = Reactor::new()?;
        self.epoll = Some(watched(Arc::clone(&reactor.epoll), Interest::READABLE)?);
        self.core.set_reactor(reactor);
        Ok(())
    }

    /// Tells what changes. A balancer that drains goes on with it until the last session has ended.
    ///
    /// All of it is one wait, since there is nothing that a stop must not tear: a call of this for each change would cost more than
    /// the change.
    async fn run(&mut self, cx: &Context<()>) -> Result<Flow> {
        let reactor = self.core.reactor();
        let drains = cx.unless_draining(poll_fn(|waker| self.poll_tell(waker)));
        if let Some(Err(failed)) = drains.await {
            return Err(failed.into());
        }
        let to_the_last = async {
            tokio::select! {
                Err(failed) = poll_fn(|waker| self.poll_tell(waker)) => Err(failed),
                () = reactor.over.notified() => Ok(()),
            }
        };
        cx.wait(to_the_last).await?;
        Ok(Flow::Done(()))
    }
}

/// Has the runtime of this thread watch a file.
///
/// # Errors
///
/// When the system refuses.
#[expect(
    deprecated,
    reason = "the new form is unsafe and asks for what holds for all we give to it: an owned file that stays the same"
)]
pub(crate) fn watched<F: AsRawFd>(file: F, interest: Interest) -> io::Result<AsyncFd<F>> {
    AsyncFd::with_interest(file, interest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_socket_it_is_survives_the_way_through_the_system() {
        for (place, watch) in [(0, 0), (1, u32::MAX), (u32::MAX >> 1, 7)] {
            for side in [Side::Client, Side::Upstream] {
                let whose = Whose { place, side, watch };
                assert_eq!(Whose::of(whose.to_data()), whose);
            }
        }
    }
}
