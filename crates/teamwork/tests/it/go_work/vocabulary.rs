//! What the vocabulary of the Go package has become, where its own tests do not say so.
//!
//! `Log`, `RegisterLogger` and `RegisterDefaultLogger` have become spans and subscribers, which are tested in `tests/spans.rs`.

use teamwork::{
    By, CauseKind, Context, Event, Flow, Job, Outcome, Result, SendError, Task, TaskOutcome,
    rendezvous,
};
use tokio::sync::{mpsc, oneshot};

use super::{Asks, divide};
use crate::scripted::{
    Do, Journal, assert_ends, both, hangs, job, ok, outcomes, placed, run_with, sleep, task, waits,
};

/// `FinishJob` and `Finish`. Go lets the other tasks run on beside their finalizers, which close channels to get them to stop.
#[tokio::test(start_paused = true)]
async fn finishing_the_job_ends_the_others_between_two_calls() {
    both(
        || {
            let works = task("works", vec![Do::Sleep(10); 99]);
            job([works, task("ends", [Do::Sleep(25), Do::FinishJob])])
        },
        |result, steps| {
            assert_eq!(outcomes(&result.unwrap()), "works done · ends done");
            assert!(
                steps.ends_with("run ends · fin ends · fin works"),
                "{steps}"
            );
        },
    )
    .await;
}

/// `Tick`, `Done`, `Idle`, `FinishJob` are methods in Go, and two calls of one `run` leave a token in a channel for the next one, or block
/// for ever. Here each is the one value that `run` returns.
#[tokio::test(start_paused = true)]
async fn a_run_says_exactly_once_how_to_go_on() {
    for inline in [false, true] {
        let mut job = Job::new("ticks");
        let steps = [Flow::Tick, Flow::Idle, Flow::Tick, Flow::Done(7)];
        let next = async |left: &mut std::array::IntoIter<Flow<u8>, 4>, _: &Context| {
            left.next().ok_or_else(|| "run after done".into())
        };
        let value = job.add_recurrent("ticks", steps.into_iter(), next).handle();
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(report.task("ticks").unwrap().ticks, 2);
        assert_eq!(value.await.unwrap(), 7);
    }
}

/// `TaskDoneNotify`. Go's channel has a place for each task, for as long as the job is there; nobody need listen here.
#[tokio::test(start_paused = true)]
async fn a_listener_hears_of_each_task_that_is_done() {
    for inline in [false, true] {
        let (job, _) = job([task("a", [Do::DoneAfter(9)]), ok("b")]);
        let mut events = job.handle().events();
        placed(job, inline).run().await.unwrap();
        let mut done = Vec::new();
        while let Some(event) = events.next().await {
            if let Event::TaskEnded(task) = event {
                done.push((task.name, task.index, task.outcome));
            }
        }
        let expected = [("b", 1), ("a", 0)];
        assert_eq!(
            done,
            expected.map(|(name, index)| (name.to_owned(), index, TaskOutcome::Done))
        );
    }
}

/// `GetValue` and `SetValue`: the oneshot's value, typed, and set before anybody can ask for it.
#[tokio::test(start_paused = true)]
async fn the_jobs_value_is_what_the_oneshot_returned() {
    for inline in [false, true] {
        let connect = async |_: &Context| Ok(String::from("a connection"));
        let mut job = Job::new("value").add_oneshot_fn("connect", connect);
        let length = job
            .add_fn("read", async |cx: &Context<String>| Ok(cx.value().len()))
            .handle();
        placed(job, inline).run().await.unwrap();
        assert_eq!(length.await.unwrap(), 12);
    }
}

/// The README's ping/pong with two channels: when one side ends in Go, the other one waits for good unless a finalizer closes the channels.
#[tokio::test(start_paused = true)]
async fn a_rendezvous_takes_turns_and_ends_with_either_side() {
    for inline in [false, true] {
        let journal = Journal::default();
        let (sender, mut receiver) = rendezvous::<u8, u8>();
        let (sends, receives) = (journal.clone(), journal.clone());
        let mut job = Job::new("pipe");
        job.add_fn("upstream", async move |_: &Context| {
            for number in 1..=2 {
                let answer = sender.send(number).await?;
                sends.note(format!("{number} is answered: {answer}"));
            }
            assert_eq!(sender.send(3).await, Err(SendError::Closed(3)));
            Ok(())
        });
        job.add_fn("downstream", async move |_: &Context| {
            for _ in 0..2 {
                let number = receiver.recv().await.ok_or("upstream is gone")?;
                sleep(5).await;
                receives.note(format!("{} is written", *number));
                let answer = *number * 10;
                number.answer(answer);
            }
            Ok(())
        });
        placed(job, inline).run().await.unwrap();
        let told = "1 is written · 1 is answered: 10 · 2 is written · 2 is answered: 20";
        assert_eq!(journal.text(), told);
    }
}

