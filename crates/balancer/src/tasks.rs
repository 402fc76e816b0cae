//! One session as a job: connect, then relay both ways.
//!
//! ```text
//! connect ─┬─ upload     client → upstream
//!          └─ download   upstream → client
//! ```
//!
//! The tasks share a [`Session`], which `connect` makes the job's value together with the two connections. The
//! [`Watch`](crate::watch::Watch) of their core ends it when nothing moves for too long. What the network does is no failure of the
//! job: the ending is noted in the session, and the job finishes.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll, ready};
use std::time::Duration;

use fastrand::Rng;
use socket2::SockRef;
use teamwork::{Cause, Context, Flow, Job, JobHandle, Result, Task};
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};
use tracing::debug;

use crate::connect::connect;
use crate::ending::{Ending, Phase, Side};
use crate::halves::{Event, Verdict};
use crate::relay::{Mode, Pump, Sending, Step};
use crate::session::{Arrival, Ready, Session};

/// How many chunks that nobody wants are read as fast as they come: what a sender has under way by then (`tcp_wmem` ends at 4 MiB).
const DISCARDED_AT_ONCE: u8 = 64;

/// The pause between two chunks after those: a peer that never ends is held up by flow control, not read at full speed.
const DISCARD_PAUSE: Duration = Duration::from_millis(10);

/// The two connections of a session, once there are two.
#[derive(Debug)]
pub(crate) enum Link {
    /// Both are connected.
    Up(Streams),
    /// No upstream could be connected: there is nothing to relay.
    Down,
}

/// Two connections and what they are to each other.
#[derive(Debug)]
pub(crate) struct Streams {
    client: OwnedFd,
    upstream: OwnedFd,
    /// Last: its place is given back when the connections have been closed.
    session: Arc<Session>,
}

/// Starts a session as a job of this core's; `false` if that accepts none any more.
#[cfg(not(feature = "bare-sessions"))]
pub(crate) fn start(core: &JobHandle<()>, arrival: Arrival) -> bool {
    core.add_job(session_job(arrival)).is_ok()
}

/// Starts a session without a job.
#[cfg(feature = "bare-sessions")]
pub(crate) fn start(_core: &JobHandle<()>, arrival: Arrival) -> bool {
    crate::bare::start(arrival);
    true
}

/// Makes the job of a session on the core where it has its place.
#[cfg_attr(
    feature = "bare-sessions",
    expect(dead_code, reason = "sessions have no job then")
)]
fn session_job(arrival: Arrival) -> Job<Link> {
    let (client, session) = Session::new(arrival);
    // Without a finalizer, its memory does not stay for the whole session.
    let connect = async move |cx: &Context| Ok(cx.wait(link(client, session)).await);
    let mut job = Job::new("session")
        .inline()
        .isolated()
        .add_oneshot_fn("connect", connect);
    job.add_task("upload", Direction::new(Side::Client));
    job.add_task("download", Direction::new(Side::Upstream));
    job
}

/// Connects a client's session to an upstream, and notes in the session what comes of it.
pub(crate) async fn link(client: OwnedFd, session: Arc<Session>) -> Link {
    match upstream_for(&client, &session).await {
        Some(upstream) => Link::Up(Streams {
            client,
            upstream,
            session,
        }),
        None => Link::Down,
    }
}

async fn upstream_for(client: &OwnedFd, session: &Session) -> Option<OwnedFd> {
    let _fault = Fault(session);
    if let Err(error) = session.watch(Side::Client, client) {
        session.not_watched(error);
        return None;
    }
    match connect(session, &mut Rng::new()).await {
        Ok(connected) => {
            session.connected(connected.lease, connected.retries);
            Some(connected.stream)
        }
        Err(error) => {
            session.not_connected(error);
            None
        }
    }
}

/// Notes that a session has ended by a fault of ours, if this is dropped by a panic.
struct Fault<'a>(&'a Session);

impl Drop for Fault<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(|phase| Ending::Internal { phase });
        }
    }
}

/// Relays what one side sends to the other.
pub(crate) struct Direction {
    pump: Pump,
}

impl Direction {
    pub(crate) fn new(source: Side) -> Self {
        let sending = match source {
            Side::Client => Sending::Fresh,
            // The client's socket has inherited it from the listening one.
            Side::Upstream => Sending::AtOnce,
        };
        let pump = Pump::new(source, sending);
        Self { pump }
    }

