//! How long the rungs of a stop last, at all levels: too much time, none at all, and no sum.

use std::time::Duration;

use teamwork::Job;

use crate::scripted::{
    Do, Journal, PLACES, hangs, job, named, outcomes, placed, run_with, sleep, task, waits,
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
        let steps = journal.text();
        assert!(
            steps.ends_with("fin hangs · fin d · fin c · fin b · fin a"),
            "{steps}"
        );
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
