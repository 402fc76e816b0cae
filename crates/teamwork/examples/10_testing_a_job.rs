//! How to test a job: on paused time, with its events as the journal. An hour takes no time, and goes the same way each time.
//!
//! Prints: `event: cut: poll: idle for 3600s`
//! Prints: `the test passes`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use teamwork::{CauseKind, Context, Flow, Job, Result, Task, TaskOutcome};
use tokio::time::{Instant, sleep};

/// What is tested: a poller that gives up when nothing has come for an hour.
struct Poll(u32);

impl Task for Poll {
    type Output = ();

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        sleep(Duration::from_secs(60)).await;
        self.0 = self.0.saturating_sub(1);
        Ok(if self.0 > 0 { Flow::Tick } else { Flow::Idle })
    }
}

fn poller(messages: u32) -> Job {
    let mut job = Job::new("poller");
    job.add_task("poll", Poll(messages))
        .idle_timeout(Duration::from_secs(3600));
    job
}

/// In a test: `#[tokio::test(start_paused = true)]`. Whenever every task waits, the clock jumps to the next timer.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result {
    let job = poller(3);
    // Listen before the job runs, and nothing is missed.
    let mut events = job.handle().events();
    let begun = Instant::now();
    let failure = job.run().await.err().ok_or("the poller gives up")?;

    // The cause says who and what; match on it, not on its words.
    assert_eq!(failure.cause().task(), Some("poll"));
    assert!(matches!(failure.cause().kind(), CauseKind::IdleTimeout(_)));
    // The report says what became of each task. Time is virtual, so it can be asserted.
    let poll = failure.report().task("poll").ok_or("it is listed")?;
    assert_eq!((poll.outcome, poll.ticks), (TaskOutcome::Failed, 2));
    assert_eq!(begun.elapsed().as_secs(), 2 * 60 + 3600);
    // The events say in which order it happened.
    while let Some(event) = events.next().await {
        println!("event: {event}");
    }
    println!("the test passes");
    Ok(())
}
