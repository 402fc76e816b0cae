//! What users of other libraries of this kind complain about, in their issue trackers: one test for each that concerns us.
//!
//! Where a complaint is the subject of another file already, its test is there:
//!
//! | complaint | test |
//! |---|---|
//! | the second Ctrl-C is swallowed | `signals::the_first_signal_drains_and_the_second_is_not_swallowed` |
//! | a parent dies, and its children are not finalized | `nested::dropping_the_parents_future_finalizes_the_children_too` |
//! | a panic is thrown while the others still run | `lifecycle::a_panic_can_go_on_after_all_finalizers` |
//! | the timeouts of the levels of a tree add up | `deadlines::the_deadline_of_a_job_holds_for_all_levels_below_it_and_is_no_sum` |
//! | a cancel before the start is lost | `lifecycle::a_stop_before_the_start_is_remembered` |
//! | nobody can tell when it is ready | `handles::a_job_in_the_background_is_returned_once_it_has_started` |
//! | a finalizer that fails hides the cause | `lifecycle::a_finalizer_that_fails_or_panics_stops_nothing_and_hides_nothing` |
//! | only the first error is kept | `causes::failures_beyond_the_bound_are_counted` |
//! | dropping any clone of a handle stops everything | `handles::dropping_the_last_owner_cancels_the_job` |
//! | a restart brings back what was stopped | `restart::a_stop_does_not_wait_for_the_pause` |
//! | two incarnations run at once | `restart::each_attempt_is_new_and_begins_when_the_one_before_is_finalized` |
//! | blocking work holds up the end, and nobody says which | `pool::a_call_that_does_not_end_is_reported_by_name` |
//! | everybody writes the grace period by hand | `lifecycle::finish_completes_the_run_call_and_the_grace_cuts_what_does_not_end` |
//! | what others rely on is closed before them | `lifecycle::a_failure_cancels_siblings_and_finalizes_in_reverse` |
//! | tasks cannot be added from elsewhere | `dynamic::tasks_are_added_by_handle_and_by_other_tasks` |
//! | there is no bound on how many there are | `places::who_waits_for_a_place_gets_the_one_that_is_given_back` |
//! | an abort does not reach what was spawned below | `nested::three_levels_end_from_the_bottom_up` |
//! | a task that panics takes its place in the count along | `places::whoever_fails_or_panics_gives_its_place_back` |
//! | one cannot see the tree | `snapshot::a_snapshot_goes_through_jobs_in_jobs` |
//! | a loop that is always ready starves its neighbours | `fairness::an_always_ready_task_does_not_starve_its_siblings` |
//! | what was timed out runs on | `go_work::a_job_that_takes_too_long_is_cut_and_nothing_of_it_runs_on` |
//! | a panic of one does not stop the others | `go_work::a_panic_in_any_routine_is_the_cause_and_names_the_routine` |
//! | results come in the order in which tasks end | `go_work::tasks_have_results` |
//! | what has ended is polled again | `go_work::vocabulary::a_run_says_exactly_once_how_to_go_on` |
//! | when the machinery itself breaks, that is taken for success | `hostile::a_task_that_breaks_between_its_routines_is_a_failure_and_does_not_hang_its_job` |

mod results;

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use teamwork::{
    By, Cause, CauseKind, Context, Flow, Job, JobHandle, Outcome, Result, Task, TaskError,
    TaskOutcome,
};
use tokio::time::{error::Elapsed, timeout};

use crate::scripted::{
    Do, Journal, assert_ends, both, fails, hangs, job, ok, outcomes, placed, run_with, sleep, task,
    waits,
};

