//! Twenty pieces of work, four at a time. Finished ones leave nothing behind, so there could be millions.
//!
//! Prints: `20 results, at most 4 at a time`
//! Prints: `20 tasks came and went`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use teamwork::{Context, Job, Result};
use tokio::sync::mpsc;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

async fn square(number: u64) -> u64 {
    MOST.fetch_max(NOW.fetch_add(1, Relaxed) + 1, Relaxed);
    tokio::time::sleep(Duration::from_millis(20)).await;
    NOW.fetch_sub(1, Relaxed);
    number * number
}

#[tokio::main]
async fn main() -> Result {
    let (results, mut squares) = mpsc::channel(20);
    // "feed" is a task as well: four workers and itself.
    let mut job = Job::new("pool").max_tasks(5);
    job.add_fn("feed", async move |cx: &Context| {
        for number in 1..=20 {
            let results = results.clone();
            // Waits for a free place; once the job is to stop, there is none any more.
            let Some(place) = cx.job().place().await else {
                break;
            };
            place.add_fn("worker", async move |_: &Context| {
                results.send(square(number).await).await?; // An error here ends the whole pool.
                Ok(())
            })?;
        }
        Ok(())
    });
    let report = job.run().await?;
    let mut count = 0;
    while let Some(square) = squares.recv().await {
        assert!(square <= 400);
        count += 1;
    }
    println!("{count} results, at most {} at a time", MOST.load(Relaxed));
    println!("{report}");
    Ok(())
}
