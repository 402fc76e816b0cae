//! The ladder of stops: rule 6.

use std::time::{Duration, Instant};

use teamwork::{Context, Flow, Job, Outcome, Result, Task};

use crate::scripted::{
    Do, Journal, assert_ends, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

#[tokio::test(start_paused = true)]
async fn a_drain_lets_tasks_end_by_themselves() {
    for inline in [false, true] {
        let (job, journal) = job([task("a", [Do::Sleep(10), Do::Sleep(10), Do::Done])]);
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.drain();
        });
        let report = result.await.unwrap();
        assert_eq!(journal.text(), "init a · run a · run a · run a · fin a");
        assert_eq!(report.outcome(), Outcome::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn an_accept_loop_learns_of_a_drain() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("server");
        let notes = journal.clone();
        job.add_fn("accept", async move |cx: &Context| {
            let next = cx.unless_draining(std::future::pending::<()>()).await;
            notes.note(format!(
                "{next:?}, draining {}, stopping {}",
                cx.is_draining(),
                cx.is_stopping()
            ));
            Ok(())
        });
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.drain();
        });
        result.await.unwrap();
        assert_eq!(journal.text(), "None, draining true, stopping false");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_becomes_a_finish_and_a_finish_a_cut() {
    for inline in [false, true] {
        let (job, journal) = job([waits("a"), hangs("b")]);
        let job = job
            .drain_deadline(Duration::from_secs(2))
            .grace(Duration::from_secs(3));
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            sleep(1000).await;
            handle.drain();
            sleep(1999).await;
            notes.note("before 3 s");
            sleep(2).await;
            notes.note("after 3 s");
            sleep(2998).await;
            notes.note("before 6 s");
        });
        let report = result.await.unwrap();
        assert_eq!(
            journal.text(),
            "init a · init b · run a · run b · before 3 s · cut a · after 3 s · before 6 s · cut b · fin b · fin a"
        );
        assert_eq!(
            (outcomes(&report).as_str(), report.outcome()),
            ("a done · b cut", Outcome::Done)
        );
    }
}

/// Notes the beginning and the end of each call.
struct Pieces(Journal);

