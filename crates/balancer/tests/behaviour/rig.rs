//! A balancer with backends behind it, and its log.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use balancer::{Config, Stats, Upstream, balancer, bind};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use serde_json::Value;
use teamwork::{Failure, JobHandle, NoValue, Report};
use testkit::backends::{Backend, Behaviour};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// After so long a test is stuck; nothing is measured with it.
const STUCK: Duration = Duration::from_secs(60);

/// What a test has in its hands.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) backends: Vec<Backend>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) handle: JobHandle<NoValue>,
    lines: mpsc::UnboundedReceiver<String>,
}

/// What stands behind the balancer, and how it is configured.
pub(crate) struct Setup {
    behaviours: Vec<Behaviour>,
    others: Vec<SocketAddr>,
    configure: fn(&mut Config),
}

/// Backends that behave like this, in this order.
pub(crate) fn behind<const N: usize>(behaviours: [Behaviour; N]) -> Setup {
    Setup {
        behaviours: behaviours.into(),
        others: Vec::new(),
        configure: |_| {},
    }
}

impl Setup {
    /// Puts another address before the backends.
    pub(crate) fn after(mut self, address: SocketAddr) -> Self {
        self.others.push(address);
        self
    }

    /// Changes the configuration.
    pub(crate) fn with(mut self, configure: fn(&mut Config)) -> Self {
        self.configure = configure;
        self
    }

    /// Runs the balancer and the scenario together until both have ended; the scenario stops the balancer, or leaves
    /// it to be drained afterwards.
    pub(crate) async fn check(
        self,
        scenario: impl AsyncFnOnce(&mut Rig),
    ) -> Result<Report, Box<Failure>> {
        let (log, lines) = mpsc::unbounded_channel();
        let _log = tracing::subscriber::set_default(
            tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_writer(move || Tap(log.clone()))
                .finish(),
        );
        let mut backends = Vec::new();
        // Keeps the list from being empty.
        let mut servings: Vec<BoxFuture<'static, io::Result<Infallible>>> = vec![pending().boxed()];
        for behaviour in self.behaviours {
            let (backend, serving) = Backend::bind(behaviour).await.unwrap();
            backends.push(backend);
            servings.push(serving.boxed());
        }
        let addresses = self
            .others
            .into_iter()
            .chain(backends.iter().map(Backend::address));
        let mut config = Config::for_upstreams(addresses.map(Upstream::from).collect(), 1000);
        (self.configure)(&mut config);

        let listener = bind(&"127.0.0.1:0".parse().unwrap(), config.threads).unwrap();
        let address = listener.local_addr();
        let (job, stats) = balancer(config, vec![listener]);
        let handle = job.handle();
        let mut rig = Rig {
            address,
            backends,
            stats,
            handle: handle.clone(),
            lines,
        };
        let both = async {
            let scenario = async {
                scenario(&mut rig).await;
                handle.drain();
            };
            tokio::join!(job.run(), scenario).0
        };
        tokio::select! {
            outcome = tokio::time::timeout(STUCK, both) => outcome.expect("the test is stuck").map_err(Box::new),
            _ = select_all(servings) => panic!("a backend cannot accept"),
        }
    }
}

impl Rig {
    /// Connects to the balancer.
    pub(crate) async fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits for the next session to end and returns its line.
    pub(crate) async fn line(&mut self) -> Value {
        self.line_where("target", "balancer::session").await
    }

    /// Waits until the balancer takes no new connections.
    pub(crate) async fn draining(&mut self) {
        self.line_where("message", "accepting no more").await;
    }

    /// Waits for the next line in which a field says that.
    pub(crate) async fn line_where(&mut self, field: &str, is: &str) -> Value {
        loop {
            let line = self.lines.recv().await.expect("the log stays open");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line[field] == is {
                return line;
            }
        }
    }

    /// Waits for the next session to end and returns its code and its reason.
    pub(crate) async fn ending(&mut self) -> String {
        let line = self.line().await;
        format!(
            "{} {}",
            line["code"].as_str().unwrap(),
            line["reason"].as_str().unwrap()
        )
    }
}

/// Sends everything and finishes while it reads everything.
pub(crate) async fn exchange(stream: TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = Vec::new();
    let send = async {
        writer.write_all(bytes).await?;
        writer.shutdown().await
    };
    let (sent, received) = tokio::join!(send, reader.read_to_end(&mut answer));
    sent.and(received).map(|_| answer)
}

/// Takes the lines of the log.
struct Tap(mpsc::UnboundedSender<String>);

impl io::Write for Tap {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The test may have ended.
        let _ended = self.0.send(String::from_utf8_lossy(line).into_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
