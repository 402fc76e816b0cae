//! Two tasks with one fate: when one of them finishes the job, the other one is stopped and cleans up.
//!
//! Prints: `hello 3`
//! Prints: `the listener hangs up`
//! Prints: `hello done`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use teamwork::{Context, Flow, Job, Result, Task};

struct Listen;

impl Task for Listen {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        cx.wait(std::future::pending::<()>()).await; // A finish stops the task right here.
        Ok(Flow::Tick)
    }

    // Runs whatever happened: an end, an error, a panic, a cancel.
    async fn finalize(&mut self, _: &Context) -> Result {
        println!("the listener hangs up");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result {
    let mut job = Job::new("hello");
    job.add_task("listen", Listen);
    job.add_recurrent("speak", 0, async |said: &mut u32, _: &Context| {
        tokio::time::sleep(Duration::from_millis(10)).await;
        *said += 1;
        println!("hello {said}");
        Ok(if *said == 3 {
            Flow::FinishJob(())
        } else {
            Flow::Tick
        })
    });
    let report = job.timeout(Duration::from_secs(5)).run().await?;
    println!("{report}");
    Ok(())
}
