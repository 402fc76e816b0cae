//! How long the rungs of a stop last, at all levels: too much time, none at all, and no sum.

use std::time::Duration;

use teamwork::{Job, JobHandle, OnIdle, Restart, Routine};

use crate::scripted::{
    Do, Journal, PLACES, assert_ends, fails, hangs, job, named, ok, outcomes, placed, run_with,
    sleep, task, waits,
};

#[tokio::test(start_paused = true)]
async fn times_without_end_are_no_deadline() {
    for inline in [false, true] {
        let (mut job, _) = job([hangs("a")]);
        job.add_task("b", waits("b"))
            .timeout(Duration::MAX)
            .idle_timeout(Duration::MAX);
        let job = job
            .timeout(Duration::MAX)
            .grace(Duration::MAX)
            .drain_deadline(Duration::MAX)
            .finalizer_deadline(Duration::MAX);
        let result = run_with(job, inline, async |handle| {
            handle.drain();
            sleep(1).await;
            handle.finish();
            sleep(1).await;
            handle.cancel("enough");
        });
        assert!(result.await.unwrap_err().is_cancelled());
    }
}

/// Jobs in jobs, in the last of which a finalizer hangs; all of them have a minute for their finalizers, the first has 8 seconds.
fn deep(journal: &Journal, inline: bool) -> Job {
    let minute = Duration::from_secs(60);
    let mut inner = None;
    for name in ["d", "c", "b", "a"] {
        let mut tasks = vec![waits(name)];
        if name == "d" {
            tasks.push(waits("hangs").finalize(Do::Hang));
        }
        let mut job = named(name, journal, tasks);
        if let Some(inner) = inner.take() {
            job.add_job(inner);
        }
        inner = Some(placed(job, inline).finalizer_deadline(minute));
    }
    inner.unwrap().finalizer_deadline(Duration::from_secs(8))
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_job_holds_for_all_levels_below_it_and_is_no_sum() {
    for inline in [false, true] {
        let journal = Journal::default();
        let job = deep(&journal, inline);
        let handle = job.handle();
        let cancel = async {
            sleep(5).await;
            handle.cancel("enough");
        };
        let (ended, ()) = tokio::join!(job.run(), cancel);
        let failure = ended.unwrap_err();
        let elapsed = failure.report().elapsed();
        assert!(elapsed < Duration::from_millis(8_100), "{elapsed:?}");
        assert_eq!(outcomes(failure.report()), "a cut · b leaked in finalize");
        assert_ends(&journal, "fin hangs · fin d · fin c · fin b · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_busy_with_its_own_end_has_no_longer_than_its_parent() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut parent = named("parent", &journal, [waits("p")]);
        let child = named(
            "child",
            &journal,
            [
                waits("c").finalize(Do::Sleep(90_000)),
                task("d", [Do::FinishJob]),
            ],
        );
        parent.add_job(placed(child, inner).finalizer_deadline(Duration::from_secs(600)));
        let parent = placed(parent, outer).finalizer_deadline(Duration::from_secs(4));
        let handle = parent.handle();
        let cancel = async {
            sleep(5).await;
            handle.cancel("enough");
        };
        let (ended, ()) = tokio::join!(parent.run(), cancel);
        let failure = ended.unwrap_err();
        let elapsed = failure.report().elapsed();
        assert!(elapsed < Duration::from_millis(4_100), "{elapsed:?}");
        assert_eq!(
            outcomes(failure.report()),
            "p cut · child leaked in finalize"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_ending_already_makes_haste_when_its_parent_has_less_time() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let tasks = [
            waits("a").finalize(Do::Sleep(100)),
            waits("b").finalize(Do::Hang),
        ];
        let child = named("child", &journal, tasks);
        let ten_minutes = Duration::from_secs(600);
        let child = placed(child, inner).finalizer_deadline(ten_minutes);
        let own = child.handle();
        let mut parent = named("parent", &journal, [waits("p")]);
        parent.add_job(child);
        let parent = parent.finalizer_deadline(Duration::from_secs(4));
        let ended = run_with(parent, outer, async |handle| {
            sleep(5).await;
            own.cancel("not needed");
            sleep(5).await;
            handle.cancel("enough");
        });
        let failure = ended.await.unwrap_err();
        assert!(failure.report().elapsed() < Duration::from_secs(9));
        // "b" hangs, and "a" gets its turn all the same, within the four seconds.
        let child = failure.report().jobs().next().unwrap();
        assert_eq!(outcomes(child), "a cut · b leaked in finalize");
    }
}

#[tokio::test(start_paused = true)]
async fn the_word_of_a_child_is_heard_though_a_sibling_was_given_up() {
    for (place, inner) in PLACES {
        let journal = Journal::default();
        let stays = task("a", [Do::Done]).finalize(Do::Hang);
        let mut middle = named("middle", &journal, [stays]);
        let stays = waits("b").finalize(Do::Hang);
        middle.add_job(placed(named("inner", &journal, [stays]), inner));
        let told = middle.handle();
        let mut outer = named("outer", &journal, []);
        outer.add_job(placed(middle, place).finalizer_deadline(Duration::from_secs(60)));
        let outer = outer.finalizer_deadline(Duration::from_secs(8));
        let handle = outer.handle();
        let cancel = async {
            sleep(5).await;
            handle.cancel("enough");
        };
        let (ended, ()) = tokio::join!(outer.run(), cancel);
        let failure = ended.unwrap_err();
        assert_eq!(outcomes(failure.report()), "middle leaked in finalize");
        // It had half of the 8 seconds to cut what it has.
        let report = told.wait().await;
        let expected = "a leaked in finalize · inner leaked in finalize";
        assert_eq!(outcomes(&report), expected);
        let elapsed = report.elapsed();
        assert!(elapsed < Duration::from_millis(4_100), "{elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn finalizers_that_have_no_time_are_polled_once_and_runs_come_home_all_the_same() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let slow = hangs("slow").finalize(Do::Sleep(1));
        let mut job = named("test", &journal, [hangs("a"), slow, waits("b")]);
        let child = named("child", &journal, [hangs("c")]);
        job.add_job(placed(child, inner));
        let job = job.finalizer_deadline(Duration::ZERO);
        let result = run_with(job, outer, async |handle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        let report = result.await.unwrap_err().into_report();
        let told = "a cut · slow leaked in finalize · b cut · child cut";
        assert_eq!(outcomes(&report), told);
        assert_ends(&journal, "fin c · fin b · fin slow · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_by_itself_is_finalized_in_no_time_or_has_leaked() {
    for inline in [false, true] {
        let at_once = ok("at once").finalize(Do::Nothing);
        let (job, _) = job([at_once, ok("slow").finalize(Do::Sleep(1)), hangs("b")]);
        let job = job.finalizer_deadline(Duration::ZERO);
        let report = placed(job, inline).run().await.unwrap_err().into_report();
        let told = "at once done · slow leaked in finalize · b cut";
        assert_eq!(outcomes(&report), told);
        assert_eq!(report.cause().unwrap().routine(), Some(Routine::Finalize));
    }
}

/// Jobs in jobs, so many of them.
fn very_deep(levels: u32, inline: bool) -> Job {
    let mut job = placed(Job::new("innermost"), inline);
    job.add_task("a", hangs("a"));
    for _ in 0..levels {
        let mut outer = placed(Job::new("level"), inline);
        outer.add_job(job);
        job = outer;
    }
    job
}

/// Each level has half of the time of the one above, so that little is left at the bottom. (On real time: what is told here takes some.)
#[tokio::test(flavor = "multi_thread")]
async fn the_innermost_of_many_levels_has_time_to_come_home() {
    for inline in [false, true] {
        let job = very_deep(40, inline);
        let result = run_with(job, inline, async |handle| {
            tokio::task::yield_now().await;
            handle.cancel("enough");
        });
        let report = result.await.unwrap_err().into_report();
        assert_eq!(report.leaked().count(), 0, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_is_a_time_like_any_other() {
    let zero = Duration::ZERO;
    for inline in [false, true] {
        let ended = async |job: Job, stop: fn(&JobHandle)| {
            let result = run_with(job, inline, async |handle| {
                sleep(5).await;
                stop(&handle);
            });
            let report = result.await.unwrap_or_else(teamwork::Failure::into_report);
            outcomes(&report)
        };
        let (plain, _) = job([hangs("a")]);
        let plain = plain.drain_deadline(zero).grace(zero);
        assert_eq!(ended(plain, JobHandle::drain).await, "a cut");
        let (timed, _) = job([hangs("a")]);
        assert_eq!(ended(timed.timeout(zero), |_| {}).await, "a cut");
        for policy in [OnIdle::FailJob, OnIdle::FinishTask, OnIdle::FinishJob] {
            let mut idle = Job::new("test");
            idle.add_task("a", hangs("a"))
                .idle_timeout(zero)
                .on_idle(policy);
            let told = if policy == OnIdle::FailJob {
                "a failed"
            } else {
                "a done"
            };
            assert_eq!(ended(idle, |_| {}).await, told);
        }
        let mut timed = Job::new("test");
        timed.add_task("a", hangs("a")).timeout(zero);
        assert_eq!(ended(timed, |_| {}).await, "a failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_end_lasts_until_the_job_ends() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let never = Restart::at_most(9, Duration::MAX).pause(Duration::MAX, Duration::MAX);
        job.add_task("a", never.task(|| fails("a")));
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.finish();
        });
        assert_eq!(outcomes(&result.await.unwrap()), "a done");
    }
}

/// (On real time: that of tests stands still while there is something to do.)
#[tokio::test]
async fn attempts_without_a_pause_let_others_have_their_turn() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let always =
            Restart::at_most(u32::MAX, Duration::ZERO).pause(Duration::ZERO, Duration::ZERO);
        job.add_task("a", always.task(|| fails("a")));
        let result = run_with(job, inline, async |handle| {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            handle.finish();
        });
        assert_eq!(outcomes(&result.await.unwrap()), "a done");
    }
}

#[tokio::test]
async fn a_thread_ends_though_its_finalizers_have_time_without_end() {
    let mut child = Job::new("child").on_own_thread();
    child.add_task("c", ok("c"));
    let mut job = Job::new("test").finalizer_deadline(Duration::MAX);
    job.add_job(child.finalizer_deadline(Duration::MAX));
    let report = job
        .run()
        .await
        .unwrap_or_else(teamwork::Failure::into_report);
    assert_eq!(outcomes(&report), "child done");
}

#[tokio::test(start_paused = true)]
async fn a_child_has_no_longer_than_its_parent_however_short_that_is() {
    for (outer, inner) in PLACES {
        let journal = Journal::default();
        let mut job = named("test", &journal, [hangs("a")]);
        let stays = hangs("c").finalize(Do::Hang);
        let child = named("child", &journal, [stays]);
        job.add_job(placed(child, inner));
        let job = job.finalizer_deadline(Duration::from_millis(200));
        let result = run_with(job, outer, async |handle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        let report = result.await.unwrap_err().into_report();
        assert_eq!(outcomes(&report), "a cut · child leaked in finalize");
        let elapsed = report.elapsed();
        assert!(elapsed < Duration::from_millis(250), "{elapsed:?}");
    }
}
