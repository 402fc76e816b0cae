//! What blocks a thread, and what outlives its runtime. These run on real threads and real time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use teamwork::{Context, Flow, Job, Outcome, Result, Routine, Task, TaskOutcome};
use tokio::runtime::{Builder, Runtime};

use crate::scripted::{Do, Journal, assert_ends, is_pending, job, outcomes, placed, sleep, waits};

/// Blocks its thread in one of its routines, until the flag is up.
struct Blocks {
    until: Arc<AtomicBool>,
    within: Routine,
    journal: Journal,
}

impl Blocks {
    /// Blocks in its run.
    fn new(until: &Raise, journal: &Journal) -> Self {
        Self {
            until: until.0.clone(),
            within: Routine::Run,
            journal: journal.clone(),
        }
    }

    fn call(&self, routine: Routine) {
        self.journal.note(format!("{routine} blocks"));
        while routine == self.within && !self.until.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
}

/// Adds a task that fails once another one has noted this.
fn add_failing_after(job: &mut Job, step: &'static str, journal: &Journal) {
    let journal = journal.clone();
    job.add_fn("b", async move |_: &Context| -> Result {
        // Not by `yield_now`: the task would then wait in the one place of a worker that others cannot steal from, and that worker may
        // be the one that blocks.
        while !journal.steps().iter().any(|noted| noted == step) {
            sleep(1).await;
        }
        Err("b failed".into())
    });
}

impl Task for Blocks {
    type Output = ();

    async fn init(&mut self, _: &Context) -> Result {
        self.call(Routine::Init);
        Ok(())
    }

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        self.call(Routine::Run);
        Ok(Flow::Done(()))
    }

    async fn finalize(&mut self, _: &Context) -> Result {
        self.call(Routine::Finalize);
        Ok(())
    }
}

/// Raises the flag even if the test fails, so that the runtime can go.
struct Raise(Arc<AtomicBool>);

