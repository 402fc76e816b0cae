//! Tasks that a job does not accept, and when it does: rule 11.

use std::sync::{Arc, OnceLock};

use teamwork::{Context, Flow, Job, JobHandle, Result, Task, Why};

use crate::scripted::{Do, fails, job, ok, outcomes, placed, run_with, sleep, task, waits};

/// What a job says to one more task.
fn offer(handle: &JobHandle) -> Result<(), (Why, &'static str)> {
    let added = handle.add_task("late", ok("late"));
    added
        .map(drop)
        .map_err(|refused| (refused.why, refused.task.name()))
}

#[tokio::test(start_paused = true)]
async fn a_closing_job_gives_a_task_back() {
    let stops: [fn(&JobHandle); 3] = [JobHandle::drain, JobHandle::finish, |handle| {
        handle.cancel("");
    }];
    for inline in [false, true] {
        for stop in stops {
            let (job, journal) =
                job([task("a", [Do::Sleep(50), Do::Done]).finalize(Do::Sleep(50))]);
            let after = job.handle();
            let result = run_with(job, inline, async |handle| {
                sleep(10).await;
                stop(&handle);
                assert_eq!(offer(&handle), Err((Why::Closed, "late")), "at once");
                assert!(!handle.room().await);
                sleep(10).await;
                assert_eq!(offer(&handle), Err((Why::Closed, "late")), "while it stops");
            });
            let _ = result.await;
            assert_eq!(offer(&after), Err((Why::Closed, "late")), "after the end");
            assert!(after.add_job(Job::new("late")).is_err());
            assert!(!journal.text().contains("late"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_by_itself_is_closed_before_its_last_finalizer() {
    for inline in [false, true] {
        let oneshot = ok("first").finalize(Do::Sleep(50));
        let mut job = Job::new("test").add_oneshot_task("first", oneshot);
        job.add_task("a", ok("a"));
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            let added = handle.add_task("late", ok("late"));
            assert_eq!(added.unwrap_err().why, Why::Closed);
            assert!(!handle.room().await);
        });
        assert_eq!(outcomes(&result.await.unwrap()), "first done · a done");
    }
}

/// Waits for the stop, and offers a task when it is finalized.
struct AddsLate(Arc<OnceLock<Why>>);

impl Task for AddsLate {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        cx.wait(std::future::pending()).await
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        let refused = cx.job().add_task("late", ok("late")).unwrap_err();
        self.0.set(refused.why).unwrap();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_on_which_nobody_had_a_handle_is_closed_when_it_stops() {
    for inline in [false, true] {
        let why = Arc::new(OnceLock::new());
        let (mut job, _) = job([fails("fails")]);
        job.add_task("adds", AddsLate(why.clone()));
        placed(job, inline).run().await.unwrap_err();
        assert_eq!(why.get(), Some(&Why::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_accepted_is_started_or_was_stopped() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        let notes = journal.clone();
        // Adds at the very moment at which the job would be done.
        job.add_fn("adder", async move |cx: &Context| {
            let _late = cx.job().add_task("late", ok("late").journal(&notes))?;
            Ok(())
        });
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(journal.text(), "init late · run late · fin late");
        assert_eq!(report.come_and_gone(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_run_yet_gives_a_task_back() {
    for inline in [false, true] {
        let (job, _) = job([waits("a")]);
        assert_eq!(offer(&job.handle()), Err((Why::NotStarted, "late")));
        let result = run_with(job, inline, async |handle| {
            assert!(handle.room().await, "it runs now");
            assert_eq!(offer(&handle), Ok(()));
            handle.finish();
        });
        result.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_job_says_so_and_tells_when_there_is_room() {
    for inline in [false, true] {
        let (job, _) = job([waits("s")]);
        let result = run_with(job.max_tasks(2), inline, async |handle| {
            sleep(1).await;
            assert!(handle.room().await);
            let one = handle
                .add_task("one", task("one", [Do::Sleep(50)]))
                .unwrap();
            assert_eq!(offer(&handle), Err((Why::Full, "late")));
            assert!(handle.room().await);
            assert!(one.is_ended());
            assert_eq!(offer(&handle), Ok(()));
            handle.finish();
        });
        result.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_done_leaves_its_place_to_another() {
    for inline in [false, true] {
        let (job, _) = job([waits("s"), ok("t")]);
        let result = run_with(job.max_tasks(2), inline, async |handle| {
            sleep(1).await;
            assert_eq!(offer(&handle), Ok(()));
            handle.finish();
        });
        result.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_accepted_in_the_moment_of_a_stop_never_starts() {
    let stops: [fn(&JobHandle); 2] = [JobHandle::finish, |handle| handle.cancel("enough")];
    for (inline, stop) in [false, true]
        .into_iter()
        .flat_map(|inline| stops.map(|stop| (inline, stop)))
    {
        let (job, _) = job([waits("a")]);
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            let mut child = Job::new("child");
            child.add_task("c", ok("c"));
            handle.add_job(child).unwrap();
            stop(&handle);
        });
        let report = result.await.unwrap_or_else(teamwork::Failure::into_report);
        let told = outcomes(&report);
        assert!(told.ends_with("child never started"), "{told}");
    }
}
