//! Holds what the tasks of a random job noted, and what the reports say, against the rules.

use std::{collections::HashMap, sync::Arc};

use teamwork::{
    By, Cause, CauseKind, Outcome, Report, Routine, TaskError, TaskOutcome, TaskReport,
};

use super::{
    build::Told,
    plan::{ATTEMPT, Plan, STAYS, What, is_spare},
};

/// The name of the job that a task, or a child, belongs to: all but the last part of its name.
fn job_of(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(job, _)| job)
}

/// A name without the number of the attempt, and that number.
fn attempt(name: &str) -> (&str, usize) {
    let last = name.rfind('.').unwrap_or(0);
    match name[last..].find(ATTEMPT) {
        None => (name.trim_end_matches(STAYS), 0),
        Some(at) => {
            let number = name[last + at + 1..].trim_end_matches(STAYS);
            (
                name[..last + at].trim_end_matches(STAYS),
                number.parse().unwrap(),
            )
        }
    }
}

/// What one attempt of a task noted: the places in the journal.
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
        self.last_of_run().max(self.finalizers.last().copied())
    }

    /// Its end of the run, as far as it noted one.
    fn last_of_run(&self) -> Option<usize> {
        let all = [&self.inits, &self.runs, &self.cuts];
        all.into_iter().flatten().chain(&self.done).copied().max()
    }

    fn is_over_before(&self, next: &Self) -> bool {
        self.finalizers.len() == 1 && self.last() < next.inits.first().copied()
    }
}

/// By task, its attempts.
type Tasks<'a> = HashMap<&'a str, Vec<Noted>>;

fn read(steps: &[String]) -> Tasks<'_> {
    let mut tasks = Tasks::new();
    for (at, step) in steps.iter().enumerate() {
        let (what, name) = step.split_once(' ').unwrap();
        let (name, number) = attempt(name);
        let attempts = tasks.entry(name).or_default();
        if attempts.len() == number {
            attempts.push(Noted::default());
        }
        assert_eq!(attempts.len(), number + 1, "{name}: one attempt at a time");
        let noted = &mut attempts[number];
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

/// The last attempt at a child job.
fn child<'a>(name: &str, reports: &'a [(&str, Arc<Report>)]) -> Option<&'a Report> {
    let attempts = reports.iter().filter(|(job, _)| attempt(job).0 == name);
    let last = attempts.max_by_key(|(job, _)| attempt(job).1);
    last.map(|(_, report)| &**report)
}

