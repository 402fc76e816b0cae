//! A task that is always ready starves nobody, and no clock: rules 2 and 9.

use std::time::Duration;

use teamwork::{CauseKind, Context, Flow, Job};
use tokio::{sync::mpsc, task::yield_now, time::advance};

use crate::scripted::{outcomes, placed};

/// How often an always-ready task is called before it gives up on being stopped.
const ENOUGH: u64 = 1_000_000;

/// A job with a task that is ready whenever it is called.
fn busy() -> Job {
    let mut job = Job::new("test");
    job.add_recurrent("busy", 0, async |calls: &mut u64, _: &Context| {
        *calls += 1;
        Ok(if *calls < ENOUGH {
            Flow::Tick
        } else {
            Flow::Done(())
        })
    });
    job
}

#[tokio::test(start_paused = true)]
async fn an_always_ready_task_does_not_starve_its_siblings() {
    for inline in [false, true] {
        for siblings in [1, 20] {
            let mut job = busy();
            for _ in 0..siblings {
                let (sender, mut receiver) = mpsc::channel(1);
                job.add_fn("sends", async move |_: &Context| {
                    for number in 0..100 {
                        sender.send(number).await?;
                    }
                    Ok(())
                });
                job.add_fn("receives", async move |_: &Context| {
                    while receiver.recv().await.is_some() {}
                    Ok(())
                });
            }
            job.add_recurrent("watch", 0, async |calls: &mut u64, _: &Context| {
                *calls += 1;
                yield_now().await;
                Ok(if *calls < 2000 {
                    Flow::Tick
                } else {
                    Flow::FinishJob(())
                })
            });
            let report = placed(job, inline).run().await.unwrap();
            let ticks = report.task("busy").unwrap().ticks;
            assert!(
                ticks < ENOUGH - 1,
                "the others had their turn only after {ticks} ticks"
            );
            assert!(ticks > 1000, "and so had the busy one: {ticks}");
        }
    }
}

/// Lets time pass while the busy task is called.
async fn pass_time(_: &Context) -> teamwork::Result {
    for _ in 0..10 {
        yield_now().await;
    }
    advance(Duration::from_secs(60)).await;
    std::future::pending::<()>().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_always_ready_task_does_not_stop_the_clock_of_its_job() {
    for inline in [false, true] {
        let mut job = busy().timeout(Duration::from_secs(30));
        job.add_fn("time", pass_time);
        let job = job.grace(Duration::ZERO);
        let failure = placed(job, inline).run().await.unwrap_err();
        assert!(
            matches!(failure.cause().kind(), CauseKind::Timeout(_)),
            "{failure}"
        );
        assert_eq!(outcomes(failure.report()), "busy cut · time cut");
    }
}

#[tokio::test(start_paused = true)]
async fn an_always_ready_task_has_its_own_timeout() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("time", pass_time);
        job.add_recurrent("busy", 0, async |calls: &mut u64, _: &Context| {
            *calls += 1;
            Ok(if *calls < ENOUGH {
                Flow::Tick
            } else {
                Flow::FinishJob(())
            })
        })
        .timeout(Duration::from_secs(30));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.cause().task(), Some("busy"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_call_that_is_always_ready_has_its_timeout_too() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("time", pass_time);
        job.add_fn("busy", async |_: &Context| {
            for _ in 0..ENOUGH {
                tokio::task::coop::consume_budget().await;
            }
            Ok(())
        })
        .timeout(Duration::from_secs(30));
        let failure = placed(job, inline)
            .timeout(Duration::from_secs(99))
            .run()
            .await
            .unwrap_err();
        assert_eq!(failure.cause().task(), Some("busy"), "{failure}");
    }
}
