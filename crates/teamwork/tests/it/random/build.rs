//! Makes jobs of plans.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::future::join_all;
use teamwork::{Added, Job, JobHandle, Report, Restart, Task, TaskError, TaskHandle, TaskOptions};

use super::plan::{JobPlan, Pace, TaskPlan};
use crate::scripted::{Journal, placed};

/// How each job ended, and each task that is asked.
#[derive(Default)]
pub(super) struct Told {
    pub(super) reports: Vec<(&'static str, Arc<Report>)>,
    pub(super) values: Vec<(&'static str, Result<(), TaskError>)>,
}

type Later<T> = Pin<Box<dyn Future<Output = (&'static str, T)> + Send>>;

/// Who will tell.
#[derive(Default)]
struct Tellers {
    reports: Vec<Later<Arc<Report>>>,
    values: Vec<Later<Result<(), TaskError>>>,
}

/// A job with a oneshot, or one without.
pub(super) enum Rooted {
    Valued(Job<()>),
    Plain(Job),
}

/// Makes jobs of plans.
#[derive(Clone)]
pub(super) struct Builder {
    pub(super) pace: Pace,
    journal: Journal,
    tellers: Arc<Mutex<Tellers>>,
}

/// A value of a job or none, as types.
pub(super) trait Value: Send + Sync + 'static {}
impl<V: ?Sized + Send + Sync + 'static> Value for V {}

/// So many restarts, one soon after the other.
fn at_most(restarts: usize) -> Restart {
    let soon = Duration::from_millis(1);
    let restarts = u32::try_from(restarts).unwrap();
    Restart::at_most(restarts, Duration::from_secs(3600)).pause(soon, soon)
}

/// One plan after the other, for attempts; one too many is noted.
fn one_by_one<T>(
    first: &T,
    further: &[T],
    journal: &Journal,
) -> impl FnMut() -> T + Send + 'static + use<T>
where
    T: Clone + Send + 'static,
{
    let mut plans: Vec<_> = further.iter().rev().chain([first]).cloned().collect();
    let journal = journal.clone();
    move || {
        plans.pop().unwrap_or_else(|| {
            journal.note("restarts once too often");
            panic!("there is no plan for it")
        })
    }
}

impl Builder {
    pub(super) fn new(pace: Pace, journal: &Journal) -> Self {
        Self {
            pace,
            journal: journal.clone(),
            tellers: Arc::default(),
        }
    }

    fn tellers(&self) -> MutexGuard<'_, Tellers> {
        self.tellers.lock().unwrap()
    }

    /// Asks for the value of a task.
    fn ask(&self, name: &'static str, handle: TaskHandle<()>) {
        let value = Box::pin(async move { (name, handle.await) });
        self.tellers().values.push(value);
    }

    fn fill<V: ?Sized + Value>(&self, mut job: Job<V>, plan: &JobPlan) -> Job<V> {
        if plan.is_parent_first {
            self.add_tasks(&mut job, plan);
        }
        for child in &plan.children {
            match self.child(child) {
                Rooted::Valued(child) => job.add_job(child),
                Rooted::Plain(child) => job.add_job(child),
            }
        }
        if !plan.is_parent_first {
            self.add_tasks(&mut job, plan);
        }
        if let Some(millis) = plan.timeout {
            job = job.timeout(Duration::from_millis(millis));
        }
        if plan.is_spare() {
            job = job.isolated();
        }
        let (name, handle) = (plan.name, job.handle());
        let report = Box::pin(async move { (name, handle.wait().await) });
        self.tellers().reports.push(report);
        let deadline = Duration::from_millis(self.pace.deadline);
        placed(job, plan.inline)
            .grace(Duration::from_millis(20))
            .finalizer_deadline(deadline)
    }

    /// A child, with as many attempts as it has.
    fn child(&self, plan: &JobPlan) -> Rooted {
        if plan.attempts.is_empty() {
            return self.made(plan);
        }
        let (builder, mut next) = (
            self.clone(),
            one_by_one(plan, &plan.attempts, &self.journal),
        );
        let make = move || match builder.made(&next()) {
            Rooted::Plain(job) => job,
            Rooted::Valued(_) => panic!("it is planned without a oneshot"),
        };
        Rooted::Plain(at_most(plan.attempts.len()).job(make))
    }

    pub(super) fn made(&self, plan: &JobPlan) -> Rooted {
        match self.oneshot(plan) {
            Rooted::Valued(job) => Rooted::Valued(self.fill(job, plan)),
            Rooted::Plain(job) => Rooted::Plain(self.fill(job, plan)),
        }
    }

    fn add_tasks<V: ?Sized + Value>(&self, job: &mut Job<V>, plan: &JobPlan) {
        for task in &plan.tasks {
            let name = task.script.name();
            if task.attempts.is_empty() {
                let script = task.script.clone().journal(&self.journal);
                self.optioned(job.add_task(name, script), task);
            } else {
                self.optioned(job.add_task(name, self.restarting(task)), task);
            }
        }
    }

    /// A task with so many attempts as it has.
    fn restarting<V: ?Sized + Value>(&self, task: &TaskPlan) -> impl Task<V, Output = ()> + use<V> {
        let journal = self.journal.clone();
        let mut next = one_by_one(&task.script, &task.attempts, &journal);
        at_most(task.attempts.len()).task(move || next().journal(&journal))
    }

    /// A job with the oneshot of the plan, if there is one.
    fn oneshot(&self, plan: &JobPlan) -> Rooted {
        let job = Job::new(plan.name);
        if let Some(first) = &plan.oneshot_job {
            return match self.made(first) {
                Rooted::Valued(first) => Rooted::Valued(job.add_oneshot_job(first)),
                Rooted::Plain(first) => Rooted::Plain(job.add_oneshot_job(first)),
            };
        }
        match plan.oneshot.clone() {
            Some(first) => {
                Rooted::Valued(job.add_oneshot_task(first.name(), first.journal(&self.journal)))
            }
            None => Rooted::Plain(job),
        }
    }

    /// Adds a job to one that runs. If that is closing, the job has a report too.
    pub(super) fn add_late<V: ?Sized + Value>(&self, handle: &JobHandle<V>, plan: &JobPlan) {
        match self.child(plan) {
            Rooted::Valued(job) => drop(handle.add_job(job)),
            Rooted::Plain(job) => drop(handle.add_job(job)),
        }
    }

    pub(super) fn add_late_task<V: ?Sized + Value>(&self, handle: &JobHandle<V>, task: &TaskPlan) {
        let options = if task.is_spare() {
            TaskOptions::new().optional()
        } else {
            TaskOptions::new()
        };
        let name = task.script.name();
        let Ok(place) = handle.try_place() else {
            return;
        };
        let place = place.options(options);
        if task.attempts.is_empty() {
            let script = task.script.clone().journal(&self.journal);
            let added = place.add_task(name, script);
            let _ = added.map(|handle| self.ask(name, handle));
        } else {
            let added = place.add_task(name, self.restarting(task));
            let _ = added.map(|handle| self.ask(name, handle));
        }
    }

    /// Sets the options of a task that is being added.
    fn optioned<V, T, const FINALIZES: bool>(
        &self,
        mut added: Added<'_, V, T, FINALIZES>,
        task: &TaskPlan,
    ) where
        V: ?Sized + Value,
        T: Task<V, Output = ()>,
    {
        if task.is_spare() {
            added = added.optional();
        }
        if let Some(millis) = task.timeout {
            added = added.timeout(Duration::from_millis(millis));
        }
        if task.is_asked {
            self.ask(task.script.name(), added.handle());
        }
    }

    /// What is told of all jobs and tasks, when each of them has ended; of those that came meanwhile, too.
    pub(super) async fn all_told(&self) -> Told {
        let mut told = Told::default();
        loop {
            let Tellers { reports, values } = mem::take(&mut *self.tellers());
            if reports.is_empty() && values.is_empty() {
                return told;
            }
            told.reports.extend(join_all(reports).await);
            told.values.extend(join_all(values).await);
        }
    }
}
