//! One connection is one job: `connect`, then `drive` and `send` side by side.
//!
//! ```text
//! connect ──┬─ drive  ────────── the server closes: finishes the job, after the image that is in flight
//!           └─ send   image, image, image … no image left: finishes the job
//! ```
//!
//! A lost connection fails this job and nothing else: the run opens another one. The image that was in flight
//! returns to the queue by itself, because its lease is dropped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use teamwork::{Context, Flow, Job, Task, TaskError, TaskHandle};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::exchange::{Lost, exchange};
use crate::failure::chain;
use crate::fleet::{Ending, Role};
use crate::line::Line;
use crate::queue::Lease;
use crate::via::Address;

/// How long opening a connection may take: as long as a balancer may try its upstreams.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a spare connection waits for an image before it closes.
const SPARE_IDLE: Duration = Duration::from_secs(1);

/// What a connection tells the run.
#[derive(Debug)]
pub(crate) enum Event {
    /// It is open.
    Connected,
    /// It has ended.
    Ended(Role, Ending),
}

/// Holds one connection from its beginning to its end, and tells both.
///
/// # Errors
/// If something else failed than the connection: a defect, which ends the run.
pub(crate) async fn hold(
    line: Arc<Line>,
    role: Role,
    events: mpsc::Sender<Event>,
) -> teamwork::Result {
    let (job, send) = connection(&line, role, &events);
    let ending = match job.run_inline().await {
        Ok(_) => finished(send.await, &line),
        Err(failure) => failed(failure)?,
    };
    tracing::debug!(?role, ?ending, "a connection has ended");
    tell(&events, Event::Ended(role, ending)).await;
    Ok(())
}

/// The job of one connection, and how its sending ends.
fn connection(
    line: &Arc<Line>,
    role: Role,
    events: &mpsc::Sender<Event>,
) -> (Job<Link>, TaskHandle<Ending>) {
    let (address, events) = (line.address.clone(), events.clone());
    let mut job = Job::new("connection").add_oneshot_fn("connect", async move |_: &Context| {
        let link = connect(address).await?;
        tell(&events, Event::Connected).await;
        Ok(link)
    });
    job.add_recurrent("drive", (), async |(): &mut (), cx: &Context<Link>| {
        cx.wait(cx.value().drive()).await;
        Ok(Flow::FinishJob(()))
    });
    let send = job
        .add_task(
            "send",
            Send {
                line: Arc::clone(line),
                role,
            },
        )
        .handle();
    (job, send)
}

fn finished(send: Result<Ending, TaskError>, line: &Line) -> Ending {
    match send {
        Ok(ending) => ending,
        Err(TaskError::Stopped) => Ending::Closed,
        // Cut, after the grace of the finish. The image has returned to the queue. (Nobody else takes the value.)
        Err(TaskError::Failed(_) | TaskError::Taken) => {
            line.run.tally.lost();
            Ending::Lost("it was closed, and the image in flight came to no end".to_owned())
        }
    }
}

fn failed(failure: teamwork::Failure) -> Result<Ending, teamwork::Failure> {
    match failure.cause().downcast_ref::<Lost>() {
        Some(lost @ (Lost::Connection(_) | Lost::Timeout { .. })) => Ok(Ending::Lost(chain(lost))),
        Some(unopened) => Ok(Ending::Unopened(chain(unopened))),
        None => Err(failure),
    }
}

/// Tells the run, which may have ended already and no longer listen.
async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    if let Err(unheard) = events.send(event).await {
        tracing::trace!(event = ?unheard.0, "nobody listens any more");
    }
}

/// An open connection: one half for each of the two tasks.
struct Link {
    sender: tokio::sync::Mutex<http1::SendRequest<Full<Bytes>>>,
    driver: Mutex<Option<Driver>>,
}

/// Moves the bytes of a connection until it is closed.
type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

impl Link {
    async fn drive(&self) {
        let driver = self
            .driver
            .lock()
            .expect("nothing panics while it holds this lock")
            .take();
        // It is taken, and so dropped when it ends: that tells whoever waits for an answer that none will come.
        if let Some(driver) = driver
            && let Err(error) = driver.await
        {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

async fn connect(address: Address) -> Result<Link, Lost> {
    let stream = match timeout(CONNECT_TIMEOUT, TcpStream::connect(address.as_str())).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(source)) => return Err(Lost::Connect { address, source }),
        Err(_) => {
            return Err(Lost::ConnectTimeout {
                address,
                after: CONNECT_TIMEOUT,
            });
        }
    };
    if let Err(error) = stream.set_nodelay(true) {
        // It costs time at the end of a request, nothing else.
        tracing::debug!(%error, "cannot turn off the delay of small packets");
    }
    let (sender, driver) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(halves) => halves,
        Err(source) => return Err(Lost::Handshake { address, source }),
    };
    Ok(Link {
        sender: tokio::sync::Mutex::new(sender),
        driver: Mutex::new(Some(driver)),
    })
}

/// Sends one image after the other.
struct Send {
    line: Arc<Line>,
    role: Role,
}

impl Task<Link> for Send {
    type Output = Ending;

    async fn run(&mut self, cx: &Context<Link>) -> teamwork::Result<Flow<Ending>> {
        // A server may close a connection that waits: then `drive` finishes the job, and it stops right here.
        let Some(image) = cx.wait(self.next_image()).await else {
            return Ok(Flow::FinishJob(Ending::Unneeded));
        };
        match self.line.run.blocking.read(&image.path).await {
            Ok(bytes) => self.send(image, bytes, cx).await,
            Err(error) => {
                self.line.run.failed(image, &error);
                Ok(Flow::Tick)
            }
        }
    }
}

impl Send {
    async fn next_image(&self) -> Option<Lease> {
        let image = self.line.run.queue.take();
        match self.role {
            Role::Kept => image.await,
            Role::Spare => timeout(SPARE_IDLE, image).await.ok().flatten(),
        }
    }

    /// Sends an image until it is settled or the connection is lost.
    async fn send(
        &self,
        mut image: Lease,
        bytes: Bytes,
        cx: &Context<Link>,
    ) -> teamwork::Result<Flow<Ending>> {
        let line = &self.line;
        let mut sender = cx.value().sender.lock().await;
        loop {
            if !cx.wait(line.run.queue.pause(image.not_before)).await {
                return Ok(Flow::FinishJob(Ending::Unneeded));
            }
            // A connection that was closed meanwhile has not sent the image: that is no loss of the image.
            sender.ready().await.map_err(Lost::Connection)?;
            match exchange(&mut sender, &line.order, image.format, bytes.clone()).await {
                Ok(answer) => match line.answered(image, answer).await {
                    Some(again) => image = again,
                    None => return Ok(Flow::Tick),
                },
                Err(lost) => {
                    line.unanswered(image, &lost);
                    return Err(lost.into());
                }
            }
        }
    }
}
