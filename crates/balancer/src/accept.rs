//! Accepts connections and adds a session for each; never gives up.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use teamwork::{Context, Flow, Result, Task};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::config::Config;
use crate::log;
use crate::session::{Ends, Session};
use crate::stats::Stats;
use crate::tasks::session_job;

/// The first pause when the system has no socket left; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause: sessions that end free sockets, and clients wait meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The task that accepts on one listener, until the balancer drains.
#[derive(Debug)]
pub(crate) struct Accept {
    listener: TcpListener,
    address: SocketAddr,
    config: Arc<Config>,
    stats: Arc<Stats>,
    pause: Duration,
}

impl Accept {
    pub(crate) fn new(
        listener: TcpListener,
        config: Arc<Config>,
        stats: Arc<Stats>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            config,
            stats,
            pause: PAUSE_MIN,
        })
    }

    /// Makes a session of the connection, or closes it.
    fn admit(&self, stream: TcpStream, client: SocketAddr, cx: &Context) -> Flow {
        let ends = Ends {
            client,
            listener: self.address,
        };
        let Some(place) = self.stats.admit(self.config.sessions_max) else {
            log::refused(ends, self.config.sessions_max);
            return Flow::Tick;
        };
        let session = Session::new(ends, place, &self.config);
        match cx.job().add_job(session_job(stream, session)) {
            Ok(_) => Flow::Tick,
            // The balancer is about to stop. The refused session says so in the log when it is dropped.
            Err(_refused) => self.close(),
        }
    }

    /// Ends the task, which closes the listener.
    fn close(&self) -> Flow {
        info!(address = %self.address, live = self.stats.live(), "accepting no more");
        Flow::Done(())
    }
}

impl Task for Accept {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        let Some(accepted) = cx.unless_draining(self.listener.accept()).await else {
            return Ok(self.close());
        };
        let error = match accepted {
            Ok((stream, client)) => {
                self.pause = PAUSE_MIN;
                return Ok(self.admit(stream, client, cx));
            }
            Err(error) if is_of_the_connection(&error) => {
                debug!(listener = %self.address, %error, "a connection was gone before it was accepted");
                return Ok(Flow::Tick);
            }
            Err(error) => error,
        };
        warn!(listener = %self.address, %error, pause = ?self.pause, "cannot accept");
        let paused = cx.unless_draining(sleep(self.pause)).await;
        self.pause = longer(self.pause);
        Ok(if paused.is_some() {
            Flow::Tick
        } else {
            Flow::Done(())
        })
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
