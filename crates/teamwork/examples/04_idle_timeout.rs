//! A peer that falls silent: what an idle timeout does is a policy, and the report says who was idle.
//!
//! Prints: `FailJob: job download: chunks: idle for 100ms`
//! Prints: `FinishTask: download done`
//! Prints: `FinishJob: download done`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use teamwork::{Context, Flow, Job, OnIdle, Result, Task};
use tokio::sync::mpsc;

struct Chunks(mpsc::Receiver<u32>);

impl Task for Chunks {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> Result<Flow> {
        let _chunk = cx.wait(self.0.recv()).await.ok_or("the peer is gone")?;
        Ok(Flow::Tick) // Sets the idle clock back. So does `cx.touch()`, within a long call.
    }

    async fn finalize(&mut self, cx: &Context) -> Result {
        println!("closed after {} chunks", cx.ticks());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result {
    for policy in [OnIdle::FailJob, OnIdle::FinishTask, OnIdle::FinishJob] {
        let (peer, chunks) = mpsc::channel(4);
        let mut job = Job::new("download");
        job.add_task("chunks", Chunks(chunks))
            .idle_timeout(Duration::from_millis(100))
            .on_idle(policy);
        for chunk in 0..3 {
            peer.send(chunk).await?; // The peer sends three chunks, and no more.
        }
        match job.run().await {
            Ok(report) => println!("{policy:?}: {report}"),
            Err(failure) => println!("{policy:?}: {failure}"),
        }
    }
    Ok(())
}
