//! What processes use: processor time, context switches and memory, read from `/proc`.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What some processes have used so far.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    threads: HashMap<u32, Thread>,
    /// Processor time by the coarse clock, which counts threads that have ended as well.
    coarse_ns: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Thread {
    cpu_ns: u64,
    switches: u64,
}

/// What was used between two moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) cpu_ns: u64,
    pub(crate) switches: u64,
}

impl Usage {
    /// Reads what these processes have used, all threads of them.
    pub(crate) fn of(processes: &[u32]) -> Result<Self> {
        let mut usage = Self::default();
        for process in processes {
            let stat = read(&format!("/proc/{process}/stat"))?;
            let ticks = cpu_ticks(&stat).with_context(|| format!("read the stat of {process}"))?;
            usage.coarse_ns += ticks * nanos_per_tick();
            for thread in threads(*process)? {
                let folder = format!("/proc/{process}/task/{thread}");
                // A thread that ends between listing and reading is left to the coarse clock.
                usage.add(thread, &folder);
            }
        }
        Ok(usage)
    }

    /// Reads what the kernel's workers have used, all together. One that ends takes what it used along.
    pub(crate) fn of_kernel_workers() -> Result<Self> {
        let mut usage = Self::default();
        for worker in kernel_workers()? {
            usage.add(worker, &format!("/proc/{worker}"));
        }
        Ok(usage)
    }

    fn add(&mut self, thread: u32, folder: &str) {
        if let Some(read) = Thread::read(Path::new(folder)) {
            self.threads.insert(thread, read);
        }
    }

    /// What was used since then.
    ///
    /// The clocks of the threads are exact, but a thread that ends takes its own along; if the coarse clock of the
    /// process says that more than its error is missing, it is believed.
    pub(crate) fn since(&self, before: &Self) -> Spent {
        let mut spent = Spent::default();
        for (id, thread) in &self.threads {
            let then = before.threads.get(id).copied().unwrap_or_default();
            spent.cpu_ns += thread.cpu_ns.saturating_sub(then.cpu_ns);
            spent.switches += thread.switches.saturating_sub(then.switches);
        }
        let coarse = self.coarse_ns.saturating_sub(before.coarse_ns);
        let error = 2 * nanos_per_tick();
        if coarse > spent.cpu_ns + error {
            spent.cpu_ns = coarse;
        }
        spent
    }
}

impl Thread {
    fn read(folder: &Path) -> Option<Self> {
        let schedstat = fs::read_to_string(folder.join("schedstat")).ok()?;
        let status = fs::read_to_string(folder.join("status")).ok()?;
        Some(Self {
            cpu_ns: schedstat.split_whitespace().next()?.parse().ok()?,
            switches: status_field(&status, "voluntary_ctxt_switches")?
                + status_field(&status, "nonvoluntary_ctxt_switches")?,
        })
    }
}

/// How long all processors have been busy so far, time taken by other guests of the machine included.
pub(crate) fn busy_ns() -> Result<u64> {
    let stat = read("/proc/stat")?;
    let ticks = busy_ticks(&stat).context("read /proc/stat")?;
    Ok(ticks * nanos_per_tick())
}

/// The threads of the kernel that do work for others: what a proxy leaves to them is no less of a cost.
fn kernel_workers() -> Result<Vec<u32>> {
    let processes = fs::read_dir("/proc").context("list /proc")?;
    let workers = processes.filter_map(|name| {
        let id: u32 = name.ok()?.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
        (name.starts_with("kworker/") || name.starts_with("ksoftirqd/")).then_some(id)
    });
    Ok(workers.collect())
}

/// The threads of a process.
pub(crate) fn threads(process: u32) -> Result<Vec<u32>> {
    let folder = format!("/proc/{process}/task");
    let names = fs::read_dir(&folder).with_context(|| format!("list {folder}"))?;
    Ok(names
        .filter_map(|name| name.ok()?.file_name().to_str()?.parse().ok())
        .collect())
}

/// The process and those that it started, as far as they live.
pub(crate) fn family(process: u32) -> Result<Vec<u32>> {
    let mut family = vec![process];
    let children = fs::read_dir("/proc").context("list /proc")?;
    family.extend(children.filter_map(|name| {
        let id: u32 = name.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        (parent(&stat)? == process).then_some(id)
    }));
    Ok(family)
}