/// Says in its finalizer why it ends.
struct Asks(Journal, &'static str);

impl Task for Asks {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        std::future::pending().await
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        let why = cx.cause().map_or_else(String::new, |why| why.to_string());
        self.0.note(format!("{}: {why}", self.1));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_can_ask_why_one_was_cancelled() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut child = Job::new("child");
        child.add_task("c", Asks(journal.clone(), "child"));
        let mut job = Job::new("test");
        job.add_task("a", Asks(journal.clone(), "parent"));
        job.add_job(placed(child, inline));
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.cancel("the disk is full");
        });
        let failure = result.await.unwrap_err();
        let CauseKind::Cancelled { by, reason } = failure.cause().kind() else {
            panic!("{failure}")
        };
        assert_eq!((*by, &**reason), (By::Caller, "the disk is full"));
        assert_eq!(
            journal.text(),
            "child: cancelled by the parent job: cancelled by the caller: the disk is full · parent: cancelled by the caller: the disk is full"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_named_and_who_does_not_is_not() {
    both(
        || {
            let (job, journal) = job([
                waits("good"),
                hangs("deaf"),
                waits("stuck at the end").finalize(Do::Hang),
            ]);
            job.handle().drain();
            let second = Duration::from_secs(1);
            let job = job.drain_deadline(second).grace(second);
            (job.finalizer_deadline(second), journal)
        },
        |result, _| {
            let report = result.unwrap();
            let told = "good done · deaf cut · stuck at the end leaked in finalize";
            assert_eq!(outcomes(&report), told);
            let leaked: Vec<_> = report.leaked().map(|task| task.name).collect();
            assert_eq!(leaked, ["stuck at the end"]);
            let printed = report.to_string();
            assert!(printed.contains("deaf cut"), "{printed}");
            assert!(
                printed.contains("stuck at the end leaked in finalize"),
                "{printed}"
            );
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_is_not_reported_as_failed() {
    for inline in [false, true] {
        let (job, _) = job([hangs("a")]);
        let result = run_with(job, inline, async |handle: JobHandle| {
            let late = handle
                .room()
                .await
                .then(|| handle.add_task("late", hangs("late")));
            handle.cancel("enough");
            let error = late.unwrap().unwrap().await.unwrap_err();
            let TaskError::Failed(Some(cause)) = error else {
                panic!("{error}")
            };
            assert!(cause.is_cancelled(), "{cause}");
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.report().outcome(), Outcome::Cancelled);
        assert!(failure.is_cancelled() && failure.report().secondary().is_empty());
        assert_eq!(
            failure.to_string(),
            "job test: cancelled by the caller: enough"
        );
        let told = failure.report().task("a").unwrap().outcome;
        assert_eq!(told, TaskOutcome::Cut, "neither failed nor panicked");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_follows_from_a_cancel_is_not_taken_for_its_cause() {
    for inline in [false, true] {
        let (job, _) = job([waits("a").finalize(Do::Fail), hangs("b").finalize(Do::Fail)]);
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        let failure = result.await.unwrap_err();
        assert_eq!(failure.report().outcome(), Outcome::Cancelled);
        let later: Vec<_> = failure
            .report()
            .secondary()
            .iter()
            .map(Cause::to_string)
            .collect();
        assert_eq!(later, ["b (finalize): b failed", "a (finalize): a failed"]);
    }
}

/// A job with a panic in it, by the place that it is in.
fn panicking(place: usize) -> Job {
    let (mut job, _) = job([waits("a")]);
    let panics = || ok("p").init(Do::Panic);
    match place {
        0 => job.add_task("p", panics()).optional(),
        1 => job.add_task("p", task("p", [Do::Panic])).optional(),
        2 => job.add_task("p", ok("p").finalize(Do::Panic)).optional(),
        _ => {
            let mut child = Job::new("child");
            child.add_task("p", panics());
            job.add_job(child.isolated());
            return job;
        }
    };
    job
}

#[tokio::test(start_paused = true)]
async fn a_panic_never_vanishes() {
    // Not even where the job can do without what has panicked.
    for inline in [false, true] {
        for place in 0..4 {
            let result = run_with(panicking(place), inline, async |handle| {
                sleep(5).await;
                handle.finish();
            });
            let report = result.await.unwrap();
            let told: Vec<_> = report.secondary().iter().map(Cause::to_string).collect();
            assert_eq!(told.len(), 1, "{report}");
            assert!(told[0].ends_with("p panicked"), "{told:?}");
        }
        // Nor when it comes with a stop that was asked for.
        let (job, _) = job([waits("a").finalize(Do::Panic)]);
        let result = run_with(job, inline, async |handle: JobHandle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        let report = result.await.unwrap_err().into_report();
        assert!(report.secondary()[0].to_string().ends_with("a panicked"));
    }
}

#[tokio::test(start_paused = true)]
async fn ones_own_timeout_is_not_taken_for_shutdown() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("fetch", async |_: &Context| {
            timeout(Duration::from_secs(1), std::future::pending::<()>()).await?;
            Ok(())
        });
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.report().outcome(), Outcome::Failed);
        assert!(failure.cause().downcast_ref::<Elapsed>().is_some());
        assert!(!failure.cause().is_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn the_cancel_of_another_job_is_not_taken_for_ones_own() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_fn("asks", async |_: &Context| {
            let (other, _) = crate::scripted::job([hangs("a")]);
            other.handle().cancel("over there");
            other.run().await?;
            Ok(())
        });
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.report().outcome(), Outcome::Failed);
        let told = failure.to_string();
        assert!(
            told.ends_with("cancelled by the caller: over there"),
            "{told}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_of_the_start_is_obeyed_and_finalizes_what_began() {
    let stops: [fn(&JobHandle<()>); 2] = [JobHandle::finish, |handle| handle.cancel("enough")];
    for (inline, stop) in [false, true]
        .into_iter()
        .flat_map(|inline| stops.map(|stop| (inline, stop)))
    {
        // 10 ms each: the prerequisite, the oneshot's init and run, the init of a, the init of b.
        for at in [0, 5, 15, 25, 35, 45, 55] {
            let journal = Journal::default();
            let first = task("first", [Do::DoneAfter(10)]).init(Do::Sleep(10));
            let mut job = Job::new("test").add_oneshot_task("first", first.journal(&journal));
            for name in ["a", "b"] {
                job.add_task(name, hangs(name).init(Do::Sleep(10)).journal(&journal));
            }
            let job = job.after(async {
                sleep(10).await;
                Ok(())
            });
            let result = run_with(job, inline, async |handle| {
                sleep(at).await;
                stop(&handle);
            });
            let report = result.await.unwrap_or_else(teamwork::Failure::into_report);
            let steps = journal.steps();
            for name in ["first", "a", "b"] {
                let count = |what: &str| {
                    steps
                        .iter()
                        .filter(|step| **step == format!("{what} {name}"))
                        .count()
                };
                assert_eq!(count("fin"), count("init"), "{name} at {at}: {steps:?}");
                let is_new = report.task(name).unwrap().outcome == TaskOutcome::NeverStarted;
                assert_eq!(is_new, count("init") == 0, "{name} at {at}: {report}");
            }
            assert!(
                at > 50 || !steps.contains(&"run a".to_owned()),
                "at {at}: {steps:?}"
            );
        }
    }
}

/// Adds more of itself as long as it is let to.
struct Breeds {
    alive: Arc<()>,
    born: Arc<AtomicUsize>,
    finalized: Arc<AtomicUsize>,
}

impl Breeds {
    fn child(&self) -> Self {
        Self {
            alive: self.alive.clone(),
            born: self.born.clone(),
            finalized: self.finalized.clone(),
        }
    }
}

impl Task for Breeds {
    type Output = ();

    async fn init(&mut self, _: &Context) -> Result {
        self.born.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        // Once it is refused, it goes on to try.
        let _refused = cx.job().add_task("child", self.child());
        sleep(1).await;
        Ok(Flow::Tick)
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        self.finalized.fetch_add(1, Ordering::Relaxed);
        assert!(cx.job().add_task("orphan", self.child()).is_err());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn stop_is_quiescent_though_tasks_are_added_during_it() {
    let stops: [fn(&JobHandle); 2] = [JobHandle::finish, |handle| handle.cancel("enough")];
    for (inline, stop) in [false, true]
        .into_iter()
        .flat_map(|inline| stops.map(|stop| (inline, stop)))
    {
        let first = Breeds {
            alive: Arc::default(),
            born: Arc::default(),
            finalized: Arc::default(),
        };
        let (alive, born, finalized) = (
            first.alive.clone(),
            first.born.clone(),
            first.finalized.clone(),
        );
        let mut job = Job::new("test").max_tasks(500);
        job.add_task("first", first);
        let result = run_with(job, inline, async |handle| {
            sleep(7).await;
            stop(&handle);
        });
        let _ = result.await;
        let born = born.load(Ordering::Relaxed);
        assert!(born > 50, "{born}");
        assert_eq!(born, finalized.load(Ordering::Relaxed));
        assert_eq!(Arc::strong_count(&alive), 1, "nothing of it is left");
        let metrics = tokio::runtime::Handle::current().metrics();
        assert_eq!(metrics.num_alive_tasks(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_one_deadline_for_all_and_no_sum() {
    for inline in [false, true] {
        let stubborn = || hangs("stubborn").finalize(Do::Hang);
        let (job, _) = job(vec![stubborn(); 20]);
        let second = Duration::from_secs(1);
        let job = job
            .drain_deadline(second)
            .grace(second * 2)
            .finalizer_deadline(second * 4);
        let result = run_with(job, inline, async |handle| handle.drain());
        let report = result.await.unwrap();
        assert_eq!(report.leaked().count(), 20);
        // Virtual time: a second of drain, two of grace, four for the finalizers.
        assert_eq!(report.elapsed().as_secs(), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_while_another_is_added_takes_it_along() {
    for inline in [false, true] {
        let (job, journal) = job([fails("a").init(Do::Sleep(5))]);
        let result = run_with(job, inline, async |handle: JobHandle| {
            let place = handle.place().await.unwrap();
            let late = waits("late").journal(&journal);
            let late = place.add_task("late", late).unwrap();
            assert!(late.await.is_err());
        });
        assert_eq!(
            result.await.unwrap_err().to_string(),
            "job test: a: a failed"
        );
        assert_ends(&journal, "fin late · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_too_long_is_cleaned_up_once_and_only_when_it_is_over() {
    both(
        || {
            let (job, journal) = job([ok("a"), hangs("b").init(Do::Hang), ok("c")]);
            (job.timeout(Duration::from_secs(5)), journal)
        },
        |result, steps| {
            let failure = result.unwrap_err();
            assert_eq!(failure.to_string(), "job test: timed out after 5s");
            let told = "a cut · b cut · c never started";
            assert_eq!(outcomes(failure.report()), told);
            assert_eq!(steps, "init a · init b · fin b · fin a");
        },
    )
    .await;
}

#[test]
fn every_test_that_the_table_names_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let rows = include_str!("complaints.rs").lines();
    let named = rows.filter_map(|row| row.strip_prefix("//! | ")?.split('`').nth(1));
    let mut count = 0;
    for named in named {
        let (module, test) = named.rsplit_once("::").unwrap();
        let file = folder.join(module.replace("::", "/")).with_extension("rs");
        let source = fs::read_to_string(file).unwrap_or_default();
        assert!(source.contains(&format!("fn {test}()")), "{named}");
        count += 1;
    }
    assert!(count > 20, "{count} rows");
}
