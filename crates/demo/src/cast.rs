//! The job tree, and who plays in it.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{self, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::sync::Arc;

use balancer::{BindError, Listener, Upstream, balancer, bind};
use resize::{Connections, Engine, Tally, Via};
use resizer::{Resizer, ServerName};
use teamwork::{Context, Flow, Job, JobHandle, Outcome, Report, Task};
use tokio::net::TcpListener;

use crate::config::{Config, RESIZERS};

/// Connections of the client. The balancer gives each to the less busy of two resizers taken at random, so that with this
/// many the chance that a resizer gets none is about one in ten million.
const CONNECTIONS: NonZero<usize> = NonZero::new(16).expect("sixteen is not zero");

/// Sessions of the balancer at a time: the client's, and some that have not quite ended.
const SESSIONS_MAX: usize = 4 * CONNECTIONS.get();

/// One resizer of the tree.
#[derive(Debug)]
pub struct Actor {
    /// The name that it gives in `x-resizer`.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it has done so far.
    pub stats: Arc<resizer::Stats>,
    /// To stop it alone.
    pub job: JobHandle,
}

/// Everybody in the tree, to look at while it runs and after it has ended. Prints as where each is.
#[derive(Debug)]
pub struct Cast {
    /// The resizers.
    pub resizers: Vec<Actor>,
    /// Where the balancer listens.
    pub balancer_address: SocketAddr,
    /// What the balancer has done so far.
    pub balancer: Arc<balancer::Stats>,
    /// What the client has done so far.
    pub client: Tally,
    balancer_job: JobHandle,
    client_job: JobHandle,
}

/// Why the tree cannot be set up: this machine has no loopback address or no free port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// The balancer has no address to listen on.
    #[error("set up the balancer's listener")]
    Bind(#[from] BindError),
    /// A resizer has none.
    #[error("set up a resizer's listener")]
    Listen(#[from] io::Error),
}

/// Makes the job tree, and what is needed to look into it. Listeners are open when this returns; nothing else happens before the
/// job runs.
///
/// The job is done when its client is. It fails if any of the programs in it fails.
///
/// # Errors
/// If no port of the loopback interface can be listened on.
///
/// # Panics
/// Outside a Tokio runtime.
pub fn demo(config: &Config) -> Result<(Job, Cast), SetUpError> {
    let mut job = Job::new("demo");
    let resizers = (1..=RESIZERS)
        .map(|number| add_resizer(&mut job, config, number))
        .collect::<Result<Vec<_>, _>>()?;

    let upstreams = resizers
        .iter()
        .map(|resizer| Upstream::from(resizer.address));
    let settings = balancer::Config::for_upstreams(upstreams.collect(), SESSIONS_MAX);
    let listener = listen_for_balancer(settings.threads)?;
    let balancer_address = listener.local_addr();
    let (mut balancer_job, balancer) = balancer(settings, vec![listener]);
    for resizer in &resizers {
        balancer_job = balancer_job.after(is_running(resizer.job.clone()));
    }

    let (client_job, client) = resize::resize(&client_config(config, balancer_address));
    let client_job = client_job.after(is_running(balancer_job.handle()));

    let cast = Cast {
        resizers,
        balancer_address,
        balancer,
        client,
        balancer_job: balancer_job.handle(),
        client_job: client_job.handle(),
    };
    job.add_job(balancer_job);
    job.add_job(client_job);
    job.add_task("end", End(cast.client_job.clone()));
    Ok((job, cast))
}

fn add_resizer(job: &mut Job, config: &Config, number: usize) -> Result<Actor, SetUpError> {
    let name = format!("r{number}");
    let settings = resizer::Config {
        name: server_name(&name),
        threads: config.threads_each,
        ..resizer::Config::default()
    };
    let (listener, address) = listen()?;
    let resizer = Resizer::new(settings);
    let stats = resizer.stats();
    let child = resizer.job(listener);
    let handle = child.handle();
    job.add_job(child);
    Ok(Actor {
        name,
        address,
        stats,
        job: handle,
    })
}

fn server_name(name: &str) -> ServerName {
    name.parse()
        .expect("a letter and a number make a legal name")
}

/// Listens on a free port of the loopback interface.
fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// As [`listen`], the way the balancer does.
fn listen_for_balancer(threads: NonZero<usize>) -> Result<Listener, BindError> {
    let anywhere = "127.0.0.1:0"
        .parse()
        .expect("an address in numbers needs no look-up");
    bind(&anywhere, threads)
}

fn client_config(config: &Config, balancer: SocketAddr) -> resize::Config {
    let address = balancer
        .to_string()
        .parse()
        .expect("a socket address is HOST:PORT");
    let mut via = Via::new(address);
    via.connections = Connections::new(CONNECTIONS, CONNECTIONS).expect("equal limits agree");
    let mut client = config.client.clone();
    client.engine = Engine::Via(via);
    client
}

/// A prerequisite: the job has begun to run.
async fn is_running(job: JobHandle) -> teamwork::Result {
    // If it never will, the tree is ending, and who waits for this is told so by other means.
    let _has_begun = job.room().await;
    Ok(())
}

/// Finishes the tree when the client is through: servers do not end by themselves.
struct End(JobHandle);

impl Task for End {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        let report = cx.wait(self.0.wait()).await;
        Ok(match report.outcome() {
            // The failure of a child is the failure of its parent: it is on its way, and not to be overtaken.
            Outcome::Failed => Flow::Done(()),
            Outcome::Done | Outcome::Cancelled => Flow::FinishJob(()),
        })
    }
}

impl Cast {
    /// The reports of the programs that have ended, in the order in which they were added.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn reports(&self) -> Vec<Arc<Report>> {
        let resizers = self.resizers.iter().map(|resizer| &resizer.job);
        let mut reports = Vec::new();
        for job in resizers.chain([&self.balancer_job, &self.client_job]) {
            if job.is_ended() {
                reports.push(job.wait().await);
            }
        }
        reports
    }

    /// What the servers have done so far, a line each.
    pub fn shares(&self) -> String {
        let mut lines = Vec::new();
        for (resizer, backend) in self.resizers.iter().zip(self.balancer.backends().iter()) {
            lines.push(format!(
                "{}: {} resized; {} from the balancer",
                resizer.name,
                counted(resizer.stats.counts().resized, "image"),
                counted(backend.sessions(), "session"),
            ));
        }
        lines.push(format!(
            "balancer: {}, {:.2} MB up, {:.2} MB down",
            counted(self.balancer.accepted(), "session"),
            self.balancer.uploaded() as f64 / 1e6,
            self.balancer.downloaded() as f64 / 1e6
        ));
        lines.join("\n")
    }
}

/// So many of something, of which many have an `s`.
fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

impl Display for Cast {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for resizer in &self.resizers {
            writeln!(
                out,
                "resizer {} listens on {}",
                resizer.name, resizer.address
            )?;
        }
        write!(
            out,
            "balancer listens on {} and shares among them",
            self.balancer_address
        )
    }
}
