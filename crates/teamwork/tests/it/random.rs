//! Random jobs through the real driver: jobs in jobs, spawned and inline, stopped, grown and dropped at any moment.
//!
//! What their tasks note is held against the rules by [`verdict`]. `TEAMWORK_SCRIPTS=100000` runs so many scripts. A failure
//! prints its seed and its script; `TEAMWORK_SEED=17` runs that one.

mod plan;
mod verdict;

use std::{
    env, mem,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream::iter};
use teamwork::{Added, Job, JobHandle, Report, Restart, Task, TaskOptions};
use tokio::time::{Instant, timeout, timeout_at};

use self::plan::{JobPlan, Pace, Plan, TaskPlan, What};
use crate::scripted::{Journal, placed, sleep};

fn number<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok()?.parse().ok()
}

/// The seeds to play.
fn seeds(scripts: u64) -> Range<u64> {
    if let Some(seed) = number("TEAMWORK_SEED") {
        return seed..seed + 1;
    }
    let first = number("TEAMWORK_FIRST_SEED").unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let scripts = number("TEAMWORK_SCRIPTS").unwrap_or(scripts);
    println!("{scripts} scripts from seed {first}");
    first..first + scripts
}

type Told = Pin<Box<dyn Future<Output = (&'static str, Arc<Report>)> + Send>>;

/// A job with a oneshot, or one without.
enum Rooted {
    Valued(Job<()>),
    Plain(Job),
}

/// Makes jobs of plans.
#[derive(Clone)]
struct Builder {
    pace: Pace,
    journal: Journal,
    /// Who tells how each job ended.
    told: Arc<Mutex<Vec<Told>>>,
}

/// A value of a job or none, as types.
trait Value: Send + Sync + 'static {}
impl<V: ?Sized + Send + Sync + 'static> Value for V {}

/// So many restarts, one soon after the other.
fn at_most(restarts: usize) -> Restart {
    let soon = Duration::from_millis(1);
    let restarts = u32::try_from(restarts).unwrap();
    Restart::at_most(restarts, Duration::from_secs(3600)).pause(soon, 10 * soon)
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
    fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap()
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
        self.told()
            .push(Box::pin(async move { (name, handle.wait().await) }));
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

    fn made(&self, plan: &JobPlan) -> Rooted {
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
                optioned(job.add_task(name, script), task);
            } else {
                optioned(job.add_task(name, self.restarting(task)), task);
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
    fn add_late<V: ?Sized + Value>(&self, handle: &JobHandle<V>, plan: &JobPlan) {
        match self.child(plan) {
            Rooted::Valued(job) => drop(handle.add_job(job)),
            Rooted::Plain(job) => drop(handle.add_job(job)),
        }
    }

    fn add_late_task<V: ?Sized + Value>(&self, handle: &JobHandle<V>, task: &TaskPlan) {
        let options = if task.is_spare() {
            TaskOptions::new().optional()
        } else {
            TaskOptions::new()
        };
        let name = task.script.name();
        if task.attempts.is_empty() {
            let script = task.script.clone().journal(&self.journal);
            drop(handle.add_task_with(name, script, options));
        } else {
            drop(handle.add_task_with(name, self.restarting(task), options));
        }
    }

    /// The reports of all jobs, when each of them has ended; those that came meanwhile, too.
    async fn all_told(&self) -> Vec<(&'static str, Arc<Report>)> {
        let mut reports = Vec::new();
        loop {
            let told = mem::take(&mut *self.told());
            if told.is_empty() {
                return reports;
            }
            reports.extend(join_all(told).await);
        }
    }
}

/// Sets the options of a task that is being added.
fn optioned<V, T, const FINALIZES: bool>(added: Added<'_, V, T, FINALIZES>, task: &TaskPlan)
where
    V: ?Sized + Value,
    T: Task<V>,
{
    let added = if task.is_spare() {
        added.optional()
    } else {
        added
    };
    if let Some(millis) = task.timeout {
        drop(added.timeout(Duration::from_millis(millis)));
    }
}

async fn play(seed: u64, pace: Pace) {
    let plan = Plan::new(seed, pace);
    let journal = Journal::default();
    let builder = Builder {
        pace,
        journal: journal.clone(),
        told: Arc::default(),
    };
    let ended = match builder.oneshot(&plan.job) {
        Rooted::Valued(valued) => {
            let job = builder.fill(valued, &plan.job);
            follow(&plan, builder, job).await
        }
        Rooted::Plain(plain) => {
            let job = builder.fill(plain, &plan.job);
            follow(&plan, builder, job).await
        }
    };
    let steps = journal.steps();
    sleep(80).await;
    let check = || {
        let reports = ended.expect("the job ends in the time it has");
        assert_eq!(
            journal.steps().len(),
            steps.len(),
            "nothing runs after the end"
        );
        verdict::check(&plan, &steps, &reports);
    };
    if let Err(failed) = catch_unwind(AssertUnwindSafe(check)) {
        println!("{plan:#?}\n{}\nTEAMWORK_SEED={seed}", journal.text());
        resume_unwind(failed);
    }
}

/// Runs a job while what is planned is done to it; gives the reports of all jobs, unless they take too long.
async fn follow<V: ?Sized + Value>(
    plan: &Plan,
    builder: Builder,
    job: Job<V>,
) -> Option<Vec<(&'static str, Arc<Report>)>> {
    let handle = job.handle();
    let mut run = Some(Box::pin(job.run()));
    let began = Instant::now();
    for event in &plan.events {
        let at = began + Duration::from_millis(event.at);
        if let Some(running) = &mut run
            && timeout_at(at, running).await.is_ok()
        {
            run = None;
        }
        tokio::time::sleep_until(at).await;
        match &event.what {
            What::Drain => handle.drain(),
            What::Finish => handle.finish(),
            What::Cancel => handle.cancel("as planned"),
            What::Drop => run = None,
            What::Add(task) => builder.add_late_task(&handle, task),
            What::AddJob(child) => builder.add_late(&handle, child),
        }
    }
    // The last event was a cancel or a drop; after it there are deadlines only. Those of the root hold for the whole tree: one for
    // what was cut and one for finalizers, and a moment for what is given up.
    let most = Duration::from_millis(2 * builder.pace.deadline + 20);
    let rest = async {
        if let Some(run) = run {
            let _ = run.await;
        }
        builder.all_told().await
    };
    timeout(most, rest).await.ok()
}

#[tokio::test(start_paused = true)]
async fn random_jobs_keep_the_rules() {
    let pace = Pace {
        deadline: 320,
        finalizers_hang: true,
    };
    for seed in seeds(1_000) {
        play(seed, pace).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_jobs_keep_the_rules_on_several_threads() {
    // Time is real here, and nobody is to be late because the machine is busy.
    let pace = Pace {
        deadline: 16_000,
        finalizers_hang: false,
    };
    let scripts = iter(seeds(100)).map(|seed| play(seed, pace));
    scripts.buffer_unordered(50).collect::<()>().await;
}
