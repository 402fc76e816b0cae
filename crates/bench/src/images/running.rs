//! A worker that runs: told a batch, it answers with what it has used.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, timeout},
};

use super::{
    contestants::{Contestant, Installed},
    protocol::{Batch, Used},
};

/// A worker that takes longer for a batch hangs.
const BATCH_TIMEOUT: Duration = Duration::from_secs(120);

/// A worker; it is killed when this is dropped.
pub(crate) struct Worker {
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    used: Used,
    _child: Child,
}

/// What a batch took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) cpu: Duration,
    pub(crate) elapsed: Duration,
}

impl Worker {
    /// Starts a worker on so many cores.
    pub(crate) fn start(
        installed: &Installed,
        contestant: Contestant,
        cores: usize,
    ) -> Result<Self> {
        let mut command = Command::from(installed.worker(contestant, cores)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.kill_on_drop(true);
        let mut child = on_cores(cores, || command.spawn())?
            .with_context(|| format!("start {}", contestant.name()))?;
        let stdin = child.stdin.take().context("standard input is a pipe")?;
        let stdout = child.stdout.take().context("standard output is a pipe")?;
        Ok(Self {
            stdin,
            answers: BufReader::new(stdout).lines(),
            used: Used {
                cpu_ns: 0,
                peak_bytes: 0,
                error: None,
            },
            _child: child,
        })
    }

    /// Has it work through a batch.
    pub(crate) async fn run(&mut self, batch: &Batch) -> Result<Spent> {
        let started = Instant::now();
        let used = timeout(BATCH_TIMEOUT, self.ask(batch))
            .await
            .context("no answer")??;
        let elapsed = started.elapsed();
        if let Some(error) = used.error {
            anyhow::bail!(error);
        }
        let before = std::mem::replace(&mut self.used, used);
        let cpu = Duration::from_nanos(self.used.cpu_ns.saturating_sub(before.cpu_ns));
        Ok(Spent { cpu, elapsed })
    }

    async fn ask(&mut self, batch: &Batch) -> Result<Used> {
        let line = serde_json::to_string(batch)? + "\n";
        self.stdin
            .write_all(line.as_bytes())
            .await
            .context("tell it")?;
        let answer = self.answers.next_line().await.context("hear it")?;
        let answer = answer.context("it has ended")?;
        serde_json::from_str(&answer).with_context(|| format!("understand {answer:?}"))
    }

    /// The most memory it has had resident so far.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.used.peak_bytes
    }
}

/// Does something while this thread may run on so many cores only, which what it starts inherits.
fn on_cores<T>(cores: usize, start: impl FnOnce() -> T) -> Result<T> {
    let all = sched_getaffinity(None).context("ask for the cores")?;
    // The last ones: interrupts tend to be served by the first.
    let last = (0..CpuSet::MAX_CPU).rev().filter(|&core| all.is_set(core));
    let mut some = CpuSet::new();
    last.take(cores).for_each(|core| some.set(core));
    ensure!(some.count() as usize == cores, "there are no {cores} cores");
    sched_setaffinity(None, &some).context("keep to some cores")?;
    let started = start();
    sched_setaffinity(None, &all).context("return to all cores")?;
    Ok(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_keeps_to_its_cores_and_who_starts_it_returns() {
        let cores = || sched_getaffinity(None).unwrap().count();
        let before = cores();
        assert_eq!(on_cores(1, cores).unwrap(), 1);
        assert_eq!(cores(), before);
        assert!(on_cores(CpuSet::MAX_CPU + 1, cores).is_err());
        assert_eq!(cores(), before);
    }
}
