//! One tick of a recurrent task beside one iteration of a bare async loop.

use std::hint::black_box;

use anyhow::Result;
use teamwork::{Context, Flow, Job};

use super::{Setting, contender, hand};
use crate::rows::{Row, Target};

async fn step(count: &mut u64) {
    *count = black_box(*count) + 1;
}

async fn bare(iterations: u64) {
    let mut count = 0;
    while count < iterations {
        step(&mut count).await;
    }
}

async fn ticks(iterations: u64) {
    let mut job =
        Job::new("ticks").add_oneshot_fn("limit", async move |_: &Context| Ok(iterations));
    job.add_recurrent("count", 0, async |count: &mut u64, cx: &Context<u64>| {
        step(count).await;
        // The bare loop reads its limit from a register; the context's value is one load more.
        Ok(if *count < *black_box(cx.value()) {
            Flow::Tick
        } else {
            Flow::Done(())
        })
    });
    job.run_inline().await.expect("counting does not fail");
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, .. } = *setting;
    let runtime = &workers.runtime()?;
    let iterations = scale.count(4_000_000);
    let contenders = vec![
        contender("tick", move || {
            hand::on(
                runtime,
                hand::nanos_each(iterations, ticks(iterations as u64)),
            )
        }),
        contender("bare loop", move || {
            hand::on(
                runtime,
                hand::nanos_each(iterations, bare(iterations as u64)),
            )
        }),
    ];
    let name = format!("one tick, {}", workers.label());
    Ok(vec![
        super::row(name, "ns", scale, contenders).target(Target::Above(15.0)),
    ])
}
