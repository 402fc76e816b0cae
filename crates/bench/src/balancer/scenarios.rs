//! What is measured, and what has to be reached.

use super::load::Mix;

/// Something that proxies are made to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) mix: Mix,
    /// What share of the best peer's processor time per unit of work ours may take.
    pub(crate) cpu_target: Option<f64>,
    /// What share of HAProxy's system calls ours may make.
    pub(crate) calls_target: Option<f64>,
    /// How much more it may take than without the job that each session is.
    pub(crate) job_target: Option<JobTarget>,
}

/// How much the job of a session may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum JobTarget {
    /// At most so much processor time for one of it without the job.
    CpuRatio(f64),
    /// At most so much more memory for a session, in KiB.
    MoreKib(f64),
}

/// What a unit of the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes of streams.
    Stream,
    /// A request and its answer, or a connection from its start to its end.
    Operation,
    /// A request, beside a stream.
    Mixed,
    /// A session that is opened and left alone, before a proxy that has just been started.
    Idle,
    /// A request, on one of so many sessions, before a proxy that has just been started.
    Growth,
}

impl Kind {
    /// Whether the proxies are started anew for each round, because their memory is what matters.
    pub(crate) fn is_fresh(self) -> bool {
        matches!(self, Self::Idle | Self::Growth)
    }
}

/// At most this share of the best peer's latency; equal, but for the error of measuring.
pub(crate) const P99_TARGET: f64 = 1.05;

/// At most so much user memory for an idle session, in KiB.
pub(crate) const IDLE_KIB_TARGET: f64 = 1.5;

/// At most so much of it is kept once the session has ended, in KiB: a tenth.
pub(crate) const KEPT_KIB_TARGET: f64 = 0.15;

const SIXTEEN_K: usize = 16 * 1024;

fn scenario(name: &str, kind: Kind, mix: Mix) -> Scenario {
    Scenario {
        name: name.to_owned(),
        kind,
        mix,
        cpu_target: None,
        calls_target: None,
        job_target: None,
    }
}

fn stream(name: &str, downloads: usize, uploads: usize) -> Scenario {
    let mix = Mix {
        downloads,
        uploads,
        ..Mix::default()
    };
    Scenario {
        cpu_target: Some(0.7),
        ..scenario(name, Kind::Stream, mix)
    }
}

fn ping(name: &str, connections: usize, answer_bytes: usize) -> Scenario {
    let mix = Mix {
        requests: connections,
        connections,
        answer_bytes,
        ..Mix::default()
    };
    Scenario {
        cpu_target: (connections == 64).then_some(0.9),
        ..scenario(name, Kind::Operation, mix)
    }
}

fn connect_close() -> Scenario {
    let mix = Mix {
        closers: 16,
        ..Mix::default()
    };
    Scenario {
        cpu_target: Some(0.85),
        calls_target: Some(1.0),
        job_target: Some(JobTarget::CpuRatio(1.03)),
        ..scenario("connect-close", Kind::Operation, mix)
    }
}

fn idle(sessions: usize) -> Scenario {
    let mix = Mix {
        idle: sessions,
        ..Mix::default()
    };
    Scenario {
        job_target: Some(JobTarget::MoreKib(1.0)),
        ..scenario("idle", Kind::Idle, mix)
    }
}

fn mixed() -> Scenario {
    let mix = Mix {
        downloads: 1,
        requests: 1,
        connections: 1,
        answer_bytes: 64,
        ..Mix::default()
    };
    scenario("mixed", Kind::Mixed, mix)
}

fn growth(sessions: usize) -> Scenario {
    let mix = Mix {
        requests: sessions.min(64),
        connections: sessions,
        answer_bytes: 64,
        ..Mix::default()
    };
    scenario(&format!("growth-{sessions}"), Kind::Growth, mix)
}

/// Every scenario.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = vec![
        stream("bulk-down-1", 1, 0),
        stream("bulk-down-8", 8, 0),
        stream("bulk-up-1", 0, 1),
        stream("bulk-up-8", 0, 8),
        ping("ping-1", 1, 64),
        ping("ping-64", 64, 64),
        ping("ping-512", 512, 64),
        ping("ping-16k-1", 1, SIXTEEN_K),
        ping("ping-16k-64", 64, SIXTEEN_K),
        ping("ping-16k-512", 512, SIXTEEN_K),
        // So many pipes, one for each direction, exceed what a user without rights gets in full size.
        ping("ping-64k-600", 600, 64 * 1024),
        connect_close(),
        mixed(),
        idle(5_000),
    ];
    all.extend([1, 8, 64, 512, 2_000, 5_000, 9_000].map(growth));
    all
}

/// The few that a quick run has, unless it is told otherwise.
const QUICK: [&str; 4] = ["bulk-down-8", "ping-64", "connect-close", "idle"];

/// Those that are wanted: of this name, or whose names begin like this if none is called that; or the usual ones of a run.
pub(crate) fn wanted(names: &[String], quick: bool) -> Vec<Scenario> {
    let all = all();
    let is_meant = |name: &String, scenario: &Scenario| {
        let is_exact = all.iter().any(|scenario| scenario.name == *name);
        scenario.name == *name || !is_exact && scenario.name.starts_with(name)
    };
    let is_wanted = |scenario: &&Scenario| {
        if names.is_empty() {
            return !quick || QUICK.contains(&scenario.name.as_str());
        }
        names.iter().any(|name| is_meant(name, scenario))
    };
    all.iter().filter(is_wanted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[Scenario]) -> Vec<&str> {
        wanted.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn scenarios_are_chosen_by_how_their_names_begin() {
        assert_eq!(names(&wanted(&[], true)), QUICK);
        assert_eq!(wanted(&[], false).len(), all().len());
        let chosen = wanted(&["bulk-up".to_owned(), "ping-64".to_owned()], true);
        assert_eq!(names(&chosen), ["bulk-up-1", "bulk-up-8", "ping-64"]);
        assert!(wanted(&["nothing".to_owned()], false).is_empty());
    }
}
