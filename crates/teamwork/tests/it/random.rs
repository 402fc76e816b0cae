//! Random jobs through the real driver: jobs in jobs, spawned and inline, stopped, grown and dropped at any moment.
//!
//! What their tasks note is held against the rules by [`verdict`]. `TEAMWORK_SCRIPTS=100000` runs so many scripts. A failure
//! prints its seed and its script; `TEAMWORK_SEED=17` runs that one.

mod plan;
mod verdict;

use std::{
    env,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream::iter};
use teamwork::{Job, JobHandle, Report, TaskOptions};
use tokio::time::{Instant, timeout, timeout_at};

use self::plan::{JobPlan, Pace, Plan, What, is_spare};
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

type Told = Pin<Box<dyn Future<Output = (&'static str, Arc<Report>)>>>;

/// A job with a oneshot, or one without.
enum Rooted {
    Valued(Job<()>),
    Plain(Job),
}

/// Makes jobs of plans.
struct Builder {
    pace: Pace,
    journal: Journal,
    /// Who tells how each job ended.
    told: Vec<Told>,
}

/// A value of a job or none, as types.
trait Value: Send + Sync + 'static {}
impl<V: ?Sized + Send + Sync + 'static> Value for V {}

impl Builder {
    fn fill<V: ?Sized + Value>(&mut self, mut job: Job<V>, plan: &JobPlan) -> Job<V> {
        if plan.is_parent_first {
            self.add_tasks(&mut job, plan);
        }
        for child in &plan.children {
            match self.oneshot(child) {
                Rooted::Valued(valued) => job.add_job(self.fill(valued, child)),
                Rooted::Plain(plain) => job.add_job(self.fill(plain, child)),
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
        self.told
            .push(Box::pin(async move { (name, handle.wait().await) }));
        let deadline = Duration::from_millis(self.pace.deadline);
        placed(job, plan.inline)
            .grace(Duration::from_millis(20))
            .finalizer_deadline(deadline)
    }

    fn add_tasks<V: ?Sized + Value>(&self, job: &mut Job<V>, plan: &JobPlan) {
        for task in &plan.tasks {
            let script = task.script.clone().journal(&self.journal);
            let added = job.add_task(script.name(), script);
            let added = if task.is_spare() {
                added.optional()
            } else {
                added
            };
            if let Some(millis) = task.timeout {
                drop(added.timeout(Duration::from_millis(millis)));
            }
        }
    }

    /// A job with the oneshot of the plan, if there is one.
    fn oneshot(&mut self, plan: &JobPlan) -> Rooted {
        let job = Job::new(plan.name);
        if let Some(first) = &plan.oneshot_job {
            return match self.oneshot(first) {
                Rooted::Valued(valued) => {
                    Rooted::Valued(job.add_oneshot_job(self.fill(valued, first)))
                }
                Rooted::Plain(plain) => Rooted::Plain(job.add_oneshot_job(self.fill(plain, first))),
            };
        }
        match plan.oneshot.clone() {
            Some(first) => {
                Rooted::Valued(job.add_oneshot_task(first.name(), first.journal(&self.journal)))
            }
            None => Rooted::Plain(job),
        }
    }

    /// Adds a job to one that runs; if that is closing, nobody will tell of it.
    fn add_late<V: ?Sized + Value>(&mut self, handle: &JobHandle<V>, plan: &JobPlan) {
        let before = self.told.len();
        let is_added = match self.oneshot(plan) {
            Rooted::Valued(valued) => handle.add_job(self.fill(valued, plan)).is_ok(),
            Rooted::Plain(plain) => handle.add_job(self.fill(plain, plan)).is_ok(),
        };
        if !is_added {
            self.told.truncate(before);
        }
    }
}

async fn play(seed: u64, pace: Pace) {
    let plan = Plan::new(seed, pace);
    let journal = Journal::default();
    let mut builder = Builder {
        pace,
        journal: journal.clone(),
        told: Vec::new(),
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
        verdict::check(&steps, &reports);
    };
    if let Err(failed) = catch_unwind(AssertUnwindSafe(check)) {
        println!("{plan:#?}\n{}\nTEAMWORK_SEED={seed}", journal.text());
        resume_unwind(failed);
    }
}

/// Runs a job while what is planned is done to it; gives the reports of all jobs, unless they take too long.
async fn follow<V: ?Sized + Value>(
    plan: &Plan,
    mut builder: Builder,
    job: Job<V>,
) -> Option<Vec<(&'static str, Arc<Report>)>> {
    let (handle, journal) = (job.handle(), builder.journal.clone());
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
            What::Add(script) => {
                let options = if is_spare(script.name()) {
                    TaskOptions::new().optional()
                } else {
                    TaskOptions::new()
                };
                let script = script.clone().journal(&journal);
                drop(handle.add_task_with(script.name(), script, options));
            }
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
        join_all(builder.told).await
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