/// "To prevent a task from being blocked for good, be sure to close all channels it's using in its finalization routine." There is no need.
#[tokio::test(start_paused = true)]
async fn a_task_that_waits_on_a_channel_is_stopped_without_closing_it() {
    for inline in [false, true] {
        let (_open, mut never) = mpsc::channel::<()>(1);
        let mut job = Job::new("blocked");
        job.add_fn("blocked", async move |cx: &Context| {
            cx.wait(never.recv()).await;
            Ok(())
        });
        job.add_task("ends", task("ends", [Do::Sleep(5), Do::FinishJob]));
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(outcomes(&report), "blocked done · ends done");
    }
}

/// `WithShutdown(func(err))` runs before the finalizers in Go: a task that is added first, and so finalized last, does better.
#[tokio::test(start_paused = true)]
async fn the_first_tasks_finalizer_is_the_shutdown_handler_and_knows_the_cause() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("shutdown");
        job.add_task("handler", Asks(journal.clone()));
        job.add_task("a", waits("a").journal(&journal));
        job.add_future("b", divide(1, 0, 5));
        placed(job, inline).run().await.unwrap_err();
        let told = "cut a · fin a · stopping true, ended false, b: division by zero";
        assert_ends(&journal, told);
    }
}

/// `run == nil`: a task that has an `init` only.
struct InitOnly(Journal);

impl Task for InitOnly {
    type Output = ();

    async fn init(&mut self, _: &Context) -> Result {
        self.0.note("init");
        Ok(())
    }

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        Ok(Flow::Done(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_may_have_an_init_only_and_inits_keep_their_order() {
    for inline in [false, true] {
        let journal = Journal::default();
        let mut job = Job::new("inits");
        // Go runs inits in the order of a map.
        job.add_task("only", InitOnly(journal.clone()));
        job.add_task("a", ok("a").journal(&journal));
        placed(job, inline).run().await.unwrap();
        assert_eq!(journal.text(), "init · init a · run a · fin a");
    }
}

/// `Cancel(err)`: its reason is what `GetInterruptedBy` gives. In Go a task looks between two runs, and one that waits in its run is left
/// there.
#[tokio::test(start_paused = true)]
async fn a_cancel_gives_its_reason_to_all_and_leaves_nothing_to_run() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        job.add_task("asks", Asks(journal.clone()));
        job.add_task("deaf", hangs("deaf").journal(&journal));
        let result = run_with(job, inline, async |handle| {
            sleep(5).await;
            handle.cancel("enough");
        });
        let failure = result.await.unwrap_err();
        let CauseKind::Cancelled { by, reason } = failure.cause().kind() else {
            panic!("{failure}")
        };
        assert_eq!((*by, &**reason), (By::Caller, "enough"));
        assert_eq!(failure.report().outcome(), Outcome::Cancelled);
        let told = "fin deaf · stopping true, ended false, cancelled by the caller: enough";
        assert_ends(&journal, told);
    }
}

/// `WithPrerequisites`: Go takes channels, and `Run` itself does not return before all of them have spoken, whatever is cancelled. Here
/// each is a future, and its error a failure of the job.
#[tokio::test(start_paused = true)]
async fn a_job_begins_when_its_prerequisites_are_met_and_can_be_stopped_before() {
    for inline in [false, true] {
        for is_met in [false, true] {
            let (job, journal) = job([ok("a")]);
            let (meet, met) = oneshot::channel::<()>();
            let notes = journal.clone();
            let job = job.after(async move {
                met.await?;
                notes.note("met");
                Ok(())
            });
            let result = run_with(job, inline, async |handle| {
                sleep(5).await;
                if is_met {
                    meet.send(()).unwrap();
                } else {
                    handle.cancel("it takes too long");
                }
            });
            assert_eq!(result.await.is_ok(), is_met);
            let told = if is_met {
                "met · init a · run a · fin a"
            } else {
                ""
            };
            assert_eq!(journal.text(), told);
        }
    }
}

/// `AssertNotNil`: an `Option` says that there may be nothing, and `ok_or` what follows then.
#[tokio::test(start_paused = true)]
async fn what_is_not_there_fails_the_task_that_needs_it() {
    for inline in [false, true] {
        let mut job = Job::new("nil");
        job.add_fn("read", async |_: &Context| {
            let found = [1, 2, 3].iter().find(|number| **number == 4);
            Ok(*found.ok_or("there is no 4")?)
        });
        let failure = placed(job, inline).run().await.unwrap_err();
        assert_eq!(failure.to_string(), "job nil: read: there is no 4");
    }
}
