//! The load generator and the upstream: one process with one thread, told over a connection what to do.
//!
//! It is apart from the suite and from the proxies, so that a proxy's use of the processor is its own; and one thread
//! for both ends leaves the other core to the proxy.

mod clients;
mod order;
mod round;
mod upstream;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use teamwork::{Context, Job};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

pub(crate) use self::order::{Command, Greeting, Measured, Mix, Order, Reply};
use self::{
    round::Round,
    upstream::{Accept, Seen, listen},
};

/// The upstreams of a contestant: proxies share connections among them.
///
/// More than one, so that connections that have ended do not use up the ports of a single one.
const UPSTREAMS: [[u8; 4]; 4] = [
    [127, 0, 0, 11],
    [127, 0, 0, 12],
    [127, 0, 0, 13],
    [127, 0, 0, 14],
];

/// How long a round may take beyond its window.
const SLACK: Duration = Duration::from_secs(20);

/// A connection that carries lines of JSON.
pub(crate) struct Wire {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            lines: BufReader::new(reader).lines(),
            writer,
        }
    }

    pub(crate) async fn send(&mut self, message: &impl serde::Serialize) -> Result<()> {
        let line = serde_json::to_string(message)? + "\n";
        self.writer.write_all(line.as_bytes()).await?;
        Ok(())
    }

    /// The next message, or nothing if the other side has gone.
    pub(crate) async fn receive<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let line = self.lines.next_line().await?;
        Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
    }
}

/// Runs the load generator for this many contestants, until the suite has gone; `greet` tells the suite where it is.
pub(crate) fn run(contestants: usize, greet: impl FnOnce(&Greeting)) -> Result<()> {
    super::raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start a runtime")?;
    runtime.block_on(serve(contestants, greet))
}

async fn serve(contestants: usize, greet: impl FnOnce(&Greeting)) -> Result<()> {
    let control = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    let seen = Arc::new(Seen::default());
    let mut job = Job::new("load").grace(Duration::ZERO);
    let mut upstreams = Vec::with_capacity(contestants);
    for _ in 0..contestants {
        let mut addresses = Vec::with_capacity(UPSTREAMS.len());
        for host in UPSTREAMS {
            let listener = listen(SocketAddr::from((host, 0))).context("listen upstream")?;
            addresses.push(listener.local_addr()?);
            let seen = Arc::clone(&seen);
            job.add_task("accept", Accept { listener, seen });
        }
        upstreams.push(addresses);
    }
    greet(&Greeting {
        control: control.local_addr()?,
        upstreams,
    });
    job.add_fn("control", async move |cx: &Context| {
        let (stream, _) = control.accept().await?;
        let ended = obey(Wire::new(stream), &seen).await;
        cx.job().cancel("the suite has gone");
        Ok(ended?)
    });
    match job.run().await {
        Err(failure) if !failure.cause().is_cancelled() => Err(failure.into()),
        _ => Ok(()),
    }
}

/// Does what it is told, until the other side has gone.
async fn obey(mut wire: Wire, seen: &Arc<Seen>) -> Result<()> {
    let mut current: Option<Round> = None;
    while let Some(command) = wire.receive().await? {
        let reply = execute(command, &mut current, seen).await;
        let reply = reply.unwrap_or_else(|error| Reply::Failed(format!("{error:#}")));
        wire.send(&reply).await?;
    }
    Ok(())
}

async fn execute(command: Command, current: &mut Option<Round>, seen: &Arc<Seen>) -> Result<Reply> {
    match command {
        Command::Prepare(order) => {
            *current = None;
            let prepare = Round::prepare(order, Arc::clone(seen));
            *current = Some(timeout(SLACK, prepare).await.context("prepare")??);
            Ok(Reply::Ready)
        }
        Command::Go => {
            let Some(round) = current else {
                bail!("there is nothing to go on with");
            };
            let measured = timeout(SLACK, round.measure()).await.context("measure")??;
            Ok(Reply::Measured(measured))
        }
        Command::Close => {
            let Some(round) = current.take() else {
                bail!("there is nothing to close");
            };
            let private_bytes = round.close().await?;
            Ok(Reply::Closed { private_bytes })
        }
    }
}
