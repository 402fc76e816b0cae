//! Holds what the tasks of a random job noted, and what the reports say, against the rules.

use std::{collections::HashMap, sync::Arc};

use teamwork::{By, Cause, CauseKind, Outcome, Report, TaskOutcome, TaskReport};

use super::plan::{STAYS, is_spare};

/// The name of the job that a task, or a child, belongs to: all but the last part of its name.
fn job_of(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(job, _)| job)
}

/// What one task noted: the places in the journal.
#[derive(Debug, Default)]
struct Noted {
    inits: Vec<usize>,
    runs: Vec<usize>,
    cuts: Vec<usize>,
    /// Where it said that it is done, and was.
    done: Option<usize>,
    finalizers: Vec<usize>,
}

impl Noted {
    fn last(&self) -> Option<usize> {
        let all = [&self.inits, &self.runs, &self.cuts, &self.finalizers];
        all.into_iter().flatten().chain(&self.done).copied().max()
    }

    /// Its end of the run, as far as it noted one.
    fn last_of_run(&self) -> Option<usize> {
        let all = [&self.inits, &self.runs, &self.cuts];
        all.into_iter().flatten().chain(&self.done).copied().max()
    }
}

fn read(steps: &[String]) -> HashMap<&str, Noted> {
    let mut tasks = HashMap::<_, Noted>::new();
    for (at, step) in steps.iter().enumerate() {
        let (what, name) = step.split_once(' ').unwrap();
        let noted = tasks.entry(name).or_default();
        match what {
            "init" => noted.inits.push(at),
            "run" => noted.runs.push(at),
            "cut" => noted.cuts.push(at),
            "done" => noted.done = Some(at),
            "fin" => noted.finalizers.push(at),
            other => panic!("{other}?"),
        }
    }
    tasks
}

pub(super) fn check(steps: &[String], reports: &[(&str, Arc<Report>)]) {
    let tasks = read(steps);
    for (name, report) in reports {
        for task in report.tasks() {
            let is_leaked = matches!(task.outcome, TaskOutcome::Leaked(_));
            // A child has no routines to note.
            if let Some((_, child)) = reports.iter().find(|(job, _)| *job == task.name) {
                let owes = child.outcome() != Outcome::Failed && child.leaked().next().is_some();
                assert_eq!(is_leaked, owes, "{} is given up\n{report}", task.name);
                continue;
            }
            let may_leak = task.name.ends_with(STAYS) || is_hurried(name, reports);
            assert!(
                may_leak || !is_leaked,
                "{} is given up\n{report}",
                task.name
            );
            let noted = tasks.get(task.name);
            let has_started = noted.is_some_and(|noted| !noted.inits.is_empty());
            let is_new = task.outcome == TaskOutcome::NeverStarted;
            assert_eq!(is_new, !has_started, "{} never started, or did", task.name);
            if let Some(noted) = noted {
                check_task(task.name, noted, task.outcome);
                assert!(task.ticks <= noted.runs.len() as u64, "{}", task.name);
            }
        }
        check_outcome(name, report, reports);
        check_order(name, &tasks);
    }
    for (name, noted) in &tasks {
        let is_known = reports.iter().any(|(job, _)| *job == job_of(name));
        assert!(is_known && noted.inits.len() == 1, "{name} {noted:?}");
        // One that is not listed has come and gone.
        assert!(noted.finalizers.len() <= 1, "{name} {noted:?}");
    }
}

/// Whether this job, or one around it or inside it, stopped by itself, so that what hangs in it had all the time that it has, and then
/// its parent was cut and had less: the others may have been left too little.
fn is_hurried(name: &str, reports: &[(&str, Arc<Report>)]) -> bool {
    let by_parent = |cause: &Cause| {
        let by = By::Parent;
        matches!(cause.kind(), CauseKind::Cancelled { by: found, .. } if *found == by)
    };
    let within = |job: &str, other: &str| job == other || is_inside(&format!("{job}.t"), other);
    let hangs = |task: TaskReport<'_>| task.name.ends_with(STAYS);
    reports.iter().any(|(other, report)| {
        let mut in_it = reports.iter().filter(|(job, _)| within(job, other));
        *other != "r"
            && (within(name, other) || within(other, name))
            && !report.cause().is_some_and(by_parent)
            && in_it.any(|(_, job)| job.leaked().any(hangs))
    })
}

