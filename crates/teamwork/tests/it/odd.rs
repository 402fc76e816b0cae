//! Odd programs: what a job is not made for, and must survive.

use std::{sync::Arc, time::Duration};

use teamwork::{Context, Flow, Job, JobHandle, Outcome, Phase, Restart, Result, Task, Why};
use tokio::{runtime, time::timeout};

use crate::scripted::{
    Do, Journal, PLACES, fails, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

fn runtime() -> runtime::Runtime {
    let mut runtime = runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap()
}

#[test]
fn handles_outlive_the_runtime_of_their_job() {
    for inline in [false, true] {
        let first = runtime();
        let (job, task) = first.block_on(async {
            let mut job = Job::new("test");
            let task = job.add_task("a", hangs("a")).handle();
            let job = placed(job, inline).run_in_background().await.unwrap();
            (job, task)
        });
        let mut events = job.events();
        drop(first);
        runtime().block_on(async {
            let report = job.wait().await;
            assert_eq!(outcomes(&report), "a leaked in run");
            job.drain();
            job.finish();
            job.cancel("too late");
            assert_eq!(job.snapshot().await.phase, Phase::Ended);
            assert!(job.place().await.is_none() && !job.room().await);
            let refused = job.add_task("late", ok("late")).unwrap_err();
            assert_eq!(refused.why, Why::Closed);
            assert!(job.token().is_cancelled());
            assert!(task.wait().await.is_err() && task.await.is_err());
            while events.next().await.is_some() {}
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_the_end_of_its_own_job_is_cut_in_its_time() {
    let stops: [fn(&JobHandle); 2] = [JobHandle::finish, |handle| handle.cancel("enough")];
    for (inline, stop) in [false, true]
        .into_iter()
        .flat_map(|inline| stops.map(|stop| (inline, stop)))
    {
        let mut job = Job::new("test");
        job.add_fn("a", async |cx: &Context| {
            cx.job().wait().await;
            Ok(())
        });
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            stop(&handle);
        });
        let report = result.await.unwrap_or_else(teamwork::Failure::into_report);
        assert_eq!(outcomes(&report), "a cut");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_can_look_at_its_own_job() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let seen = job.add_fn("a", async |cx: &Context| {
            sleep(5).await;
            Ok(cx.job().snapshot().await.to_string())
        });
        let seen = seen.handle();
        job.add_task("b", task("b", [Do::Sleep(500), Do::Done]));
        placed(job, inline).run().await.unwrap();
        let seen = seen.await.unwrap();
        assert!(seen.starts_with("test running\n├─ a "), "{seen}");
        assert!(seen.ends_with("└─ b in run"), "{seen}");
    }
}

/// Adds a task from its finalizer.
struct Heir(&'static str, Journal);

impl Task for Heir {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        Ok(Flow::Done(()))
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        let heir = ok("heir").journal(&self.1);
        let told = match cx.job().add_task("heir", heir) {
            Ok(_) => "accepted".to_owned(),
            Err(refused) => refused.to_string(),
        };
        self.1.note(format!("{}: {told}", self.0));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_can_add_a_task_as_long_as_the_job_goes_on() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        job.add_task("early", Heir("early", journal.clone()));
        job.add_task("b", task("b", [Do::Sleep(50), Do::Done]).journal(&journal));
        let result = placed(job, inline).run().await;
        assert_eq!(result.unwrap().come_and_gone(), 1);
        let steps = journal.text();
        assert!(steps.contains("early: accepted · "), "{steps}");
        assert!(steps.contains("init heir · run heir · fin heir"), "{steps}");

        let (mut job, journal) = crate::scripted::job([]);
        let mut first = Job::new("first");
        first.add_task("late", Heir("late", journal.clone()));
        first.handle().drain();
        job.add_job(placed(first, inline));
        placed(job, inline).run().await.unwrap();
        let told = "late: the job accepts no more tasks: it is draining, stopping or over";
        assert_eq!(journal.text(), told);
    }
}

/// Uses a handle on its job in every way when it is dropped.
struct Meddler(JobHandle, Arc<()>);

impl Drop for Meddler {
    fn drop(&mut self) {
        assert!(!self.0.name().is_empty());
        let _refused_or_not = self.0.add_task("late", ok("late"));
        let _refused_or_not = self.0.try_place();
        let _nothing_to_hear = self.0.events();
        self.0.finish();
        self.0.cancel("dropped");
    }
}

impl Task for Meddler {
    type Output = Self;

    async fn run(&mut self, cx: &Context) -> Result<Flow<Self>> {
        match cx.name() {
            "done" => Ok(Flow::Done(Self(self.0.clone(), self.1.clone()))),
            "fails" => Err("it fails".into()),
            _ => std::future::pending().await,
        }
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        if cx.name() == "stuck" {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_may_use_a_handle_on_its_job() {
    for inline in [false, true] {
        for first in ["done", "fails", "cut", "stuck"] {
            let alive = Arc::new(());
            let mut job = Job::new("test");
            let handle = job.handle();
            let meddler = || Meddler(handle.clone(), alive.clone());
            for name in [first, "cut"] {
                drop(job.add_task(name, meddler()).handle());
            }
            let stop = handle.clone();
            let act = async {
                sleep(5).await;
                // Refused once the job is about to end, and dropped then.
                let _refused_or_not = stop.add_task("added", meddler());
                stop.cancel("enough");
            };
            let ended = async { tokio::join!(placed(job, inline).run(), act).0 };
            let ended = timeout(Duration::from_secs(60), ended).await;
            assert!(ended.expect("it ends").is_err());
            drop((stop, handle));
            assert_eq!(Arc::strong_count(&alive), 1, "{first}: nothing is left");
        }
        // One that never runs.
        let alive = Arc::new(());
        let mut job = Job::new("test");
        let meddler = Meddler(job.handle(), alive.clone());
        job.add_task("never", meddler);
        drop(placed(job, inline));
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn isolated_children_in_restarted_ones_in_isolated_ones_fail_where_they_are() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let noted = journal.clone();
        let thrice = Restart::at_most(2, Duration::from_secs(60));
        let middle = thrice.job(move || {
            let mut isolated = Job::new("isolated").isolated();
            isolated.add_task("a", fails("a").journal(&noted));
            let mut middle = Job::new("middle");
            middle.add_job(placed(isolated, inner));
            let fails_late = task("b", [Do::FailAfter(50)]);
            middle.add_task("b", fails_late.journal(&noted));
            placed(middle, inner)
        });
        let mut job = Job::new("test");
        job.add_job(middle.isolated());
        job.add_task("c", task("c", [Do::DoneAfter(60_000)]));
        let report = placed(job, outer).run().await.unwrap();
        assert_eq!(outcomes(&report), "middle failed · c done");
        let steps = journal.steps();
        for step in ["fin a", "fin b"] {
            let times = steps.iter().filter(|noted| *noted == step).count();
            assert_eq!(times, 3, "{step}: {steps:?}");
        }
        let told: Vec<_> = report.secondary().iter().map(ToString::to_string).collect();
        assert_eq!(told, ["middle: b: b failed"]);
        let middle = report.task("middle").unwrap().job.unwrap();
        assert_eq!(middle.secondary()[0].to_string(), "isolated: a: a failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_without_room_for_any_task_runs_those_that_it_has() {
    for inline in [false, true] {
        let (job, _) = job([waits("a")]);
        let result = run_with(job.max_tasks(0), inline, async |handle| {
            sleep(5).await;
            assert_eq!(handle.try_place().unwrap_err(), Why::Full);
            let (place, ()) = tokio::join!(handle.place(), async { handle.finish() });
            assert!(place.is_none());
        });
        assert_eq!(result.await.unwrap().outcome(), Outcome::Done);
    }
}

#[cfg(feature = "signal")]
#[tokio::test]
async fn thousands_of_jobs_can_wait_for_signals() {
    for _ in 0..3000 {
        let (job, _) = job([ok("a")]);
        assert!(job.run_until_signal().await.is_ok());
    }
}
