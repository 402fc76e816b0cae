//! Work that keeps a core busy: on a bounded pool, asked to end when the job stops, waited for, and named if it stays.
//!
//! Prints: `the sum is 499500`
//! Prints: `search stopped by its flag`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::{num::NonZero, time::Duration};

use teamwork::{BlockingPool, Context, Job, Result, StopFlag};

/// Looks for what is not there.
fn search(stop: &StopFlag) -> Result {
    for candidate in 0_u64.. {
        if candidate % 1024 == 0 && stop.is_stopped() {
            println!("search stopped by its flag");
            break;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    // Two calls at a time, eight more may wait; a ninth waits to be let in, at a safe point.
    let threads = NonZero::new(2).ok_or("two is not zero")?;
    let pool = BlockingPool::new(threads, 8);
    let mut job = Job::new("numbers");
    let sum = job
        .add_task("sum", pool.task(|_| Ok((0..1000_u64).sum::<u64>())))
        .handle();
    job.add_task("search", pool.task(search));
    job.add_fn("clock", async |cx: &Context| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cx.job().finish(); // Raises the flag, and waits for the call.
        Ok(())
    });
    let report = job.run().await?;
    println!("the sum is {}", sum.await?);
    println!("{report}");
    Ok(())
}