    /// Returns the source's connection and the sink's.
    fn ends<'a>(&self, streams: &'a Streams) -> (&'a OwnedFd, &'a OwnedFd) {
        match self.pump.source {
            Side::Client => (&streams.client, &streams.upstream),
            Side::Upstream => (&streams.upstream, &streams.client),
        }
    }

    /// Moves what there is to move; pending when it has to wait for more. Ready when others should have their turn, or when this is over.
    ///
    /// To go on in here spares the driver of the task, which has more to do between two calls of its `run` than there is to do for
    /// a small message.
    pub(crate) fn poll_move(&mut self, link: &Link, waker: &mut task::Context<'_>) -> Poll<Flow> {
        let Link::Up(streams) = link else {
            return Poll::Ready(Flow::FinishJob(()));
        };
        loop {
            match ready!(self.poll_ready(&streams.session, waker)) {
                Ready::ToStep => {}
                Ready::SessionOver => return Poll::Ready(Flow::FinishJob(())),
            }
            match self.step(streams) {
                Flow::Tick if self.may_go_on() => {}
                flow => return Poll::Ready(flow),
            }
        }
    }

    /// Whether it is its turn still, and nothing slows it down.
    fn may_go_on(&self) -> bool {
        self.pump.mode == Mode::Relay && !self.pump.has_moved_its_share()
    }

    /// Ready when there is something to do for this direction, or nothing any more for the session.
    fn poll_ready(&mut self, session: &Session, waker: &mut task::Context<'_>) -> Poll<Ready> {
        let ready = session.poll_ready(self.pump.source, self.pump.awaits(), waker.waker());
        if ready.is_pending() {
            self.pump.pauses();
        }
        ready
    }

    fn step(&mut self, streams: &Streams) -> Flow {
        match self.pump.mode {
            Mode::Discard { .. } => self.discard(streams),
            Mode::Relay | Mode::Over => self.relay(streams),
        }
    }

    fn relay(&mut self, streams: &Streams) -> Flow {
        let (session, (from, to)) = (&streams.session, self.ends(streams));
        let source = session.socket(self.pump.source, from);
        let sink = session.socket(self.pump.source.other(), to);
        let event = match self.pump.step(source, sink, session.core().pipes()) {
            Step::Moved { written: 0 } => return Flow::Tick,
            Step::Moved { written } => {
                session.moved(self.pump.source, written);
                return Flow::Tick;
            }
            Step::Finished => Event::Finished(self.pump.source),
            Step::Unreadable(error) => failed(Event::Unreadable(self.pump.source), &error),
            Step::Unwritable(error) => failed(Event::Unwritable(self.pump.source.other()), &error),
        };
        match session.learn(event) {
            Verdict::HandOn => {
                self.pump.mode = Mode::Over;
                hand_on_the_end(to);
                Flow::Done(())
            }
            Verdict::Stop => {
                self.pump.mode = Mode::Over;
                Flow::Done(())
            }
            Verdict::Discard(_) => {
                self.pump.discard_from_now_on(DISCARDED_AT_ONCE);
                Flow::Tick
            }
            Verdict::End(_) => Flow::FinishJob(()),
        }
    }

    /// Lets the sink know if its stream is torn, since closing would look to it like a proper end.
    pub(crate) fn close(&self, link: &Link, ending: impl FnOnce(Phase) -> Ending) {
        let Link::Up(streams) = link else {
            return;
        };
        if self.pump.mode == Mode::Over {
            return;
        }
        let ending = streams.session.end(ending);
        if ending.tears_streams() || !self.pump.is_empty() {
            let (_, sink) = self.ends(streams);
            // It fails only on a connection that is broken already.
            let _broken = SockRef::from(sink).set_linger(Some(Duration::ZERO));
        }
    }

    /// Whether it should let others go on before its next step.
    pub(crate) fn has_had_its_turn(&mut self) -> bool {
        self.pump.has_had_its_turn()
    }

    fn discard(&mut self, streams: &Streams) -> Flow {
        if let Mode::Discard { at_once } = &mut self.pump.mode {
            *at_once = at_once.saturating_sub(1);
        }
        let (from, _) = self.ends(streams);
        match Pump::discard(streams.session.socket(self.pump.source, from)) {
            Step::Moved { .. } => Flow::Tick,
            _ended => Flow::FinishJob(()),
        }
    }

    /// Waits for its turn, and moves what there is to move.
    fn poll_run(&mut self, link: &Link, waker: &mut task::Context<'_>) -> Poll<Flow> {
        if self.has_had_its_turn() {
            // Wakes this task when the runtime has looked for news; so there is nothing to keep meanwhile.
            let turn = pin!(yield_now());
            ready!(turn.poll(waker));
        }
        self.poll_move(link, waker)
    }

    /// How long it has to wait before it goes on. Boxed, because hardly a session comes here.
    fn pause(&self) -> Option<Pin<Box<Sleep>>> {
        let is_slow = self.pump.mode == Mode::Discard { at_once: 0 };
        is_slow.then(|| Box::pin(sleep(DISCARD_PAUSE)))
    }
}

impl Task<Link> for Direction {
    type Output = ();

    /// Moves bytes until others should have their turn, or there are no more.
    ///
    /// Not an `async fn`: that would keep its parameters beside what it waits with, and most sessions wait most of the time.
    fn run(&mut self, cx: &Context<Link>) -> impl Future<Output = Result<Flow>> + Send {
        let mut pause = self.pause();
        cx.wait(poll_fn(move |waker| {
            if let Some(slow) = &mut pause {
                ready!(slow.as_mut().poll(waker));
                pause = None;
            }
            self.poll_run(cx.value(), waker).map(Ok)
        }))
    }

    async fn finalize(&mut self, cx: &Context<Link>) -> Result {
        self.close(cx.value(), |phase| stopped(cx.cause(), phase));
        Ok(())
    }
}

fn failed(event: Event, error: &io::Error) -> Event {
    debug!(?event, %error, "a direction failed");
    event
}

/// The ending of a session that its own tasks did not end.
fn stopped(cause: Option<Arc<Cause>>, phase: Phase) -> Ending {
    match cause.map(|cause| cause.is_cancelled()) {
        Some(false) => Ending::Internal { phase },
        None | Some(true) => Ending::Stopped { phase },
    }
}

/// Tells the sink that the stream has ended.
fn hand_on_the_end(sink: &OwnedFd) {
    // It fails only on a connection that is broken already, which the opposite direction is about to read.
    let _broken = SockRef::from(sink).shutdown(std::net::Shutdown::Write);
}
