//! The program: a listener, and a child job for each connection that it accepts.

use std::{sync::Arc, time::Duration};

use teamwork::{BlockingPool, Context, Flow, Job, Result, Task};
use tokio::net::TcpListener;

use crate::{config::Config, connection::Visit, service::Service, stats::Stats};

/// Makes the server that listens here: one job, which drains when told to.
///
/// Draining closes the listener, lets requests in flight end (at most for [`drain`](crate::Timeouts::drain)) and closes
/// each connection after its answer.
///
/// # Examples
///
/// ```no_run
/// use resizer::{Config, resizer};
/// use tokio::net::TcpListener;
///
/// # async fn serve() -> teamwork::Result {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let report = resizer(Config::default(), listener).run_until_signal().await?;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
pub fn resizer(config: Config, listener: TcpListener) -> Job {
    Resizer::new(config).job(listener)
}

/// A server that does not listen yet, for those who want to look inside while it runs.
#[derive(Debug)]
pub struct Resizer {
    service: Arc<Service>,
}

/// Accepts connections until the job drains.
struct Accept {
    listener: TcpListener,
    service: Arc<Service>,
}

/// How many connections may be told at the same time that there are too many. More than that wait in the backlog of the
/// listener.
const REFUSALS_MAX: usize = 64;

/// After the time to drain, for the answers that are just being written.
const GRACE: Duration = Duration::from_secs(1);

impl Resizer {
    /// Starts the threads that resize.
    pub fn new(config: Config) -> Self {
        let pool = BlockingPool::new(config.threads, config.queue);
        Self {
            service: Arc::new(Service::new(config, pool)),
        }
    }

    /// What the server has done so far.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.service.stats)
    }

    /// The threads that resize.
    pub fn pool(&self) -> BlockingPool {
        self.service.pool.clone()
    }

    /// The server as a job.
    pub fn job(self, listener: TcpListener) -> Job {
        let config = &self.service.config;
        let mut job = Job::new(format!("resizer {}", config.name))
            .max_tasks(self.service.connections_max() + REFUSALS_MAX + 1)
            .drain_deadline(config.timeouts.drain)
            .grace(GRACE);
        job.add_task(
            "accept",
            Accept {
                listener,
                service: self.service,
            },
        );
        job
    }
}

impl Task for Accept {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        let job = cx.job();
        let accepted = async {
            if job.room().await {
                Some(self.listener.accept().await)
            } else {
                None
            }
        };
        match cx.unless_draining(accepted).await.flatten() {
            None => Ok(Flow::Done(())),
            Some(Ok((stream, client))) => {
                self.service.stats.count_connection();
                let place = self.service.place();
                let visit = Visit::new(Arc::clone(&self.service), client, place);
                // Refused only when the server has begun to drain: then the client goes elsewhere.
                let _ = job.add_job(visit.job(stream));
                Ok(Flow::Tick)
            }
            Some(Err(error)) => {
                // Out of file descriptors, or a client that left before it was accepted: the next may do better.
                tracing::warn!(%error, "accept a connection");
                Ok(Flow::Idle)
            }
        }
    }
}
