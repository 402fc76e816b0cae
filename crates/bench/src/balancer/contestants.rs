//! Who is measured: no proxy, HAProxy, nginx and the balancer, with one and two threads.

use std::fmt;

use self::Edition::{Installed, Newer};

/// A proxy, set up in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contestant {
    /// The program and its setting, then the threads: `haproxy-splice/2`.
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) threads: usize,
}

/// What is started, and how it is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setup {
    /// Nothing is between the clients and the upstream.
    Direct,
    HaProxy(HaProxy, Edition),
    Nginx(Nginx, Edition),
    /// The balancer beside this program.
    Ours,
    /// A command that takes the balancer's options: an earlier build of it, or its data path with the job taken out.
    Like(Vec<String>),
}

/// Which of the versions on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edition {
    /// The one that is installed.
    Installed,
    /// A newer one that crates/bench/scripts/peers.sh has put beside it.
    Newer,
}

/// How HAProxy is set up, in mode tcp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HaProxy {
    /// As it comes.
    Stock,
    /// With buffers of 256 KiB.
    Buffers,
    /// With `option splice-request` and `option splice-response`.
    Splice,
    /// The same with pipes of 256 KiB.
    SplicePipes,
}

/// How nginx's stream module is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nginx {
    /// As it comes.
    Stock,
    /// With buffers of 256 KiB, and a listening socket for each worker.
    Buffers,
}

impl Contestant {
    fn new(name: &str, setup: Setup, threads: usize) -> Self {
        let name = match setup {
            Setup::Direct => name.to_owned(),
            _ => format!("{name}/{threads}"),
        };
        Self {
            name,
            setup,
            threads,
        }
    }

    /// Whether it is what we would like to be the best.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.setup, Setup::Ours | Setup::Like(_))
    }

    /// Whether it counts among those to be beaten.
    pub(crate) fn is_peer(&self) -> bool {
        matches!(self.setup, Setup::HaProxy(..) | Setup::Nginx(..))
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// The name of one more contestant that is the balancer's data path with the job of each session taken out.
///
/// Wherever it is measured, there are rows on what the job costs: `--also nojob=COMMAND`.
pub(crate) const WITHOUT_JOB: &str = "nojob/";

/// Everybody, each with one and with two threads.
pub(crate) fn everybody(also: &[Also]) -> Vec<Contestant> {
    let mut everybody = vec![Contestant::new("direct", Setup::Direct, 1)];
    for threads in [1, 2] {
        let setups = [
            ("haproxy", Setup::HaProxy(HaProxy::Stock, Installed)),
            ("haproxy-256k", Setup::HaProxy(HaProxy::Buffers, Installed)),
            ("haproxy-splice", Setup::HaProxy(HaProxy::Splice, Installed)),
            (
                "haproxy-splice-256k",
                Setup::HaProxy(HaProxy::SplicePipes, Installed),
            ),
            ("haproxy-newer", Setup::HaProxy(HaProxy::Stock, Newer)),
            (
                "haproxy-newer-splice-256k",
                Setup::HaProxy(HaProxy::SplicePipes, Newer),
            ),
            ("nginx", Setup::Nginx(Nginx::Stock, Installed)),
            ("nginx-256k", Setup::Nginx(Nginx::Buffers, Installed)),
            ("nginx-newer", Setup::Nginx(Nginx::Stock, Newer)),
            ("balancer", Setup::Ours),
        ];
        let also = also
            .iter()
            .map(|also| (also.name.as_str(), Setup::Like(also.command.clone())));
        let all = setups.into_iter().chain(also);
        everybody.extend(all.map(|(name, setup)| Contestant::new(name, setup, threads)));
    }
    everybody
}

/// The few that a quick run has unless it is told otherwise.
const QUICK: [&str; 6] = [
    "direct",
    "haproxy/1",
    "haproxy-splice-256k/1",
    "nginx/1",
    "balancer/1",
    "balancer/2",
];

/// Those that are wanted: whose name begins with one of these, or the usual ones of a run.
pub(crate) fn wanted(everybody: Vec<Contestant>, names: &[String], quick: bool) -> Vec<Contestant> {
    let is_wanted = |contestant: &Contestant| {
        if !names.is_empty() {
            return names.iter().any(|name| contestant.name.starts_with(name));
        }
        let is_also = matches!(contestant.setup, Setup::Like(_));
        !quick || is_also || QUICK.contains(&contestant.name.as_str())
    };
    everybody.into_iter().filter(is_wanted).collect()
}

/// One more contestant, from the command line: `NAME=COMMAND`.
#[derive(Debug, Clone)]
pub(crate) struct Also {
    name: String,
    command: Vec<String>,
}

impl std::str::FromStr for Also {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, command) = text
            .split_once('=')
            .ok_or("write NAME=COMMAND, for example before=/tmp/balancer")?;
        let command: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || command.is_empty() {
            return Err("neither the name nor the command may be empty".to_owned());
        }
        let name = name.to_owned();
        Ok(Self { name, command })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(contestants: Vec<Contestant>) -> Vec<String> {
        contestants.into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn a_quick_run_has_a_few_and_names_choose_others() {
        let also: Also = "before=/tmp/balancer --threads 1".parse().unwrap();
        assert_eq!(also.command.len(), 3);
        let everybody = everybody(&[also]);
        assert_eq!(everybody.len(), 23);
        let quick = names(wanted(everybody.clone(), &[], true));
        assert_eq!(quick.len(), QUICK.len() + 2);
        let chosen = ["nginx/".to_owned(), "before/2".to_owned()];
        let chosen = names(wanted(everybody, &chosen, true));
        assert_eq!(chosen, ["nginx/1", "nginx/2", "before/2"]);
    }

    #[test]
    fn one_more_needs_a_name_and_a_command() {
        for text in ["before", "=x", "before="] {
            assert!(text.parse::<Also>().is_err(), "{text}");
        }
    }
}
