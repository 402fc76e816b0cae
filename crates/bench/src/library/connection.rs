//! A job in the shape of a connection: a oneshot, two tasks, three finalizers, everything ready at once.

use std::hint::black_box;

use anyhow::Result;
use teamwork::{Context, Flow, Job, Task};

use super::{Setting, contender, hand};
use crate::rows::{Row, Target};

struct Connect(u64);
struct Direction(u64);

impl Task for Connect {
    type Output = u64;

    async fn run(&mut self, _: &Context) -> teamwork::Result<Flow<u64>> {
        Ok(Flow::Done(black_box(self.0)))
    }

    async fn finalize(&mut self, _: &Context) -> teamwork::Result {
        black_box(self.0);
        Ok(())
    }
}

impl Task<u64> for Direction {
    type Output = ();

    async fn run(&mut self, cx: &Context<u64>) -> teamwork::Result<Flow> {
        self.0 += black_box(*cx.value());
        Ok(Flow::Done(()))
    }

    async fn finalize(&mut self, _: &Context<u64>) -> teamwork::Result {
        black_box(self.0);
        Ok(())
    }
}

pub(crate) async fn jobs(count: usize) {
    for seed in 0..count as u64 {
        let mut job = Job::new("session").add_oneshot_task("connect", Connect(seed));
        job.add_task("upload", Direction(1));
        job.add_task("download", Direction(2));
        job.run_inline().await.expect("nothing fails");
    }
}

async fn connect(seed: u64) -> teamwork::Result<u64> {
    Ok(black_box(seed))
}

async fn direction(state: &mut u64, value: &u64) -> teamwork::Result {
    *state += black_box(*value);
    Ok(())
}

async fn clean_up(state: u64) -> teamwork::Result {
    black_box(state);
    Ok(())
}

/// The same by hand, with none of the guarantees: a panic or a drop skips the clean-up.
async fn by_hand(count: usize) {
    for seed in 0..count as u64 {
        let value = connect(seed).await.expect("nothing fails");
        let (mut up, mut down) = (1, 2);
        let (first, second) =
            tokio::join!(direction(&mut up, &value), direction(&mut down, &value));
        let cleaned = [
            clean_up(down).await,
            clean_up(up).await,
            clean_up(value).await,
        ];
        assert!(first.is_ok() && second.is_ok() && cleaned.iter().all(Result::is_ok));
    }
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, .. } = *setting;
    let runtime = &workers.runtime()?;
    let count = scale.count(200_000);
    let contenders = vec![
        contender("inline job", move || {
            hand::on(runtime, hand::nanos_each(count, jobs(count)))
        }),
        contender("join! by hand", move || {
            hand::on(runtime, hand::nanos_each(count, by_hand(count)))
        }),
    ];
    let name = format!("connection-shaped job, {}", workers.label());
    Ok(vec![
        super::row(name, "ns", scale, contenders).target(Target::AtMost(600.0)),
    ])
}
