//! Plays a plan: builds its job, runs it, does to it what is planned, and has the verdict on it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::future::{Either, join, select};
use teamwork::{Job, JobHandle};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};

use super::{
    build::{Builder, Rooted, Told, Value},
    plan::{Pace, Plan, What},
    verdict,
};
use crate::scripted::{Journal, sleep};

/// Something that goes on beside the job.
pub(super) type Act = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where what goes on beside the job runs: gives what to wait for.
pub(super) type Beside = fn(Act) -> Act;

pub(super) async fn play(seed: u64, pace: Pace, beside: Beside) {
    let plan = Arc::new(Plan::new(seed, pace));
    let journal = Journal::default();
    let builder = Builder::new(pace, &journal);
    let ended = match builder.made(&plan.job) {
        Rooted::Valued(job) => follow(&plan, &builder, job, beside).await,
        Rooted::Plain(job) => follow(&plan, &builder, job, beside).await,
    };
    let steps = journal.steps();
    sleep(80).await;
    let check = || {
        let told = ended.expect("the job ends in the time it has");
        let now = journal.steps().len();
        assert_eq!(now, steps.len(), "nothing runs after the end");
        verdict::check(&plan, &steps, &told);
    };
    if let Err(failed) = catch_unwind(AssertUnwindSafe(check)) {
        println!("{plan:#?}\n{}\nTEAMWORK_SEED={seed}", journal.text());
        resume_unwind(failed);
    }
}

/// Runs a job while what is planned is done to it; gives what is told of the end, unless that takes too long.
async fn follow<V: ?Sized + Value>(
    plan: &Arc<Plan>,
    builder: &Builder,
    job: Job<V>,
    beside: Beside,
) -> Option<Told> {
    let (plan, acting, handle) = (plan.clone(), builder.clone(), job.handle());
    let dropped = Arc::new(Notify::new());
    let drops = dropped.clone();
    let began = Instant::now();
    let last = plan.events.last().map_or(0, |event| event.at);
    let done = beside(Box::pin(async move {
        for event in &plan.events {
            sleep_until(began + Duration::from_millis(event.at)).await;
            act(&event.what, &handle, &acting, &drops);
        }
    }));
    // The last event is a cancel or a drop; after it there are deadlines only. Those of the root hold for the whole tree: one for
    // what was cut and one for finalizers, and a moment for what is given up.
    let most = Duration::from_millis(last + 2 * builder.pace.deadline + 20);
    let run = async {
        let (run, dropped) = (Box::pin(job.run()), Box::pin(dropped.notified()));
        // What is left of the job is dropped here.
        let (Either::Left(_) | Either::Right(_)) = select(run, dropped).await;
    };
    let rest = async {
        join(run, done).await;
        builder.all_told().await
    };
    timeout(most, rest).await.ok()
}

fn act<V: ?Sized + Value>(what: &What, handle: &JobHandle<V>, builder: &Builder, drops: &Notify) {
    match what {
        What::Drain => handle.drain(),
        What::Finish => handle.finish(),
        What::Cancel => handle.cancel("as planned"),
        What::Drop => drops.notify_one(),
        What::Add(task) => builder.add_late_task(handle, task),
        What::AddJob(child) => builder.add_late(handle, child),
    }
}