pub(super) fn check(plan: &Plan, steps: &[String], told: &Told) {
    let (tasks, reports) = (read(steps), &told.reports[..]);
    for (name, report) in reports {
        for task in report.tasks() {
            let is_leaked = matches!(task.outcome, TaskOutcome::Leaked(_));
            // A child has no routines to note.
            if let Some(child) = child(task.name, reports) {
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
            let attempts = tasks.get(attempt(task.name).0);
            let is_new = task.outcome == TaskOutcome::NeverStarted;
            let has_started = attempts.is_some();
            assert_eq!(is_new, !has_started, "{} never started, or did", task.name);
            if let Some(attempts) = attempts {
                check_task(task.name, attempts, task.outcome);
                let runs: usize = attempts.iter().map(|noted| noted.runs.len()).sum();
                assert!(task.ticks <= runs as u64, "{}", task.name);
            }
        }
        check_outcome(name, report, reports);
        check_restarts(plan, report, |name| {
            let jobs = reports.iter().filter(|(job, _)| attempt(job).0 == name);
            let runs = tasks.get(attempt(name).0).map_or(0, Vec::len);
            jobs.count().max(runs)
        });
        check_order(name, &tasks, plan);
    }
    for (name, value) in &told.values {
        check_value(plan, (name, value), reports);
    }
    for (name, attempts) in &tasks {
        let is_known = reports.iter().any(|(job, _)| *job == job_of(name));
        assert!(is_known, "{name} {attempts:?}");
        for noted in attempts {
            // One that is not listed has come and gone.
            let is_fine = noted.inits.len() == 1 && noted.finalizers.len() <= 1;
            assert!(is_fine, "{name} {noted:?}");
        }
    }
}

/// Who waits for a value learns why there is none.
fn check_value(
    plan: &Plan,
    (name, value): (&str, &Result<(), TaskError>),
    reports: &[(&str, Arc<Report>)],
) {
    let job = reports.iter().find(|(job, _)| *job == job_of(name));
    let (_, report) = job.expect("a task belongs to a job");
    match value {
        Ok(()) | Err(TaskError::Stopped) => {}
        Err(TaskError::Taken) => panic!("nobody else takes the value of {name}"),
        Err(TaskError::Failed(Some(cause))) => assert!(
            report.cause().is_some() || cause.task() == Some(name),
            "{name} has another cause: {cause}\n{report}"
        ),
        // A finish may become something else later; what fails among the finalizers is the cause for those after it.
        Err(TaskError::Failed(None)) => assert!(
            plan.finishes
                || report
                    .cause()
                    .is_none_or(|cause| cause.routine() == Some(Routine::Finalize)),
            "{name} has no cause\n{report}"
        ),
    }
}

/// A failure counts only if there is no restart left, the job stops already, or the attempt cannot be finalized.
fn check_restarts(plan: &Plan, report: &Report, attempts: impl Fn(&str) -> usize) {
    let cause = report.cause().filter(|cause| !cause.is_cancelled());
    let Some(name) = cause.and_then(Cause::task) else {
        return;
    };
    let has_failed_later = |later: &Cause| later.task() == Some(name);
    let is_late = cause.and_then(Cause::routine) == Some(Routine::Finalize)
        || report.secondary().iter().any(has_failed_later);
    let most = plan.restarts.get(name).copied().unwrap_or_default() + 1;
    assert!(
        attempts(name) == most || plan.finishes || is_late,
        "{name} has {most} attempts and fails in the {}th\n{report}",
        attempts(name)
    );
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

fn check_task(name: &str, attempts: &[Noted], outcome: TaskOutcome) {
    for (before, next) in attempts.iter().zip(&attempts[1..]) {
        assert!(before.is_over_before(next), "{name} starts over too early");
    }
    for (at, noted) in attempts.iter().enumerate() {
        assert_eq!(noted.inits.len(), 1, "{name} is initialized once");
        let first = noted.inits[0];
        assert!(
            noted.runs.iter().all(|&run| run > first),
            "{name} runs after its init"
        );
        let is_last = at + 1 == attempts.len();
        if !is_last || !matches!(outcome, TaskOutcome::Leaked(_)) {
            assert_eq!(noted.finalizers.len(), 1, "{name} is finalized once");
        }
        if let (Some(&finalizer), Some(last)) = (noted.finalizers.first(), noted.last_of_run()) {
            assert!(last < finalizer, "{name} is finalized after its last run");
        }
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
    for (made, of_child) in reports.iter().filter(|(child, _)| job_of(child) == name) {
        let (child, number) = attempt(made);
        let told = of_child.outcome();
        let is_newer = |(job, _): &(&str, _)| {
            let (name, other) = attempt(job);
            name == child && other > number
        };
        if reports.iter().any(is_newer) {
            assert_eq!(told, Outcome::Failed, "{made} is not the last");
            continue;
        }
        let listed = report.task(child).map(|task| task.outcome);
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
fn check_order(job: &str, tasks: &Tasks<'_>, plan: &Plan) {
    let own: Vec<_> = tasks
        .iter()
        .filter(|(name, _)| job_of(name) == job)
        .filter_map(|(name, attempts)| Some((name, attempts, attempts.last()?)))
        .collect();
    // A task that was done by itself, or was not needed, or could not start over, may have been finalized at once; the others wait for
    // the job.
    let waited = own.iter().filter(|(name, _, noted)| {
        let restarts = plan
            .restarts
            .iter()
            .any(|(task, &most)| most > 0 && attempt(task).0 == **name);
        (noted.done.is_none() && !is_spare(name) && !restarts) || name.contains(".first")
    });
    let Some(&first) = waited.flat_map(|(.., noted)| &noted.finalizers).min() else {
        return;
    };
    for (name, attempts, last) in &own {
        let earlier = &attempts[..attempts.len() - 1];
        assert!(
            last.last_of_run() < Some(first)
                && earlier.iter().all(|noted| noted.last() < Some(first)),
            "{name} ends before the finalizers of {job}"
        );
    }
    let inside = tasks.iter().filter(|(name, _)| is_inside(name, job));
    for (name, noted) in inside.flat_map(|(name, all)| all.iter().map(move |noted| (name, noted))) {
        assert!(
            noted.last() < Some(first),
            "{name} ends before the finalizers of {job} around it"
        );
    }
    let mut after: Vec<_> = own
        .iter()
        .flat_map(|(name, attempts, last)| {
            let start = (late(name, plan), attempts[0].inits[0]);
            last.finalizers
                .iter()
                .map(move |&finalizer| (finalizer, start))
        })
        .filter(|(finalizer, _)| *finalizer >= first)
        .collect();
    after.sort_unstable();
    assert!(
        after.is_sorted_by(|a, b| a.1 > b.1),
        "{job} finalizes in reverse: {after:?}"
    );
}

/// When a task was added to the job that runs, as opposed to before. They start in that order, though their inits may overtake each other.
fn late(name: &str, plan: &Plan) -> Option<usize> {
    let is_it =
        |what: &What| matches!(what, What::Add(task) if attempt(task.script.name()).0 == name);
    plan.events.iter().position(|event| is_it(&event.what))
}

/// Whether a task belongs to a job inside this one.
fn is_inside(name: &str, job: &str) -> bool {
    let of = job_of(name).strip_prefix(job);
    of.is_some_and(|rest| rest.starts_with('.'))
}
