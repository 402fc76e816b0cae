//! One session as a job: connect, then relay both ways.
//!
//! ```text
//! connect ─┬─ upload     client → upstream
//!          └─ download   upstream → client
//! ```
//!
//! The tasks share a [`Session`]; the [`Watch`](crate::watch::Watch) of their core ends it when nothing moves for too long. What the network does is no failure of the job: the ending is noted in the
//! session, and the job finishes.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use fastrand::Rng;
use teamwork::{Cause, Context, Flow, Job, Result, Task};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tracing::{debug, error};

use crate::connect::connect;
use crate::core::Core;
use crate::ending::{Ending, Phase, Side};
use crate::halves::{Event, Verdict};
use crate::relay::{Pump, Sending, Step};
use crate::session::{Arrival, Client, Session};

/// The two connections of a session, once there are two.
#[derive(Debug)]
pub(crate) enum Link {
    /// Both are connected.
    Up {
        client: TcpStream,
        upstream: TcpStream,
    },
    /// No upstream could be connected, so the job finishes before a task can see this.
    Down,
}

/// Makes the job of a session on a core.
pub(crate) fn session_job(arrival: Arrival, core: &Arc<Core>) -> Job<Link> {
    let (client, session) = Session::new(arrival, core);
    let connect = Connect {
        client: Some(client),
        session: Arc::clone(&session),
    };
    let mut job = Job::new("session")
        .inline()
        .add_oneshot_task("connect", connect);
    job.add_task("upload", Direction::new(Side::Client, Arc::clone(&session)));
    job.add_task("download", Direction::new(Side::Upstream, session));
    job
}

/// Connects the session to an upstream.
struct Connect {
    client: Option<Client>,
    session: Arc<Session>,
}

impl Task for Connect {
    type Output = Link;

    async fn run(&mut self, cx: &Context) -> Result<Flow<Link>> {
        let client = self.client.take().expect("a oneshot runs once");
        let client = match client.watched() {
            Ok(client) => client,
            Err(error) => {
                self.session.not_watched(error);
                return Ok(Flow::FinishJob(Link::Down));
            }
        };
        let mut rng = Rng::new();
        // Boxed, because the oneshot's own memory stays for the whole session.
        let connecting = Box::pin(connect(self.session.core(), &mut rng));
        match cx.wait(connecting).await {
            Ok(connected) => {
                self.session.connected(connected.lease, connected.retries);
                Ok(Flow::Done(Link::Up {
                    client,
                    upstream: connected.stream,
                }))
            }
            Err(error) => {
                self.session.not_connected(error);
                Ok(Flow::FinishJob(Link::Down))
            }
        }
    }

    /// Notes who ended the session, if its own tasks did not. A oneshot is finalized last.
    async fn finalize(&mut self, cx: &Context) -> Result {
        self.session.end(|phase| stopped(cx.cause(), phase));
        Ok(())
    }
}

/// Relays what one side sends to the other.
struct Direction {
    source: Side,
    session: Arc<Session>,
    pump: Pump,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// What comes is handed on.
    Relay,
    /// What comes is dropped: the sink takes nothing more.
    Discard,
    /// The sink has nothing more to learn: it got the end of the stream, or is broken.
    Over,
}

impl Direction {
    fn new(source: Side, session: Arc<Session>) -> Self {
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
    fn ends<'a>(&self, link: &'a Link) -> Option<(&'a TcpStream, &'a TcpStream)> {
        match (link, self.source) {
            (Link::Down, _) => None,
            (Link::Up { client, upstream }, Side::Client) => Some((client, upstream)),
            (Link::Up { client, upstream }, Side::Upstream) => Some((upstream, client)),
        }
    }

    fn relay(&mut self, source: &TcpStream, sink: &TcpStream) -> Flow {
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
                hand_on_the_end(sink);
                Flow::Done(())
            }
            Verdict::Stop => {
                self.mode = Mode::Over;
                Flow::Done(())
            }
            Verdict::Discard(_) => {
                self.mode = Mode::Discard;
                Flow::Tick
            }
            Verdict::End(_) => Flow::FinishJob(()),
        }
    }

    fn discard(&mut self, source: &TcpStream) -> Flow {
        match Pump::discard(source) {
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
        let Some((source, sink)) = self.ends(cx.value()) else {
            return Ok(Flow::FinishJob(()));
        };
        if self.pump.has_had_its_turn() {
            cx.wait(yield_now()).await;
        }
        let (pump, session) = (&mut self.pump, &self.session);
        let ready = poll_fn(|waker| match pump.poll_ready(source, sink, waker) {
            Poll::Pending if session.is_over(self.source, waker.waker()) => Poll::Ready(Ok(false)),
            ready => ready.map_ok(|()| true),
        });
        match cx.wait(ready).await {
            Ok(true) => {}
            Ok(false) => return Ok(Flow::FinishJob(())),
            Err(error) => {
                error!(%error, "could not wait for a connection");
                self.session.end(|phase| Ending::Internal { phase });
                return Ok(Flow::FinishJob(()));
            }
        }
        Ok(match self.mode {
            Mode::Discard => self.discard(source),
            Mode::Relay | Mode::Over => self.relay(source, sink),
        })
    }

    /// Lets the sink know if its stream is torn, since closing would look to it like a proper end.
    async fn finalize(&mut self, cx: &Context<Link>) -> Result {
        let Some((_, sink)) = self.ends(cx.value()) else {
            return Ok(());
        };
        if self.mode == Mode::Over {
            return Ok(());
        }
        let ending = self.session.end(|phase| stopped(cx.cause(), phase));
        if ending.tears_streams() || !self.pump.is_empty() {
            // It fails only on a connection that is broken already.
            let _broken = sink.set_zero_linger();
        }
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
fn hand_on_the_end(sink: &TcpStream) {
    // It fails only on a connection that is broken already, which the opposite direction is about to read.
    let _broken = socket2::SockRef::from(sink).shutdown(std::net::Shutdown::Write);
}
