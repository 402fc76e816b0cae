//! Signals of the process. Each test runs itself once more as a process that can be sent some.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use teamwork::{Context, Job, JobHandle, Outcome};
use tokio::signal::unix::{SignalKind, signal};

/// Says to the process that it is the one to be sent signals.
const VICTIM: &str = "TEAMWORK_VICTIM";

/// A job that waits; `stuck` keeps its thread when it is cancelled, having run another job that listens for signals.
fn victim(stuck: bool) -> Job {
    let mut job = Job::new("victim");
    let finish = async move |cx: &Context| {
        println!("begun");
        cx.drained().await;
        println!("draining");
        std::future::pending::<()>().await;
        Ok(())
    };
    job.add_fn("work", finish);
    job.add_task("clean", Clean { stuck });
    job
}

struct Clean {
    stuck: bool,
}

impl teamwork::Task for Clean {
    type Output = ();

    async fn run(&mut self, _: &Context) -> teamwork::Result<teamwork::Flow> {
        std::future::pending().await
    }

    async fn finalize(&mut self, _: &Context) -> teamwork::Result {
        if self.stuck {
            let other = Job::new("beside it").run_until_signal();
            Box::pin(other).await?;
        }
        println!("finalizing");
        if self.stuck {
            loop {
                std::thread::yield_now();
            }
        }
        Ok(())
    }
}

/// Runs the test of this name as a process of its own.
fn start(test: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Sends a signal after each of these words; gives how the process ended.
fn send(mut child: Child, words: &[(&str, Signal)]) -> ExitStatus {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for &(word, signal) in words {
        let said = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains(word));
        assert!(said, "it says that it is {word}");
        kill_process(Pid::from_child(&child), signal).unwrap();
    }
    // Reads on, so that it is not held up by what it has to say.
    lines.for_each(drop);
    child.wait().unwrap()
}

fn is_victim() -> bool {
    env::var_os(VICTIM).is_some()
}

fn outcome(job: Job) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ended = runtime.block_on(job.run_until_signal());
    ended.map_or_else(
        |failure| failure.report().outcome(),
        |report| report.outcome(),
    )
}

#[test]
fn the_first_signal_drains_and_the_second_is_not_swallowed() {
    if is_victim() {
        assert_eq!(outcome(victim(false)), Outcome::Cancelled);
        return;
    }
    let child = start("signals::the_first_signal_drains_and_the_second_is_not_swallowed");
    let words = [("begun", Signal::INT), ("draining", Signal::TERM)];
    assert!(send(child, &words).success());
}

#[test]
fn a_third_signal_ends_even_a_process_that_is_stuck() {
    if is_victim() {
        outcome(victim(true));
        return;
    }
    let child = start("signals::a_third_signal_ends_even_a_process_that_is_stuck");
    let words = [
        ("begun", Signal::INT),
        ("draining", Signal::INT),
        ("finalizing", Signal::INT),
    ];
    let status = send(child, &words);
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{status}");
}

#[test]
fn a_job_after_one_that_was_interrupted_twice_is_drained_by_the_next_signal() {
    if is_victim() {
        assert_eq!(outcome(victim(false)), Outcome::Cancelled);
        assert_eq!(outcome(victim(false)), Outcome::Cancelled);
        return;
    }
    let child =
        start("signals::a_job_after_one_that_was_interrupted_twice_is_drained_by_the_next_signal");
    let words = [("begun", Signal::INT), ("draining", Signal::INT)];
    let twice = [words, words].concat();
    assert!(send(child, &twice).success());
}

/// Drains without a signal, and goes on with its work after the first one.
fn drains_itself() -> Job {
    let mut job = Job::new("victim");
    job.add_fn("work", async |cx: &Context| {
        let mut interrupts = signal(SignalKind::interrupt())?;
        cx.job().drain();
        cx.drained().await;
        println!("draining");
        interrupts.recv().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    });
    job
}

#[test]
fn the_first_signal_does_not_cancel_a_job_that_drains_already() {
    if is_victim() {
        assert_eq!(outcome(drains_itself()), Outcome::Done);
        return;
    }
    let child = start("signals::the_first_signal_does_not_cancel_a_job_that_drains_already");
    assert!(send(child, &[("draining", Signal::INT)]).success());
}

#[tokio::test(start_paused = true)]
async fn handles_stop_a_job_that_waits_for_signals_too() {
    let job = victim(false);
    let handle: JobHandle = job.handle();
    handle.cancel("enough");
    let failure = job.run_until_signal().await.unwrap_err();
    assert_eq!(failure.report().outcome(), Outcome::Cancelled);
}
