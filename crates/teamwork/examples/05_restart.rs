//! A task that is tried again before its failure counts: a fresh state each time, and a pause that doubles.
//!
//! Prints: `attempt 3 is connected`
//! Prints: `feed done`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use teamwork::{Context, Flow, Job, Restart, Result, Task};

struct Feed {
    attempt: u32,
}

impl Task for Feed {
    type Output = ();

    async fn init(&mut self, _: &Context) -> Result {
        teamwork::ensure!(self.attempt > 1, "attempt 1 finds nobody");
        Ok(())
    }

    async fn run(&mut self, _: &Context) -> Result<Flow> {
        // A panic or a timeout would count just as well.
        teamwork::ensure!(self.attempt > 2, "attempt 2 loses its connection");
        println!("attempt {} is connected", self.attempt);
        Ok(Flow::Done(()))
    }

    // The next attempt begins when this is through.
    async fn finalize(&mut self, _: &Context) -> Result {
        println!("attempt {} is cleaned up", self.attempt);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result {
    let policy = Restart::at_most(3, Duration::from_secs(60))
        .pause(Duration::from_millis(20), Duration::from_millis(100));
    let mut attempt = 0;
    let make = move || {
        attempt += 1;
        Feed { attempt }
    };
    let mut job = Job::new("feed");
    job.add_task("feed", policy.task(make));
    println!("{}", job.run().await?);
    Ok(())
}
