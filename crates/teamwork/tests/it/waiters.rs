//! Any number may wait for the end of a task or of a job: the value of a task has one taker, its end has not.

use std::{error::Error, fmt, num::ParseIntError, sync::Arc, time::Duration};

use futures_util::future::join_all;
use teamwork::{Context, Job, Result, TaskError, TaskHandle};
use tokio::time::timeout;

use crate::scripted::{Do, hangs, is_pending, ok, placed, run_with, sleep, task, waits};

/// A job of ten tasks that wait for the end of one, and of those who do so from outside.
async fn ends<T: Send + 'static>(
    (mut job, handle): (Job, TaskHandle<T>),
    inline: bool,
) -> (TaskHandle<T>, Vec<Result<(), TaskError>>) {
    let mut told = Vec::new();
    for _ in 0..10 {
        let end = handle.wait();
        let waiter = job.add_fn("waiter", async move |cx: &Context| Ok(cx.wait(end).await));
        told.push(waiter.handle());
    }
    let outside = join_all((0..10).map(|_| handle.wait()));
    let (_, outside) = tokio::join!(placed(job, inline).run(), outside);
    let mut ends = outside;
    for told in join_all(told).await {
        // One that was cut beside the task has not come to say how that ended.
        ends.extend(told.ok());
    }
    (handle, ends)
}

#[tokio::test(start_paused = true)]
async fn any_number_wait_for_the_end_of_a_task_and_one_takes_the_value() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let seven = job.add_fn("seven", async |_: &Context| {
            sleep(5).await;
            Ok(Box::new(7))
        });
        let seven = seven.handle();
        let (mut handle, told) = ends((job, seven), inline).await;
        assert_eq!(told.len(), 20);
        assert!(told.iter().all(Result::is_ok));
        assert_eq!(*(&mut handle).await.unwrap(), 7);
        assert!(handle.wait().await.is_ok(), "it ended well all the same");
        assert!(matches!((&mut handle).await, Err(TaskError::Taken)));
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_them_learn_why_a_task_has_no_value() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let fails = job.add_task("a", task("a", [Do::Sleep(5), Do::Fail]));
        let fails = fails.handle();
        let (mut handle, told) = ends((job, fails), inline).await;
        assert!(told.len() >= 10);
        let again = [handle.wait().await, (&mut handle).await, handle.await];
        for end in told.into_iter().chain(again) {
            let Err(TaskError::Failed(Some(cause))) = end else {
                panic!("{end:?}")
            };
            assert_eq!(cause.to_string(), "a: a failed");
        }

        let mut job = Job::new("test");
        let stopped = job.add_task("a", waits("a")).handle();
        job.add_task("b", task("b", [Do::Sleep(5), Do::FinishJob]));
        let (_, told) = ends((job, stopped), inline).await;
        let is_stopped = |end: &Result<(), TaskError>| matches!(end, Err(TaskError::Stopped));
        assert!(told.iter().all(is_stopped), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_task_that_was_added_late_is_waited_for_likewise() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("adds", async |cx: &Context| {
            let place = cx.job().place().await.ok_or("it is open")?;
            let slow = place.add_task("slow", task("slow", [Do::Sleep(5), Do::Done]))?;
            let failing = cx.job().add_task("hangs", hangs("hangs"))?;
            let waiters = (0..10).map(|_| slow.wait());
            assert!(join_all(waiters).await.iter().all(Result::is_ok));
            cx.job().cancel("enough");
            let waiters = (0..10).map(|_| failing.wait());
            assert!(join_all(waiters).await.iter().all(Result::is_err));
            Ok(())
        });
        let ended = timeout(Duration::from_secs(60), placed(job, inline).run()).await;
        assert!(ended.expect("it ends").unwrap_err().is_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_for_an_end_leaves_nothing_behind() {
    let mut job = Job::new("test");
    let handle = job
        .add_task("a", task("a", [Do::Sleep(5), Do::Done]))
        .handle();
    let kept = Arc::new(());
    for _ in 0..1000 {
        let kept = kept.clone();
        let mut waits = Box::pin(async {
            let _kept = kept;
            handle.wait().await
        });
        assert!(is_pending(&mut waits).await);
    }
    assert_eq!(Arc::strong_count(&kept), 1);
    let mut left = Box::pin(handle.wait());
    assert!(is_pending(&mut left).await);
    job.run().await.unwrap();
    assert!(left.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn any_number_wait_for_the_end_of_a_child() {
    for inline in [false, true] {
        for child_inline in [false, true] {
            let mut child = Job::new("child");
            child.add_task("c", ok("c").finalize(Do::Sleep(50)));
            let handles = vec![child.handle(); 10];
            let mut job = Job::new("test");
            job.add_job(placed(child, child_inline));
            let result = run_with(job, inline, async |_| {
                let reports = join_all(handles.iter().map(|handle| handle.wait())).await;
                assert!(reports.iter().all(|report| report.task("c").is_some()));
            });
            result.await.unwrap();
        }
    }
}

/// An error with a source.
#[derive(Debug)]
struct Broken(ParseIntError);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read the length")
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn the_source_of_a_missing_value_is_that_of_its_cause_at_all_levels() {
    let mut child = Job::new("child");
    let read = child.add_fn("read", async |_: &Context| {
        Ok("x".parse::<u8>().map_err(Broken)?)
    });
    let read = read.handle();
    let mut job = Job::new("test");
    job.add_job(child);
    let failure = job.run().await.unwrap_err();
    let error = read.await.unwrap_err();
    for source in [error.source(), failure.source()] {
        assert!(source.unwrap().is::<ParseIntError>());
    }
    assert!(failure.cause().downcast_ref::<Broken>().is_some());
}

/// (Threads race here, so it is on real time.)
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_waiter_misses_an_end_that_comes_while_it_looks() {
    for _ in 0..500 {
        let mut job = Job::new("test");
        let end = job.add_fn("ends", async |_: &Context| {
            tokio::task::yield_now().await;
            Ok(7)
        });
        let end = end.handle();
        for _ in 0..4 {
            let end = end.wait();
            job.add_fn("waits", async move |_: &Context| Ok(end.await?));
        }
        let ended = timeout(Duration::from_secs(60), job.run()).await;
        assert!(ended.expect("nobody waits for ever").is_ok());
        assert_eq!(end.await.unwrap(), 7);
    }
}
