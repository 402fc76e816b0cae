//! Proxies that run: started with their configuration in a folder of their own, and ended with the value.

use std::{
    fs::{self, File, Permissions},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::{
    configs::{AccessLogs, Plan, User},
    contestants::{Contestant, Edition, Setup},
    usage::family,
};

/// How often is looked whether a proxy listens, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: usize = 500;

/// The user and the group `nobody` of Debian.
const NOBODY: u32 = 65534;

/// What starts the proxies.
#[derive(Debug)]
pub(crate) struct Starter {
    folder: tempfile::TempDir,
    balancer: PathBuf,
    access_logs: AccessLogs,
    started: usize,
}

/// A proxy that runs, or the upstream itself.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where clients connect to.
    pub(crate) targets: Vec<SocketAddr>,
    /// All its processes.
    pub(crate) processes: Vec<u32>,
    child: Option<Child>,
}

impl Starter {
    /// Makes a folder and puts a copy of the balancer there: one that is built meanwhile does not get into the figures.
    pub(crate) fn new(access_logs: AccessLogs) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("bench-balancer-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("make a folder")?;
        let built = beside_this("balancer")?;
        let balancer = folder.path().join("balancer");
        fs::copy(&built, &balancer).with_context(|| format!("copy {}", built.display()))?;
        Ok(Self {
            folder,
            balancer,
            access_logs,
            started: 0,
        })
    }

    /// Where files may be put for as long as this lives.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a contestant before these upstreams, and waits until it listens.
    pub(crate) async fn start(
        &mut self,
        contestant: &Contestant,
        upstreams: &[SocketAddr],
        user: User,
    ) -> Result<Running> {
        if contestant.setup == Setup::Direct {
            return Ok(Running {
                targets: upstreams.to_vec(),
                processes: Vec::new(),
                child: None,
            });
        }
        self.started += 1;
        let folder = self.folder.path().join(self.started.to_string());
        fs::create_dir(&folder).context("make a folder for a proxy")?;
        if user == User::Nobody {
            chown(&folder, Some(NOBODY), Some(NOBODY)).context("give a folder to nobody")?;
        }
        let plan = Plan {
            listen: free_address()?,
            upstreams,
            threads: contestant.threads,
            folder: &folder,
            access_logs: self.access_logs,
            user,
        };
        let command = self.command(contestant, &plan)?;
        let child = spawn(command, &plan).with_context(|| format!("start {contestant}"))?;
        let mut running = Running {
            targets: vec![plan.listen],
            processes: vec![child.id()],
            child: Some(child),
        };
        let listens = running.wait_until_it_listens().await;
        listens.with_context(|| format!("{contestant}: {}", last_words(&folder)))?;
        Ok(running)
    }

    /// The program of a contestant with its arguments; writes its configuration.
    fn command(&self, contestant: &Contestant, plan: &Plan<'_>) -> Result<Vec<String>> {
        let config = plan.folder.join("config");
        let path = config.display().to_string();
        let command = match &contestant.setup {
            Setup::Direct => bail!("there is no proxy to start"),
            Setup::HaProxy(setup, edition) => {
                fs::write(&config, plan.haproxy(*setup))?;
                let haproxy = program(&called("haproxy", *edition))?;
                vec![haproxy, "-db".to_owned(), "-f".to_owned(), path]
            }
            Setup::Nginx(setup, edition) => {
                fs::write(&config, plan.nginx(*setup, *edition))?;
                let errors = plan.folder.join("error.log").display().to_string();
                let options = ["-c".to_owned(), path, "-e".to_owned(), errors];
                let nginx = program(&called("nginx", *edition))?;
                [vec![nginx], options.to_vec()].concat()
            }
            Setup::Ours => like_ours(&[self.balancer.display().to_string()], plan),
            Setup::Like(command) => like_ours(command, plan),
        };
        Ok(command)
    }
}

/// The command of a balancer.
fn like_ours(command: &[String], plan: &Plan<'_>) -> Vec<String> {
    let threads = plan.threads;
    let mut all = vec!["env".to_owned(), format!("TOKIO_WORKER_THREADS={threads}")];
    all.extend_from_slice(command);
    all.extend(plan.balancer());
    if knows_threads(command) {
        all.extend(["--threads".to_owned(), threads.to_string()]);
    }
    all
}

/// Whether a balancer has an option for its threads; otherwise Tokio is told by its environment.
fn knows_threads(command: &[String]) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    let help = Command::new(program).args(arguments).arg("--help").output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--threads"))
}

/// Starts a command that ends with this program, as the plan's user, with what it says going to files.
fn spawn(command: Vec<String>, plan: &Plan<'_>) -> Result<Child> {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--pdeathsig", "TERM"]);
    if plan.user == User::Nobody {
        let id = NOBODY.to_string();
        setpriv.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
    }
    let file = |name: &str| File::create(plan.folder.join(name)).context("make a file");
    setpriv
        .arg("--")
        .args(command)
        .stdin(Stdio::null())
        .stdout(file("stdout")?)
        .stderr(file("stderr")?)
        .spawn()
        .context("run setpriv")
}

impl Running {
    async fn wait_until_it_listens(&mut self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            if let Some(child) = &mut self.child {
                let ended = child.try_wait().context("ask after the proxy")?;
                ensure!(ended.is_none(), "ended at once");
            }
            if self
                .targets
                .iter()
                .all(|target| TcpStream::connect(target).is_ok())
            {
                // The connections that were just tried end, and workers come up.
                sleep(LOOK_EVERY * 10).await;
                self.processes = family(self.processes[0])?;
                return Ok(());
            }
            sleep(LOOK_EVERY).await;
        }
        bail!("does not listen")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else {
            return;
        };
        for process in &self.processes {
            let id = i32::try_from(*process).ok().and_then(Pid::from_raw);
            // One that is gone already needs no end.
            let _ = id.map(|id| kill_process(id, Signal::KILL));
        }
        let _ = child.wait();
    }
}

/// A port of 127.0.0.1 that is free at the moment.
fn free_address() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?)
}

/// The program of this name beside this one.
fn beside_this(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.exists(),
        "{} is missing; build it with `cargo build --release`",
        path.display()
    );
    Ok(path)
}

/// The path of an installed program; proxies are often where only root looks.
pub(crate) fn program(name: &str) -> Result<String> {
    let found = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"]
        .map(|folder| Path::new(folder).join(name))
        .into_iter()
        .find(|path| path.is_file());
    let found = found.with_context(|| {
        format!("{name} is not installed; crates/bench/scripts/peers.sh installs it")
    })?;
    Ok(found.display().to_string())
}

/// What the program of an edition is called.
pub(crate) fn called(name: &str, edition: Edition) -> String {
    match edition {
        Edition::Installed => name.to_owned(),
        Edition::Newer => format!("{name}-newer"),
    }
}

/// What a proxy has said last.
fn last_words(folder: &Path) -> String {
    let said: String = ["stderr", "error.log", "stdout"]
        .iter()
        .filter_map(|file| fs::read_to_string(folder.join(file)).ok())
        .collect();
    let lines: Vec<_> = said.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
