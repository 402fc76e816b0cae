//! The bounded pool for work that keeps a core busy. Calls block until the test lets them go.

use std::{num::NonZero, sync::mpsc, time::Duration};

use teamwork::{BlockingPool, Full, Job, JobHandle, Outcome, PoolError, StopFlag};
use tokio::sync::oneshot;

use crate::scripted::{is_pending, outcomes};

/// A pool of so many threads and waiting places.
fn pool(threads: usize, queue: usize) -> BlockingPool {
    BlockingPool::new(NonZero::new(threads).unwrap(), queue)
}

/// A call that says when it has begun, and returns once the sender is dropped.
fn held() -> (impl FnOnce(), oneshot::Receiver<()>, mpsc::Sender<()>) {
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = mpsc::channel();
    let call = move || {
        let _ = begun.send(());
        let _ = released.recv();
    };
    (call, has_begun, release)
}

#[tokio::test]
async fn a_pool_runs_so_many_calls_lets_so_many_wait_and_refuses_the_rest() {
    let pool = pool(1, 1);
    let (call, has_begun, release) = held();
    let first = pool.try_run(move |_| call()).unwrap();
    let second = pool.try_run(|_| 2).unwrap();
    assert_eq!(pool.try_run(|_| 3).err(), Some(Full));
    let look = async {
        has_begun.await.unwrap();
        assert_eq!((pool.busy(), pool.queued()), (1, 1));
        assert_eq!(pool.try_run(|_| 4).err(), Some(Full));
        drop(release);
    };
    let (first, second, ()) = tokio::join!(first, second, look);
    assert_eq!((first.unwrap(), second.unwrap()), ((), 2));
    assert_eq!((pool.busy(), pool.queued()), (0, 0));
    assert_eq!(pool.try_run(|_| 5).unwrap().await.unwrap(), 5);
}

#[tokio::test]
async fn a_call_that_waits_for_a_place_gets_it() {
    let pool = pool(1, 0);
    let (call, has_begun, release) = held();
    let first = pool.run(move |_| call());
    let second = async {
        has_begun.await.unwrap();
        let (second, ()) = tokio::join!(pool.run(|_| 2), async { drop(release) });
        second.unwrap()
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.unwrap(), second), ((), 2));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_asked_to_stop() {
    let pool = pool(1, 0);
    let (begun, has_begun) = oneshot::channel();
    let (stopped, was_stopped) = oneshot::channel();
    let mut call = Box::pin(pool.run(move |stop| {
        let _ = begun.send(());
        while !stop.is_stopped() {
            std::thread::yield_now();
        }
        let _ = stopped.send(());
    }));
    tokio::select! {
        _ = &mut call => panic!("it ends when it is stopped"),
        begun = has_begun => begun.unwrap(),
    }
    drop(call);
    was_stopped.await.unwrap();
    // Its place is free once it has ended.
    assert_eq!(pool.run(|_| 2).await.unwrap(), 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_before_it_begins_is_never_made() {
    let pool = pool(1, 1);
    let (call, has_begun, release) = held();
    let first = pool.run(move |_| call());
    let look = async {
        has_begun.await.unwrap();
        let mut second = Box::pin(pool.try_run(|_| panic!("it was dropped")).unwrap());
        assert!(is_pending(&mut second).await);
        assert_eq!(pool.queued(), 1);
        drop(second);
        assert_eq!(pool.queued(), 0);
        drop(release);
    };
    let (first, ()) = tokio::join!(first, look);
    first.unwrap();
}

#[tokio::test]
async fn a_call_that_panics_says_so_and_gives_its_place_back() {
    let pool = pool(1, 0);
    let error = pool.run(|_| panic!("bad picture")).await.unwrap_err();
    assert!(matches!(&error, PoolError::Panicked(_)));
    assert_eq!(error.to_string(), "the call panicked: bad picture");
    assert_eq!(pool.run(|_| 2).await.unwrap(), 2);
}

/// A call that runs until it is asked to end, and says when it has begun and that it has ended.
fn diligent(
    begun: oneshot::Sender<()>,
    ended: mpsc::Sender<()>,
) -> impl FnOnce(&StopFlag) -> teamwork::Result<u32> {
    move |stop| {
        let _ = begun.send(());
        while !stop.is_stopped() {
            std::thread::yield_now();
        }
        ended.send(())?;
        Ok(7)
    }
}

#[tokio::test]
async fn a_call_that_is_a_task_is_asked_to_end_when_the_job_stops_and_is_waited_for() {
    for (cancels, says) in [(false, "call done"), (true, "call cut")] {
        for inline in [false, true] {
            let (begun, has_begun) = oneshot::channel();
            let (ended, has_ended) = mpsc::channel();
            let mut job = Job::new("test");
            job.add_task("call", pool(1, 0).task(diligent(begun, ended)));
            let handle: JobHandle = job.handle();
            let stop = async {
                has_begun.await.unwrap();
                if cancels {
                    handle.cancel("enough");
                } else {
                    handle.finish();
                }
            };
            let (ended, ()) = tokio::join!(crate::scripted::placed(job, inline).run(), stop);
            let report = ended.unwrap_or_else(|failure| failure.report().clone());
            assert_eq!(outcomes(&report), says);
            assert!(
                has_ended.try_recv().is_ok(),
                "the call has ended before the job"
            );
        }
    }
}

#[tokio::test]
async fn a_call_that_does_not_end_is_reported_by_name() {
    let (call, has_begun, release) = held();
    let mut job = Job::new("test");
    let hold = move |_: &StopFlag| {
        call();
        Ok(())
    };
    job.add_task("stubborn", pool(1, 0).task(hold));
    let job = job.finalizer_deadline(Duration::from_millis(20));
    let handle = job.handle();
    let stop = async {
        has_begun.await.unwrap();
        handle.cancel("enough");
    };
    let (ended, ()) = tokio::join!(job.run(), stop);
    let failure = ended.unwrap_err();
    let leaked: Vec<_> = failure.report().leaked().map(|task| task.name).collect();
    assert_eq!(leaked, ["stubborn"]);
    drop(release);
}

#[tokio::test]
async fn a_panic_in_a_call_is_a_panic_of_its_task() {
    let mut job = Job::new("test");
    let call = |_: &StopFlag| -> teamwork::Result { std::panic::resume_unwind(Box::new("boom")) };
    job.add_task("call", pool(1, 0).task(call));
    let failure = job.run().await.unwrap_err();
    assert_eq!(outcomes(failure.report()), "call panicked");
    assert!(failure.to_string().contains("boom"), "{failure}");
    assert_eq!(failure.report().outcome(), Outcome::Failed);
}
