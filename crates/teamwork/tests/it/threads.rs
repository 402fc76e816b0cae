//! Jobs on threads of their own: rule 13.

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use teamwork::{BlockingPool, By, CauseKind, Context, Job, Outcome, StopFlag};
use tokio::sync::oneshot;

use crate::scripted::outcomes;

/// A job that says on which thread it runs, then waits for its end.
fn resident(name: &'static str, says: mpsc::Sender<(&'static str, thread::ThreadId)>) -> Job {
    let mut job = Job::new(name).on_own_thread();
    job.add_fn("say", async move |cx: &Context| {
        says.send((name, thread::current().id()))?;
        cx.wait(std::future::pending::<()>()).await;
        Ok(())
    });
    job
}

#[tokio::test]
async fn each_child_has_its_thread_and_finishes_with_its_parent() {
    for inline in [false, true] {
        let (says, said) = mpsc::channel();
        let mut parent = Job::new("parent");
        parent.add_job(resident("a", says.clone()));
        parent.add_job(resident("b", says));
        let parent = if inline { parent.inline() } else { parent };
        let handle = parent.handle();
        let run = parent.run();
        let finish = async {
            let heard = tokio::task::yield_now;
            let mut threads = vec![thread::current().id()];
            while threads.len() < 3 {
                heard().await;
                threads.extend(said.try_recv().map(|(_, thread)| thread));
            }
            handle.finish();
            threads
        };
        let (report, mut threads) = tokio::join!(run, finish);
        threads.dedup();
        assert_eq!(threads.len(), 3, "three different threads");
        assert_eq!(outcomes(&report.unwrap()), "a done · b done");
    }
}

#[tokio::test]
async fn a_failure_on_another_thread_cancels_the_siblings_there_and_here() {
    let (says, _said) = mpsc::channel();
    let mut parent = Job::new("parent");
    parent.add_job(resident("waits", says));
    let mut fails = Job::new("fails").on_own_thread();
    fails.add_fn("soon", async |_: &Context| -> teamwork::Result {
        Err("out of luck".into())
    });
    parent.add_job(fails);
    let failure = parent.run().await.unwrap_err();
    assert_eq!(failure.to_string(), "job parent: fails: soon: out of luck");
    assert_eq!(outcomes(failure.report()), "waits cut · fails failed");
}

#[tokio::test]
async fn a_parent_that_is_dropped_cancels_the_thread() {
    let (ended, has_ended) = oneshot::channel();
    let (begun, has_begun) = oneshot::channel();
    let mut child = Job::new("child").on_own_thread();
    child.add_task(
        "wait",
        Waits {
            begun: Some(begun),
            ended: Some(ended),
        },
    );
    let mut parent = Job::new("parent").inline();
    parent.add_job(child);
    tokio::select! {
        _ = parent.run() => panic!("it waits for its end"),
        begun = has_begun => begun.unwrap(),
    }
    let cause = has_ended.await.unwrap();
    assert!(
        matches!(cause, CauseKind::Cancelled { by: By::Parent, .. }),
        "{cause:?}"
    );
}

/// Waits for its end, and tells why it came.
struct Waits {
    begun: Option<oneshot::Sender<()>>,
    ended: Option<oneshot::Sender<CauseKind>>,
}

impl teamwork::Task for Waits {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<teamwork::Flow> {
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(());
        }
        cx.wait(std::future::pending::<()>()).await;
        Ok(teamwork::Flow::Tick)
    }

    async fn finalize(&mut self, cx: &Context) -> teamwork::Result {
        // Takes its time, on a clock of its own thread.
        tokio::time::sleep(Duration::from_millis(1)).await;
        if let (Some(ended), Some(cause)) = (self.ended.take(), cx.cause()) {
            let _ = ended.send(cause.kind().clone());
        }
        Ok(())
    }
}

#[tokio::test]
async fn outside_of_a_job_it_runs_where_it_is_awaited() {
    let here = thread::current().id();
    let mut job = Job::new("alone").on_own_thread();
    job.add_fn("look", async move |_: &Context| {
        teamwork::ensure!(thread::current().id() == here, "elsewhere");
        Ok(())
    });
    assert_eq!(job.run().await.unwrap().outcome(), Outcome::Done);
}

/// A call that does not end until it is let go, and a task that fails once it has begun.
fn stuck(released: mpsc::Receiver<()>) -> Job {
    let (begun, has_begun) = oneshot::channel();
    let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
    let stuck = pool.task(move |_| {
        let _ = begun.send(());
        let _ = released.recv();
        Ok(())
    });
    let mut job = Job::new("child").isolated();
    job.add_task("stuck", stuck);
    job.add_fn("fails", async move |_: &Context| -> teamwork::Result {
        has_begun.await?;
        Err("out of luck".into())
    });
    job.finalizer_deadline(Duration::from_millis(20))
}

#[tokio::test]
async fn a_call_that_is_stuck_on_the_threads_runtime_does_not_hold_up_the_parent() {
    let (release, released) = mpsc::channel::<()>();
    let mut parent = Job::new("parent");
    parent.add_job(stuck(released).on_own_thread());
    // Nothing stops the parent, so nothing but the end of the child ends it.
    let report = parent.run().await.unwrap();
    assert_eq!(outcomes(&report), "child failed");
    let child = report.jobs().next().unwrap();
    assert_eq!(outcomes(child), "stuck leaked in finalize · fails failed");
    drop(release);
}

#[tokio::test]
async fn nor_does_one_that_was_given_up_further_below() {
    let (release, released) = mpsc::channel::<()>();
    let mut middle = Job::new("middle").on_own_thread();
    middle.add_job(stuck(released));
    let mut parent = Job::new("parent");
    parent.add_job(middle.finalizer_deadline(Duration::from_secs(3600)));
    let report = parent.run().await.unwrap();
    assert_eq!(outcomes(&report), "middle done");
    let middle = report.jobs().next().unwrap();
    assert_eq!(outcomes(middle), "child failed");
    drop(release);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_has_ended_when_the_thread_has() {
    let has_ended = Arc::new(AtomicBool::new(false));
    let told = has_ended.clone();
    let (begun, has_begun) = oneshot::channel();
    let mut child = Job::new("child").on_own_thread();
    child.add_fn("gives up", async move |_: &Context| {
        let pool = BlockingPool::new(NonZero::<usize>::MIN, 0);
        let call = pool.run(move |stop: &StopFlag| {
            let _ = begun.send(());
            while !stop.is_stopped() {
                thread::yield_now();
            }
            // It goes on for a while.
            let (_never, waits) = mpsc::channel::<()>();
            let _ = waits.recv_timeout(Duration::from_millis(50));
            told.store(true, Ordering::Relaxed);
        });
        tokio::select! {
            _ = call => {}
            _ = has_begun => {}
        }
        Ok(())
    });
    let mut parent = Job::new("parent");
    parent.add_job(child);
    parent.run().await.unwrap();
    assert!(has_ended.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_name_that_no_thread_can_have_is_one_that_a_job_can() {
    let mut child = Job::new("nul \0 in it").on_own_thread();
    child.add_fn("look", async |_: &Context| Ok(()));
    let mut parent = Job::new("parent");
    parent.add_job(child);
    let report = parent.run().await.unwrap();
    assert_eq!(outcomes(&report), "nul \0 in it done");
}