impl Task for Pieces {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        cx.wait(sleep(5)).await;
        self.0.note("begin");
        sleep(50).await;
        self.0.note("end");
        Ok(Flow::Tick)
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_tears_no_tick() {
    for inline in [false, true] {
        for at in [3, 30, 57, 80] {
            let journal = Journal::default();
            let mut job = Job::new("pieces");
            job.add_task("a", Pieces(journal.clone()));
            let result = run_with(job, inline, async |handle| {
                sleep(at).await;
                handle.finish();
            });
            let report = result.await.unwrap();
            let begun = journal.text().matches("begin").count();
            assert_eq!(
                begun,
                journal.text().matches("end").count(),
                "finished at {at}"
            );
            assert_eq!(
                begun as u64,
                report.task("a").unwrap().ticks,
                "finished at {at}"
            );
        }
    }
}

/// A task that never waits is stopped where its neighbours have their turn.
#[tokio::test]
async fn nothing_is_called_once_more_after_a_stop() {
    for inline in [false, true] {
        for cancels in [false, true] {
            let journal = Journal::default();
            let mut job = Job::new("busy");
            let notes = journal.clone();
            job.add_recurrent("ticks", notes, async |notes: &mut Journal, cx: &Context| {
                if cx.is_stopping() {
                    notes.note("called after the stop");
                }
                Ok(Flow::<()>::Tick)
            });
            let result = run_with(job, inline, async |handle| {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                if cancels {
                    handle.cancel("enough");
                } else {
                    handle.finish();
                }
            });
            assert_eq!(result.await.is_err(), cancels);
            assert_eq!(journal.text(), "");
        }
    }
}

/// What a run has done in the very poll in which its job is stopped is part of its time.
#[tokio::test]
async fn work_before_a_stop_counts() {
    for cancels in [false, true] {
        let mut job = Job::new("works").inline();
        job.add_fn("works", async move |cx: &Context| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            if cancels {
                cx.job().cancel("enough");
            } else {
                cx.job().finish();
            }
            cx.wait(std::future::pending::<Result<()>>()).await
        });
        let report = match job.run().await {
            Ok(report) => report,
            Err(failure) => failure.report().clone(),
        };
        let run = report.task("works").unwrap().run;
        assert!(run >= Duration::from_millis(2), "{run:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_does_not_wait_for_the_pause_of_an_idle_task() {
    for inline in [false, true] {
        let (job, journal) = job([task("a", vec![Do::Idle; 99])]);
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            // The pause from 127 to 227 ms has begun.
            sleep(130).await;
            notes.note("finish");
            handle.finish();
            sleep(1).await;
            notes.note("a moment later");
        });
        let report = result.await.unwrap();
        assert_ends(&journal, "run a · finish · fin a · a moment later");
        assert_eq!(outcomes(&report), "a done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_cuts_runs_at_their_await_points_and_then_finalizes_in_reverse() {
    for inline in [false, true] {
        let (job, journal) = job([hangs("a"), waits("b"), task("c", vec![Do::Idle; 99])]);
        let result = run_with(job, inline, async |handle| {
            sleep(2).await;
            handle.cancel("enough");
        });
        let failure = result.await.unwrap_err();
        let steps = journal.text();
        let (runs, finalizers) = steps.split_once(" · fin").unwrap();
        assert!(runs.contains("cut a") && runs.contains("cut b"), "{steps}");
        assert_eq!(finalizers, " c · fin b · fin a");
        assert_eq!(outcomes(failure.report()), "a cut · b cut · c cut");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_escalates_and_a_lower_one_changes_nothing() {
    for inline in [false, true] {
        let (job, journal) = job([hangs("a")]);
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            handle.drain();
            sleep(1).await;
            handle.finish();
            sleep(1).await;
            handle.drain();
            handle.finish();
            sleep(1).await;
            notes.note("cancel");
            handle.cancel("now");
            handle.cancel("again");
            handle.finish();
        });
        let failure = result.await.unwrap_err();
        assert_eq!(journal.text(), "init a · run a · cancel · cut a · fin a");
        assert_eq!(
            failure.to_string(),
            "job test: cancelled by the caller: now"
        );
        assert!(failure.report().secondary().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_before_the_start_starts_the_job_as_ever() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        job.handle().drain();
        placed(job, inline).run().await.unwrap();
        assert_eq!(journal.text(), "init a · run a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_before_the_start_starts_nothing_and_is_no_failure() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a")]);
        job.handle().finish();
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(
            (journal.text().as_str(), outcomes(&report).as_str()),
            ("", "a never started")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_during_the_oneshot_starts_nothing_after_it() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test").add_oneshot_task(
            "first",
            task("first", [Do::Sleep(50), Do::Done]).journal(&journal),
        );
        job.add_task("a", ok("a").journal(&journal));
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_eq!(journal.text(), "init first · run first · fin first");
        assert_eq!(outcomes(&report), "first done · a never started");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finish_during_an_init_lets_it_complete_and_runs_nothing() {
    for inline in [false, true] {
        let (job, journal) = job([ok("a"), ok("b").init(Do::Sleep(50)), ok("c")]);
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
        });
        let report = result.await.unwrap();
        assert_eq!(journal.text(), "init a · init b · fin b · fin a");
        assert_eq!(outcomes(&report), "a done · b done · c never started");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_can_wait_for_the_drain_without_being_at_a_safe_point() {
    for inline in [false, true] {
        let mut job = Job::new("drained");
        let said = job
            .add_fn("greeter", async |cx: &Context| {
                cx.drained().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok("good-bye")
            })
            .handle();
        let job = if inline { job.inline() } else { job };
        let handle = job.handle();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.finish();
        };
        let (report, ()) = tokio::join!(job.run(), stop);
        assert_eq!(report.unwrap().elapsed().as_secs(), 2);
        assert_eq!(said.await.unwrap(), "good-bye");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_while_the_job_stops_is_finalized_in_its_turn() {
    for inline in [false, true] {
        let script = |millis| [Do::DoneAfter(millis)];
        let (job, journal) = job([
            task("a", script(20)),
            task("b", script(50)),
            task("c", script(30)),
        ]);
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            sleep(10).await;
            handle.finish();
            sleep(35).await;
            notes.note("45 ms");
        });
        result.await.unwrap();
        assert_ends(&journal, "run c · 45 ms · fin c · fin b · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_run_that_is_cut_goes_to_the_cut() {
    for inline in [false, true] {
        let (job, _) = job([hangs("a"), hangs("b")]);
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.drain();
            sleep(5).await;
            handle.finish();
            sleep(5).await;
            handle.cancel("enough");
        });
        let report = result.await.unwrap_err().into_report();
        for task in report.tasks() {
            assert_eq!(task.run, Duration::from_millis(15), "{report}");
        }
    }
}