fn check_task(name: &str, noted: &Noted, outcome: TaskOutcome) {
    assert_eq!(noted.inits.len(), 1, "{name} is initialized once");
    let first = noted.inits[0];
    assert!(
        noted.runs.iter().all(|&run| run > first),
        "{name} runs after its init"
    );
    if !matches!(outcome, TaskOutcome::Leaked(_)) {
        assert_eq!(noted.finalizers.len(), 1, "{name} is finalized once");
    }
    if let (Some(&finalizer), Some(last)) = (noted.finalizers.first(), noted.last_of_run()) {
        assert!(last < finalizer, "{name} is finalized after its last run");
    }
}

fn check_outcome(name: &str, report: &Report, reports: &[(&str, Arc<Report>)]) {
    let is_bad = |outcome| matches!(outcome, TaskOutcome::Failed | TaskOutcome::Panicked);
    let has_failed = report
        .tasks()
        .any(|task| is_bad(task.outcome) && !is_spare(task.name));
    match report.outcome() {
        Outcome::Done => {
            assert!(report.cause().is_none(), "{name} is done");
            assert!(!has_failed, "{name} is done, its tasks are not\n{report}");
        }
        Outcome::Cancelled => assert!(report.cause().unwrap().is_cancelled(), "{name}"),
        Outcome::Failed => assert!(!report.cause().unwrap().is_cancelled(), "{name}"),
    }
    for (child, of_child) in reports.iter().filter(|(child, _)| job_of(child) == name) {
        let listed = report.task(child).map(|task| task.outcome);
        let told = of_child.outcome();
        match listed {
            // It has come and gone, or its parent stopped before it began.
            None => assert!(told != Outcome::Failed || is_spare(child), "{child}"),
            Some(listed) => assert_eq!(
                listed == TaskOutcome::Failed,
                told == Outcome::Failed,
                "{child}"
            ),
        }
    }
}

/// Of a job that stops: all runs end, then its finalizers start in reverse order.
fn check_order(job: &str, tasks: &HashMap<&str, Noted>) {
    let own: Vec<_> = tasks
        .iter()
        .filter(|(name, _)| job_of(name) == job)
        .collect();
    // A task that was done by itself, or was not needed, may have been finalized at once; the others wait for the job.
    let waited = own.iter().filter(|(name, noted)| {
        (noted.done.is_none() && !is_spare(name)) || name.contains(".first")
    });
    let Some(&first) = waited.flat_map(|(_, noted)| &noted.finalizers).min() else {
        return;
    };
    for (name, noted) in &own {
        assert!(
            noted.last_of_run() < Some(first),
            "{name} ends before the finalizers of {job}"
        );
    }
    let inside = tasks.iter().filter(|(name, _)| is_inside(name, job));
    for (name, noted) in inside {
        assert!(
            noted.last() < Some(first),
            "{name} ends before the finalizers of {job} around it"
        );
    }
    let mut after: Vec<_> = own
        .iter()
        .flat_map(|(_, noted)| {
            noted
                .finalizers
                .iter()
                .map(|&finalizer| (finalizer, noted.inits[0]))
        })
        .filter(|(finalizer, _)| *finalizer >= first)
        .collect();
    after.sort_unstable();
    assert!(
        after.is_sorted_by(|a, b| a.1 > b.1),
        "{job} finalizes in reverse: {after:?}"
    );
}

/// Whether a task belongs to a job inside this one.
fn is_inside(name: &str, job: &str) -> bool {
    let of = job_of(name).strip_prefix(job);
    of.is_some_and(|rest| rest.starts_with('.'))
}