impl Drop for Raise {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_blocks_its_thread_is_given_up_and_named() {
    let raise = Raise(Arc::default());
    let journal = Journal::default();
    let mut job = Job::new("test");
    job.add_task("a", waits("a").journal(&journal));
    job.add_task("blocks", Blocks::new(&raise, &journal));
    add_failing_after(&mut job, "run blocks", &journal);
    let job = job.finalizer_deadline(Duration::from_millis(50));
    let failure = job.run().await.unwrap_err();
    assert_eq!(failure.cause().task(), Some("b"));
    assert_eq!(
        outcomes(failure.report()),
        "a cut · blocks leaked in run · b failed"
    );
    assert_ends(&journal, "fin a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_whose_run_blocks_its_thread_is_given_up_and_named() {
    for inline in [true, false] {
        let raise = Raise(Arc::default());
        let journal = Journal::default();
        let mut child = Job::new("child");
        child.add_task("c", waits("c").journal(&journal));
        child.add_task("blocks", Blocks::new(&raise, &journal));
        let mut middle = Job::new("middle");
        middle.add_task("m", waits("m").journal(&journal));
        middle.add_job(placed(child, inline));
        let mut parent = Job::new("parent");
        parent.add_task("a", waits("a").journal(&journal));
        parent.add_job(middle.inline());
        add_failing_after(&mut parent, "run blocks", &journal);
        let parent = parent.finalizer_deadline(Duration::from_millis(50));
        let failure = parent.run().await.unwrap_err();
        let told = outcomes(failure.report());
        let expected = "a cut · middle leaked in run · b failed";
        assert_eq!(told, expected, "inline: {inline}");
        assert_ends(&journal, "fin a");
    }
}

/// Looks in its finalizer what has become of "late".
struct Looks(Journal);

impl Task for Looks {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        std::future::pending().await
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        let now = cx.job().snapshot().await;
        let late = now.tasks.iter().find(|task| task.name == "late");
        let doing = late.map(|task| task.doing.to_string());
        self.0.note(doing.ok_or("it is listed")?);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_given_up_is_named_with_the_routine_that_it_was_in() {
    for within in [Routine::Init, Routine::Run, Routine::Finalize] {
        let raise = Raise(Arc::default());
        let journal = Journal::default();
        let mut blocks = Blocks::new(&raise, &journal);
        blocks.within = within;
        let mut job = Job::new("test");
        job.add_task("looks", Looks(journal.clone()));
        job.add_fn("adds", async move |cx: &Context| {
            cx.job().add_task("late", blocks)?;
            Ok(())
        });
        let step = match within {
            Routine::Init => "init blocks",
            Routine::Run => "run blocks",
            Routine::Finalize => "finalize blocks",
        };
        add_failing_after(&mut job, step, &journal);
        // "looks" has half of it, of real time, for its look.
        let job = job.finalizer_deadline(Duration::from_secs(1));
        let failure = job.run().await.unwrap_err();
        let late = failure.report().task("late").unwrap().outcome;
        assert_eq!(late, TaskOutcome::Leaked(within));
        // Its driver has not come out of that routine; it is shown as what it is all the same.
        assert_eq!(journal.steps().last(), Some(&late.to_string()));
    }
}

/// Counts how many of it there are.
struct Counted {
    _alive: Arc<()>,
    until: Arc<AtomicBool>,
    journal: Journal,
}

impl Task for Counted {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        self.journal.note("run counted");
        while !self.until.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        Ok(Flow::Tick)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_was_given_up_is_dropped_when_it_ends_after_all() {
    let raise = Raise(Arc::default());
    let alive = Arc::new(());
    let journal = Journal::default();
    let mut job = Job::new("test");
    job.add_task(
        "blocks",
        Counted {
            _alive: alive.clone(),
            until: raise.0.clone(),
            journal: journal.clone(),
        },
    );
    add_failing_after(&mut job, "run counted", &journal);
    let job = job.finalizer_deadline(Duration::from_millis(50));
    let failure = job.run().await.unwrap_err();
    let leaked = failure.report().task("blocks").unwrap().outcome;
    assert_eq!(leaked, TaskOutcome::Leaked(Routine::Run));
    drop(raise);
    // Bounded by the time that a test may take: it must go away once its run returns.
    while Arc::strong_count(&alive) > 1 {
        tokio::task::yield_now().await;
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_job_whose_runtime_is_dropped_has_a_report_and_hangs_nobody() {
    for inline in [false, true] {
        for workers in [0, 2] {
            let (mut job, _) = job([waits("a")]);
            let mut child = Job::new("child");
            child.add_task("c", waits("c"));
            job.add_job(placed(child, inline));
            let first = match workers {
                0 => runtime(),
                _ => Builder::new_multi_thread()
                    .worker_threads(workers)
                    .enable_time()
                    .build()
                    .unwrap(),
            };
            let handle = first
                .block_on(placed(job, inline).run_in_background())
                .unwrap();
            drop(first);
            let report = runtime().block_on(handle.wait());
            assert_eq!(report.outcome(), Outcome::Cancelled);
            assert_eq!(outcomes(&report), "a leaked in run · child leaked in run");
            assert!(handle.is_ended());
            assert!(handle.add_task("late", waits("late")).is_err());
        }
    }
}

#[test]
fn a_job_that_is_dropped_outside_its_runtime_has_a_report_too_and_does_not_run_on() {
    for inline in [false, true] {
        for (init, says) in [
            (Do::Nothing, "a leaked in run · b leaked in run"),
            (Do::Hang, "a leaked in init · b never started"),
        ] {
            let (mut job, _) = job([waits("a").init(init)]);
            let alive = Arc::new(());
            let held = alive.clone();
            job.add_future("b", async move {
                std::future::pending::<()>().await;
                drop(held);
                Ok(())
            });
            let handle = job.handle();
            let first = runtime();
            let mut run = Box::pin(placed(job, inline).run());
            first.block_on(async {
                assert!(is_pending(&mut run).await);
                tokio::task::yield_now().await;
            });
            drop(run);
            let report = runtime().block_on(handle.wait());
            assert_eq!(report.outcome(), Outcome::Cancelled);
            assert_eq!(outcomes(&report), says);
            first.block_on(async {
                // Bounded by the time that a test may take: it is cut where it is.
                while Arc::strong_count(&alive) > 1 {
                    tokio::task::yield_now().await;
                }
            });
        }
    }
}
