//! One session as a job: connect, then relay both ways.
//!
//! ```text
//! connect ─┬─ upload     client → upstream
//!          └─ download   upstream → client
//! ```
//!
//! The tasks share a [`Session`]; the [`Watch`](crate::watch::Watch) of their core ends it when nothing moves for too long. What the
//! network does is no failure of the job: the ending is noted in the session, and the job finishes.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use fastrand::Rng;
use socket2::SockRef;
use teamwork::{Cause, Context, Flow, Job, JobHandle, Result, Task};
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::debug;

use crate::connect::connect;
use crate::ending::{Ending, Phase, Side};
use crate::halves::{Event, Verdict};
use crate::relay::{Pump, Sending, Step};
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

/// Two connections.
#[derive(Debug)]
pub(crate) struct Streams {
    client: OwnedFd,
    upstream: OwnedFd,
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
    let connecting = Arc::clone(&session);
    // Without a finalizer, its memory does not stay for the whole session.
    let connect = async move |cx: &Context| Ok(cx.wait(link(client, connecting)).await);
    let mut job = Job::new("session")
        .inline()
        .isolated()
        .add_oneshot_fn("connect", connect);
    job.add_task("upload", Direction::new(Side::Client, Arc::clone(&session)));
    job.add_task("download", Direction::new(Side::Upstream, session));
    job
}

/// Connects a client's session to an upstream, and notes in the session what comes of it.
pub(crate) async fn link(client: OwnedFd, session: Arc<Session>) -> Link {
    let _fault = Fault(&session);
    if let Err(error) = session.watch(Side::Client, &client) {
        session.not_watched(error);
        return Link::Down;
    }
    match connect(&session, &mut Rng::new()).await {
        Ok(connected) => {
            session.connected(connected.lease, connected.retries);
            Link::Up(Streams {
                client,
                upstream: connected.stream,
            })
        }
        Err(error) => {
            session.not_connected(error);
            Link::Down
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
    source: Side,
    session: Arc<Session>,
    pump: Pump,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// What comes is handed on.
    Relay,
    /// What comes is dropped: the sink takes nothing more. After so many more chunks, each one waits for a pause.
    Discard { at_once: u8 },
    /// The sink has nothing more to learn: it got the end of the stream, or is broken.
    Over,
}

impl Direction {
    pub(crate) fn new(source: Side, session: Arc<Session>) -> Self {
        let sending = match source {
            Side::Client => Sending::Fresh,
            // The client's socket has inherited it from the listening one.
            Side::Upstream => Sending::AtOnce,
        };
        Self {
            source,
            session,
            pump: Pump::new(sending),
            mode: Mode::Relay,
        }
    }

    /// Returns the source's connection and the sink's.
    fn ends<'a>(&self, link: &'a Link) -> Option<(&'a OwnedFd, &'a OwnedFd)> {
        let Link::Up(streams) = link else {
            return None;
        };
        Some(match self.source {
            Side::Client => (&streams.client, &streams.upstream),
            Side::Upstream => (&streams.upstream, &streams.client),
        })
    }

    /// Ready when there is something to do for this direction, or nothing any more for the session.
    pub(crate) fn poll_ready(&mut self, link: &Link, waker: &mut task::Context<'_>) -> Poll<Ready> {
        if matches!(link, Link::Down) {
            return Poll::Ready(Ready::SessionOver);
        }
        let awaits = self.pump.awaits();
        let ready = self.session.poll_ready(self.source, awaits, waker.waker());
        if ready.is_pending() {
            self.pump.pauses();
        }
        ready
    }

    pub(crate) fn step(&mut self, link: &Link) -> Flow {
        match (self.ends(link), self.mode) {
            (None, _) => Flow::FinishJob(()),
            (Some((source, _)), Mode::Discard { .. }) => self.discard(source),
            (Some((source, sink)), Mode::Relay | Mode::Over) => self.relay(source, sink),
        }
    }

    fn relay(&mut self, from: &OwnedFd, to: &OwnedFd) -> Flow {
        let source = self.session.socket(self.source, from);
        let sink = self.session.socket(self.source.other(), to);
        let event = match self.pump.step(source, sink, self.session.core().pipes()) {
            Step::Moved { written: 0 } => return Flow::Tick,
            Step::Moved { written } => {
                self.session.moved(self.source, written);
                return Flow::Tick;
            }
            Step::Finished => Event::Finished(self.source),
            Step::Unreadable(error) => self.failed(Event::Unreadable(self.source), &error),
            Step::Unwritable(error) => self.failed(Event::Unwritable(self.source.other()), &error),
        };
        match self.session.learn(event) {
            Verdict::HandOn => {
                self.mode = Mode::Over;
                hand_on_the_end(to);
                Flow::Done(())
            }
            Verdict::Stop => {
                self.mode = Mode::Over;
                Flow::Done(())
            }
            Verdict::Discard(_) => {
                self.mode = Mode::Discard {
                    at_once: DISCARDED_AT_ONCE,
                };
                Flow::Tick
            }
            Verdict::End(_) => Flow::FinishJob(()),
        }
    }

    /// Lets the sink know if its stream is torn, since closing would look to it like a proper end.
    pub(crate) fn close(&self, link: &Link, ending: impl FnOnce(Phase) -> Ending) {
        let Some((_, sink)) = self.ends(link) else {
            return;
        };
        if self.mode == Mode::Over {
            return;
        }
        let ending = self.session.end(ending);
        if ending.tears_streams() || !self.pump.is_empty() {
            // It fails only on a connection that is broken already.
            let _broken = SockRef::from(sink).set_linger(Some(Duration::ZERO));
        }
    }

    /// Whether it should let others go on before its next step.
    pub(crate) fn has_had_its_turn(&mut self) -> bool {
        self.pump.has_had_its_turn()
    }

    fn discard(&mut self, from: &OwnedFd) -> Flow {
        if let Mode::Discard { at_once } = &mut self.mode {
            *at_once = at_once.saturating_sub(1);
        }
        match Pump::discard(self.session.socket(self.source, from)) {
            Step::Moved { .. } => Flow::Tick,
            _ended => Flow::FinishJob(()),
        }
    }

    fn failed(&self, event: Event, error: &io::Error) -> Event {
        debug!(?event, %error, "a direction failed");
        event
    }
}

impl Task<Link> for Direction {
    type Output = ();

    async fn run(&mut self, cx: &Context<Link>) -> Result<Flow> {
        if self.has_had_its_turn() {
            cx.wait(yield_now()).await;
        }
        if self.mode == (Mode::Discard { at_once: 0 }) {
            // Boxed, because hardly a session comes here.
            cx.wait(Box::pin(sleep(DISCARD_PAUSE))).await;
        }
        // What this captures is kept while the session is idle, so it is little.
        let ready = poll_fn(|waker| self.poll_ready(cx.value(), waker));
        Ok(match cx.wait(ready).await {
            Ready::ToStep => self.step(cx.value()),
            Ready::SessionOver => Flow::FinishJob(()),
        })
    }

    async fn finalize(&mut self, cx: &Context<Link>) -> Result {
        self.close(cx.value(), |phase| stopped(cx.cause(), phase));
        Ok(())
    }
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