/// Bytes of memory that only these processes have.
pub(crate) fn private_bytes(processes: &[u32]) -> Result<u64> {
    processes.iter().try_fold(0, |sum, process| {
        let rollup = read(&format!("/proc/{process}/smaps_rollup"))?;
        let kib = |name| status_field(&rollup, name).with_context(|| format!("no {name} in smaps"));
        Ok(sum + 1024 * (kib("Private_Clean")? + kib("Private_Dirty")?))
    })
}

/// Whether every thread of these processes has a tracer.
pub(crate) fn all_traced(processes: &[u32]) -> Result<bool> {
    for process in processes {
        for thread in threads(*process)? {
            let status = read(&format!("/proc/{process}/task/{thread}/status"))?;
            if status_field(&status, "TracerPid").unwrap_or(0) == 0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn read(file: &str) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("read {file}"))
}

fn nanos_per_tick() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

/// The number in a line such as `VmRSS:    1234 kB`.
fn status_field(status: &str, name: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

/// What follows the name of the program in `/proc/PID/stat`; the name may hold spaces and brackets.
fn fields_after_name(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace())
}

/// The first line of `/proc/stat` without what was idle: user, nice, system, (idle, iowait,) irq, softirq, steal.
fn busy_ticks(stat: &str) -> Option<u64> {
    let times: Vec<u64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .map_while(|time| time.parse().ok())
        .collect();
    let [user, nice, system, _, _, irq, softirq, steal, ..] = times[..] else {
        return None;
    };
    Some(user + nice + system + irq + softirq + steal)
}

fn parent(stat: &str) -> Option<u32> {
    fields_after_name(stat)?.nth(1)?.parse().ok()
}

/// User and system time, in ticks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut times = fields_after_name(stat)?.skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "812 (a (b) c) S 42 812 1 0 -1 4194560 1 2 3 4 150 250 5 6 20 0 1 0 99";

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields_of_stat() {
        assert_eq!(parent(STAT), Some(42));
        assert_eq!(cpu_ticks(STAT), Some(400));
        assert_eq!(cpu_ticks("812 (short) S 42"), None);
    }

    #[test]
    fn busy_is_everything_but_idle_and_waiting() {
        let stat = "cpu  1 2 4 100 100 8 16 32 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(busy_ticks(stat), Some(63));
        assert_eq!(busy_ticks("cpu  1 2"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status =
            "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t5\nVmRSS:\t 12 kB\n";
        assert_eq!(status_field(status, "voluntary_ctxt_switches"), Some(5));
        assert_eq!(status_field(status, "VmRSS"), Some(12));
        assert_eq!(status_field(status, "VmR"), None);
    }

    fn usage(coarse_ns: u64, threads: &[(u32, u64, u64)]) -> Usage {
        let threads = threads
            .iter()
            .map(|&(id, cpu_ns, switches)| (id, Thread { cpu_ns, switches }))
            .collect();
        Usage { threads, coarse_ns }
    }

    #[test]
    fn threads_that_are_new_count_from_nought_and_lost_ones_by_the_coarse_clock() {
        let before = usage(1_000_000_000, &[(1, 700, 3), (2, 500, 1)]);
        let after = usage(1_000_000_000, &[(1, 900, 4), (3, 50, 2)]);
        let spent = after.since(&before);
        assert_eq!((spent.cpu_ns, spent.switches), (250, 3));

        let after = usage(2_000_000_000, &[(1, 900, 4)]);
        assert_eq!(after.since(&before).cpu_ns, 1_000_000_000);
    }

    #[test]
    fn this_process_is_seen() {
        let me = std::process::id();
        let before = Usage::of(&[me]).unwrap();
        let turns = (0..5_000_000_u64).fold(0, |sum: u64, turn| std::hint::black_box(sum ^ turn));
        std::hint::black_box(turns);
        assert!(Usage::of(&[me]).unwrap().since(&before).cpu_ns > 0);
        assert!(private_bytes(&[me]).unwrap() > 100_000);
        assert!(family(me).unwrap().contains(&me));
        assert!(!all_traced(&[me]).unwrap());
    }
}
