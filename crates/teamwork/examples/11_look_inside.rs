//! To see inside: log lines that say which job and which task they come from, and a snapshot of who does what, as a tree.
//!
//! Prints: `job{name="server"}:task{name="session"}:job{name="session"}:task{name="read"}: a request path="/"`
//! Prints: `├─ accept waiting`
//! Prints: `└─ session running`
//! Prints: `   ├─ read waiting  ticks 1`
//! Prints: `   └─ write in run`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::{future::pending, time::Duration};

use teamwork::{Context, Flow, Job, Result};
use tracing::{Level, info};

/// A child: one task waits for the next request, the other is in the midst of an answer.
fn session() -> Job {
    let mut job = Job::new("session");
    job.add_recurrent("read", 0, async |requests: &mut u32, cx: &Context| {
        *requests += 1;
        if *requests > 1 {
            cx.wait(pending::<()>()).await; // A safe point: it shows as waiting.
        }
        info!(path = "/", "a request");
        Ok(Flow::<()>::Tick)
    });
    job.add_fn("write", async |_: &Context| {
        pending::<()>().await; // No safe point: only a cut stops it here.
        Ok(())
    });
    job
}

#[tokio::main]
async fn main() -> Result {
    // Spans of jobs and tasks are at debug level: a server has many of them.
    let log = tracing_subscriber::fmt().with_max_level(Level::DEBUG);
    let log = log.without_time().with_ansi(false).with_target(false);
    // A subscriber of its own, or the global one: `.init()`.
    let mut job = Job::new("server").subscriber(log.finish());
    job.add_fn("accept", async |cx: &Context| {
        cx.wait(pending::<()>()).await;
        Ok(())
    });
    job.add_job(session());
    let server = job.grace(Duration::ZERO).run_in_background().await?;
    // Tasks are asked, so that nobody pays for it while nobody looks. Soon each has got as far as it gets.
    let look = async {
        while !server.snapshot().await.to_string().contains("read waiting") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), look).await?;
    println!("{}", server.snapshot().await);
    server.finish();
    println!("{}", server.wait().await);
    Ok(())
}
