//! Values, futures and states whose drop panics: a job takes no harm from them, and hears of everything else.

use std::{
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use teamwork::{CauseKind, Context, Flow, Job, Report, Restart, Result, Task};
use tokio::time::timeout;

use crate::scripted::{fails, ok, outcomes, placed, sleep, waits};

/// Its drop panics, without a word in the output.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("the drop panicked"));
        }
    }
}

/// What becomes of a job, in less time than it would take to give something up.
async fn ended<V: ?Sized>(job: Job<V>, inline: bool) -> Report {
    let ended = timeout(Duration::from_secs(9), placed(job, inline).run()).await;
    let ended = ended.expect("it ends");
    ended.unwrap_or_else(teamwork::Failure::into_report)
}

/// Holds a bomb, and is done with another one.
struct Explosive {
    _state: Bomb,
    finishes: bool,
}

impl Task for Explosive {
    type Output = Bomb;

    async fn run(&mut self, _: &Context) -> Result<Flow<Bomb>> {
        sleep(5).await;
        Ok(if self.finishes {
            Flow::FinishJob(Bomb)
        } else {
            Flow::Done(Bomb)
        })
    }

    async fn finalize(&mut self, _: &Context) -> Result {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_state_and_value_panic_when_they_are_dropped_is_done() {
    for inline in [false, true] {
        for finishes in [false, true] {
            for has_handle in [false, true] {
                let mut job = Job::new("test");
                let _state = Bomb;
                let added = job.add_task("a", Explosive { _state, finishes });
                if has_handle {
                    drop(added.handle());
                } else {
                    drop(added);
                }
                job.add_future("b", async {
                    sleep(50).await;
                    Ok(Bomb)
                });
                let report = ended(job, inline).await;
                assert_eq!(outcomes(&report), "a done · b done");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_task_whose_value_panics_when_it_is_dropped_leaves_nothing() {
    for inline in [false, true] {
        let mut job = Job::new("test").max_tasks(2);
        job.add_fn("adds", async |cx: &Context| {
            for _ in 0..3 {
                let place = cx.job().place().await.ok_or("it is open")?;
                drop(place.add_fn("late", async |_: &Context| Ok(Bomb)));
            }
            Ok(())
        });
        let report = ended(job, inline).await;
        assert_eq!(
            (report.come_and_gone(), outcomes(&report)),
            (3, "adds done".into())
        );
    }
}

/// A job with a value that panics when it is dropped.
fn valued(task: crate::scripted::Scripted) -> Job<Bomb> {
    let mut job = Job::new("child").add_oneshot_fn("value", async |_: &Context| Ok(Bomb));
    job.add_task(task.name(), task);
    job
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_child_is_heard_though_its_value_panics_when_it_is_dropped() {
    for inline in [false, true] {
        for child_inline in [false, true] {
            let mut job = Job::new("test");
            job.add_job(placed(valued(ok("a")), child_inline));
            assert_eq!(outcomes(&ended(job, inline).await), "child done");

            let mut job = Job::new("test");
            let twice = Restart::at_most(2, Duration::from_secs(60));
            let make = move || placed(valued(fails("a")), child_inline);
            job.add_job(twice.job(make));
            assert_eq!(outcomes(&ended(job, inline).await), "child failed");

            let failing = placed(valued(fails("a")), child_inline);
            let mut job = Job::new("test").add_oneshot_job(failing);
            job.add_fn("b", async |_: &Context<Bomb>| Ok(()));
            let report = ended(job, inline).await;
            assert_eq!(outcomes(&report), "child failed · b never started");
        }
    }
}

/// A prerequisite with a bomb in it.
struct Prerequisite {
    is_met: bool,
    _bomb: Bomb,
}

impl Future for Prerequisite {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<Result> {
        if self.is_met {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_prerequisite_that_panics_when_it_is_dropped_fails_the_job() {
    for inline in [false, true] {
        for is_met in [false, true] {
            let mut job = Job::new("test").after(Prerequisite {
                is_met,
                _bomb: Bomb,
            });
            job.add_task("a", waits("a"));
            if !is_met {
                // It is dropped because the job is to end.
                job.handle().finish();
            }
            let report = ended(job, inline).await;
            let Some(CauseKind::Panic { message, .. }) = report.cause().map(|cause| cause.kind())
            else {
                panic!("{report}")
            };
            assert_eq!(message, "the drop panicked");
            assert_eq!(outcomes(&report), "a never started");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_when_it_is_cut_has_panicked() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("a", async |_: &Context| {
            let _bomb = Bomb;
            std::future::pending::<Result>().await
        });
        job.add_task("b", fails("b"));
        let report = ended(job, inline).await;
        assert_eq!(outcomes(&report), "a panicked · b failed");
        let [later] = report.secondary() else {
            panic!("{report}")
        };
        assert_eq!(later.to_string(), "a: panicked: the drop panicked");
    }
}
