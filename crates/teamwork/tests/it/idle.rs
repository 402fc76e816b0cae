//! Idle back-off and clocks: rules 2 and 9.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use teamwork::{
    CauseKind, Context, Flow, Job, OnIdle, Outcome, Result, Task, TaskError, TaskWaker,
};
use tokio::time::Instant;

use crate::scripted::{Do, Journal, hangs, outcomes, placed, run_with, sleep, task, waits};

/// Answers by its script, then is done, and notes when it was called.
struct Called {
    flows: Vec<Flow>,
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Task for Called {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        let mut times = self.times.lock().unwrap();
        times.push(Instant::now());
        Ok(self
            .flows
            .get(times.len() - 1)
            .copied()
            .unwrap_or(Flow::Done(())))
    }
}

/// The milliseconds between the calls of such a task.
async fn pauses(flows: impl Into<Vec<Flow>>, inline: bool) -> Vec<u128> {
    let times = Arc::<Mutex<Vec<Instant>>>::default();
    let mut job = Job::new("test");
    job.add_task(
        "a",
        Called {
            flows: flows.into(),
            times: times.clone(),
        },
    );
    placed(job, inline).run().await.unwrap();
    let times = times.lock().unwrap();
    times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_pauses_of_an_idle_task_double_up_to_a_tenth_of_a_second() {
    for inline in [false, true] {
        assert_eq!(
            pauses([Flow::Idle; 9], inline).await,
            [1, 2, 4, 8, 16, 32, 64, 100, 100]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tick_makes_the_next_pause_short_again() {
    let flows = [
        Flow::Idle,
        Flow::Idle,
        Flow::Idle,
        Flow::Tick,
        Flow::Idle,
        Flow::Idle,
    ];
    for inline in [false, true] {
        assert_eq!(pauses(flows, inline).await, [1, 2, 4, 0, 1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wake_from_inside_skips_one_pause() {
    for inline in [false, true] {
        let began = Instant::now();
        let mut job = Job::new("test");
        job.add_recurrent("a", 0, async |calls: &mut u32, cx: &Context| {
            *calls += 1;
            if *calls <= 500 {
                cx.wake();
            }
            Ok(if *calls == 502 {
                Flow::Done(())
            } else {
                Flow::Idle
            })
        });
        placed(job, inline).run().await.unwrap();
        // 500 idle calls without a pause, one with the first pause.
        assert_eq!(began.elapsed().as_millis(), 1);
    }
}

/// Gives its waker away and counts its calls.
struct Sleeper(Option<tokio::sync::oneshot::Sender<TaskWaker>>, Journal);

impl Task for Sleeper {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        self.1.note("run");
        if let Some(sender) = self.0.take() {
            let _ = sender.send(cx.waker());
        }
        Ok(Flow::Idle)
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_ends_the_pause_from_outside() {
    for inline in [false, true] {
        let journal = Journal::default();
        let (sender, waker) = tokio::sync::oneshot::channel();
        let mut job = Job::new("test");
        job.add_task("a", Sleeper(Some(sender), journal.clone()));
        let notes = journal.clone();
        let result = run_with(job, inline, async |handle| {
            let waker = waker.await.unwrap();
            // Calls at 0, 1, 3, 7, 15, 31, 63, 127, 227 ms.
            sleep(130).await;
            notes.note("wake");
            waker.wake();
            sleep(1).await;
            notes.note("finish");
            handle.finish();
        });
        result.await.unwrap();
        let (_, after) = journal
            .text()
            .rsplit_once("run · wake")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(after, " · run · finish");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_fails_the_job() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        job.add_task("a", hangs("a").journal(&journal))
            .idle_timeout(Duration::from_secs(5));
        job.add_task("b", waits("b").journal(&journal));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert!(
            matches!(failure.cause().kind(), CauseKind::IdleTimeout(after) if after.as_secs() == 5)
        );
        assert_eq!(failure.cause().task(), Some("a"));
        assert_eq!(outcomes(failure.report()), "a failed · b cut");
        assert_eq!(
            journal.text(),
            "init a · init b · run a · run b · cut a · cut b · fin b · fin a"
        );
        assert_eq!(failure.report().elapsed().as_secs(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_can_end_the_task_alone() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("test");
        let a = job
            .add_task("a", waits("a").journal(&journal))
            .idle_timeout(Duration::from_secs(5))
            .on_idle(OnIdle::FinishTask)
            .handle();
        job.add_task("b", task("b", [Do::Sleep(9000)]).journal(&journal));
        let report = placed(job, inline).run().await.unwrap();
        assert!(matches!(a.await, Err(TaskError::Stopped)));
        assert_eq!(
            journal.text(),
            "init a · init b · run a · run b · cut a · fin a · run b · fin b"
        );
        assert_eq!(outcomes(&report), "a done · b done");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_can_finish_the_job() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("a", waits("a"))
            .idle_timeout(Duration::from_secs(5))
            .on_idle(OnIdle::FinishJob);
        job.add_task("b", waits("b"));
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(
            (outcomes(&report).as_str(), report.outcome()),
            ("a done · b done", Outcome::Done)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn ticks_and_touches_set_the_idle_clock_back() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("ticks", task("ticks", [Do::Sleep(3000); 6]))
            .idle_timeout(Duration::from_secs(5));
        job.add_fn("touches", async |cx: &Context| {
            for _ in 0..6 {
                sleep(3000).await;
                cx.touch();
            }
            Ok(())
        })
        .idle_timeout(Duration::from_secs(5));
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(outcomes(&report), "ticks done · touches done");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_calls_do_not_set_the_idle_clock_back() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("a", task("a", vec![Do::Idle; 999]))
            .idle_timeout(Duration::from_secs(5));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert!(matches!(failure.cause().kind(), CauseKind::IdleTimeout(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_timeout_counts_the_whole_run() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        let script = vec![Do::Sleep(3000); 9];
        job.add_task("a", task("a", script).init(Do::Sleep(9000)))
            .timeout(Duration::from_secs(10));
        let failure = placed(job, inline).run().await.unwrap_err();
        assert!(
            matches!(failure.cause().kind(), CauseKind::Timeout(after) if after.as_secs() == 10)
        );
        assert_eq!(
            (failure.cause().task(), failure.report().elapsed().as_secs()),
            (Some("a"), 19)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_timeout_belongs_to_no_task() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("a", hangs("a"));
        let failure = placed(job, inline)
            .timeout(Duration::from_secs(10))
            .run()
            .await
            .unwrap_err();
        assert_eq!(failure.to_string(), "job test: timed out after 10s");
        assert_eq!(
            (failure.cause().task(), failure.report().outcome()),
            (None, Outcome::Failed)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_finishes_in_time_is_left_to_its_grace() {
    for inline in [false, true] {
        let mut job = Job::new("test");
        job.add_task("a", task("a", [Do::Sleep(9000), Do::Done]));
        let result = run_with(
            job.timeout(Duration::from_secs(5)),
            inline,
            async |handle| {
                sleep(4000).await;
                handle.finish();
            },
        );
        assert_eq!(outcomes(&result.await.unwrap()), "a done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_timeout_that_comes_after_the_last_run_changes_nothing() {
    for inline in [false, true] {
        let first = task("first", [Do::Done]).finalize(Do::Sleep(50));
        let mut job = Job::new("test").add_oneshot_task("first", first);
        job.add_fn("a", async |_: &Context<()>| Ok(()));
        let job = job.timeout(Duration::from_millis(20));
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(outcomes(&report), "first done · a done");
    }
}

/// Gives its waker away, and is done.
async fn hands_over(
    sender: &mut Option<tokio::sync::oneshot::Sender<TaskWaker>>,
    cx: &Context,
) -> Result<Flow> {
    let sender = sender.take().ok_or("it is called once")?;
    let _ = sender.send(cx.waker());
    Ok(Flow::Done(()))
}

#[tokio::test(start_paused = true)]
async fn the_waker_of_a_task_that_is_over_does_not_wake_the_next_in_its_place() {
    for inline in [false, true] {
        let (job, journal) = crate::scripted::job([waits("stays")]);
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            let (sender, waker) = tokio::sync::oneshot::channel();
            let first = handle.add_recurrent("first", Some(sender), hands_over);
            first.unwrap().await.unwrap();
            let second = Sleeper(None, journal.clone());
            drop(handle.add_task("second", second).unwrap());
            // Calls at 0, 1, 3, 7, 15, 31, 63, 127, 227 ms.
            sleep(130).await;
            journal.note("wake");
            waker.await.unwrap().wake();
            sleep(1).await;
            journal.note("finish");
            handle.finish();
        });
        result.await.unwrap();
        let steps = journal.text();
        assert!(steps.contains("run · wake · finish"), "{steps}");
    }
}
