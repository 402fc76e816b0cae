//! Accepts connections and adds a session for each; never gives up.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use rustix::io::Errno;
use teamwork::{Context, Flow, Result, Task};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::bind::Door;
use crate::core::Core;
use crate::handover::Neighbours;
use crate::log;
use crate::progress::Progress;
use crate::session::Arrival;
use crate::tasks::start;

/// The first pause when the system has no socket left; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause: sessions that end free sockets, and clients wait meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How many connections are accepted before the sessions that there are have their turn. HAProxy measured 4 to be faster
/// than 64 by a quarter (`include/haproxy/defaults.h`): what is accepted early has to wait, and leaves the caches.
const BATCH: usize = 4;

/// The task that accepts on one socket, until the balancer drains.
#[derive(Debug)]
pub(crate) struct Accept {
    door: Door,
    reception: Reception,
    pause: Duration,
}

/// Who makes a session of a connection.
#[derive(Debug)]
struct Reception {
    listener: SocketAddr,
    number: u16,
    core: Arc<Core>,
    neighbours: Arc<Neighbours>,
}

/// What came of accepting a batch.
enum Batch {
    /// There are more.
    More,
    /// There are no more for now.
    Empty,
    /// The balancer is about to stop.
    Closing,
    /// The system does not give us any.
    Refused(io::Error),
}

impl Accept {
    pub(crate) fn new(door: Door, core: Arc<Core>, neighbours: Arc<Neighbours>) -> Self {
        let reception = Reception {
            listener: door.address(),
            number: door.number(),
            core,
            neighbours,
        };
        Self {
            door,
            reception,
            pause: PAUSE_MIN,
        }
    }

    /// Ends the task, which closes the socket.
    fn close(&self) -> Flow {
        if self.door.shut() {
            let live = self.reception.core.stats().live();
            info!(address = %self.door.address(), live, "accepting no more");
        }
        Flow::Done(())
    }

    async fn rest(&mut self, error: io::Error, cx: &Context<()>) -> Flow {
        warn!(listener = %self.door.address(), %error, pause = ?self.pause, "cannot accept");
        let paused = cx.unless_draining(sleep(self.pause)).await;
        self.pause = longer(self.pause);
        if paused.is_some() {
            Flow::Tick
        } else {
            self.close()
        }
    }
}

impl Task<()> for Accept {
    type Output = ();

    /// Has the socket watched by the runtime of this thread.
    async fn init(&mut self, _cx: &Context<()>) -> Result {
        Ok(self.door.open()?)
    }

    async fn run(&mut self, cx: &Context<()>) -> Result<Flow> {
        let (reception, door) = (&self.reception, &self.door);
        let batch = poll_fn(|waker| reception.poll_accept(door, waker, cx));
        match cx.unless_draining(batch).await {
            None | Some(Batch::Closing) => return Ok(self.close()),
            Some(Batch::Refused(error)) => return Ok(self.rest(error, cx).await),
            // The sessions that there are have their turn.
            Some(Batch::More) => cx.wait(tokio::task::yield_now()).await,
            Some(Batch::Empty) => {}
        }
        self.pause = PAUSE_MIN;
        Ok(Flow::Tick)
    }
}

impl Reception {
    /// Accepts some of the connections that wait at a door; pending when there are none.
    fn poll_accept(
        &self,
        door: &Door,
        waker: &mut task::Context<'_>,
        cx: &Context<()>,
    ) -> Poll<Batch> {
        for turn in 0..BATCH {
            match door.poll_accept(waker) {
                Poll::Pending if turn == 0 => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Batch::Empty),
                Poll::Ready(Ok((stream, client))) => {
                    if !self.admit(stream, client, cx) {
                        return Poll::Ready(Batch::Closing);
                    }
                }
                Poll::Ready(Err(error)) if is_of_the_connection(&error) => {
                    debug!(listener = %self.listener, %error, "a connection was gone before it was accepted");
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Batch::Refused(error)),
            }
        }
        Poll::Ready(Batch::More)
    }

    /// Makes a session of the connection, here or on a less busy core, or closes it. Says whether more may come.
    fn admit(&self, stream: OwnedFd, client: SocketAddr, cx: &Context<()>) -> bool {
        let offer = self.neighbours.offer(&self.core);
        let core = offer.as_ref().map_or(&self.core, |offer| offer.core());
        let Some(place) = core.admit() else {
            log::refused(client, self.listener, self.core.config().sessions_max);
            return true;
        };
        let arrival = Arrival {
            client: stream,
            from: client.into(),
            listener: self.number,
            place,
            progress: Progress::start(core.clock()),
        };
        match offer {
            Some(offer) => {
                offer.accept(arrival);
                true
            }
            // When this is refused, the balancer is about to stop. The session says so in the log when it is dropped.
            None => start(&cx.job(), arrival),
        }
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(PAUSE_MAX)
}

/// Tells whether only the one connection is affected, so that the next may be accepted at once.
///
/// Linux hands errors that are pending on the new connection to `accept`; accept(2) lists them.
fn is_of_the_connection(error: &io::Error) -> bool {
    let Some(errno) = Errno::from_io_error(error) else {
        return false;
    };
    [
        Errno::CONNABORTED,
        Errno::CONNRESET,
        Errno::PROTO,
        Errno::PERM,
        Errno::INTR,
        Errno::NETDOWN,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
        Errno::TIMEDOUT,
    ]
    .contains(&errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_no_further() {
        let pauses: Vec<_> = std::iter::successors(Some(PAUSE_MIN), |pause| Some(longer(*pause)))
            .take(9)
            .collect();
        let millis: Vec<_> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }

    #[test]
    fn a_lack_of_sockets_is_no_fault_of_the_connection() {
        assert!(!is_of_the_connection(&Errno::MFILE.into()));
        assert!(!is_of_the_connection(&Errno::NFILE.into()));
        assert!(is_of_the_connection(&Errno::CONNABORTED.into()));
    }
}
