//! Counts the system calls of processes with strace; slow, so nothing is timed meanwhile.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::{running::program, usage::all_traced};

/// How often is looked whether strace has come or gone, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS_MAX: usize = 300;

/// How often each system call was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Calls(BTreeMap<String, u64>);

impl Calls {
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// The calls that were made most often, with their share of an operation.
    pub(crate) fn most_often(&self, operations: f64) -> String {
        let mut calls: Vec<_> = self.0.iter().collect();
        calls.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let share =
            |(name, count): &(&String, &u64)| format!("{name} {:.2}", **count as f64 / operations);
        calls
            .iter()
            .take(9)
            .map(share)
            .collect::<Vec<_>>()
            .join("  ")
    }

    /// Reads the table of `strace -c`.
    fn parse(table: &str) -> Self {
        let calls = table.lines().filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            // % time, seconds, usecs/call, calls, errors if there are any, name
            let name = *fields.last()?;
            let count = fields.get(3)?.parse().ok()?;
            fields.first()?.parse::<f64>().ok()?;
            (name != "total" && fields.len() >= 5).then(|| (name.to_owned(), count))
        });
        Self(calls.collect())
    }
}

/// A strace that counts.
#[derive(Debug)]
pub(crate) struct Tracer {
    child: Child,
    output: PathBuf,
}

impl Tracer {
    /// Attaches to all threads of these processes.
    pub(crate) async fn attach(processes: &[u32], folder: &Path) -> Result<Self> {
        let output = folder.join("calls");
        let child = Command::new(program("strace")?)
            .args(["-c", "-f", "-q", "-o"])
            .arg(&output)
            .args(
                processes
                    .iter()
                    .flat_map(|id| ["-p".to_owned(), id.to_string()]),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start strace")?;
        let tracer = Self { child, output };
        for _ in 0..LOOKS_MAX {
            if all_traced(processes)? {
                return Ok(tracer);
            }
            sleep(LOOK_EVERY).await;
        }
        bail!("strace does not attach")
    }

    /// Detaches, and says what was counted.
    pub(crate) async fn detach(mut self) -> Result<Calls> {
        self.interrupt();
        for _ in 0..LOOKS_MAX {
            if self.child.try_wait().context("wait for strace")?.is_some() {
                let table =
                    std::fs::read_to_string(&self.output).context("read what strace counted")?;
                return Ok(Calls::parse(&table));
            }
            sleep(LOOK_EVERY).await;
        }
        bail!("strace does not end")
    }

    fn interrupt(&self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // If it has ended already, there is nothing to interrupt.
        let _ = id.map(|id| kill_process(id, Signal::INT));
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // After `detach` both do nothing.
        self.interrupt();
        let _ = self.child.try_wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.001200           3       400        20 recvfrom
 40.00    0.000800           2       380           sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.002000           2       780        20 total
";

    #[test]
    fn the_table_is_read_with_and_without_errors() {
        let calls = Calls::parse(TABLE);
        assert_eq!(
            (calls.of("recvfrom"), calls.of("sendto"), calls.of("splice")),
            (400, 380, 0)
        );
        assert_eq!(calls.total(), 780);
        assert_eq!(calls.most_often(200.0), "recvfrom 2.00  sendto 1.90");
        assert_eq!(Calls::parse(""), Calls::default());
    }
}
