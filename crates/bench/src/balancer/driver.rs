//! The load generator, as the suite sees it: a process of its own that does a round at a time.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;

use super::load::{Command as Say, Greeting, Measured, Order, Reply, Wire};

/// The process, and the connection to it.
pub(crate) struct Driver {
    child: Child,
    wire: Wire,
    /// Where its upstreams listen: a set for each contestant.
    pub(crate) upstreams: Vec<Vec<SocketAddr>>,
}

impl Driver {
    /// Starts it, with upstreams for so many contestants.
    pub(crate) async fn start(contestants: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--balancer-load", &contestants.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the load generator")?;
        let stdout = child.stdout.take().context("its standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let greeting: Greeting =
            serde_json::from_str(&line).context("read what the load generator says")?;
        let stream = TcpStream::connect(greeting.control)
            .await
            .context("connect to the load generator")?;
        Ok(Self {
            child,
            wire: Wire::new(stream),
            upstreams: greeting.upstreams,
        })
    }

    /// Connects and warms up.
    pub(crate) async fn prepare(&mut self, order: Order) -> Result<()> {
        match self.say(Say::Prepare(order)).await? {
            Reply::Ready => Ok(()),
            other => bail!("instead of being ready: {other:?}"),
        }
    }

    /// Measures what was prepared.
    pub(crate) async fn measure(&mut self) -> Result<Measured> {
        match self.say(Say::Go).await? {
            Reply::Measured(measured) => Ok(measured),
            other => bail!("instead of figures: {other:?}"),
        }
    }

    /// Closes the round's connections; gives the private memory of the processes after that.
    pub(crate) async fn close(&mut self) -> Result<u64> {
        match self.say(Say::Close).await? {
            Reply::Closed { private_bytes } => Ok(private_bytes),
            other => bail!("instead of closing: {other:?}"),
        }
    }

    async fn say(&mut self, command: Say) -> Result<Reply> {
        self.wire.send(&command).await?;
        match self.wire.receive().await? {
            Some(Reply::Failed(why)) => bail!("{why}"),
            Some(reply) => Ok(reply),
            None => bail!("the load generator has gone"),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It ends with the connection; this is for one that hangs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
