//! Sketches of engine layouts, on a job in the shape of a connection: what the choice in
//! `docs/decisions/001-engine-layout.md` was measured with.
//!
//! Each sketch runs a oneshot, two tasks and three finalizers, catches panics and looks at a stop flag; none has names,
//! causes, clocks or a report, so they compare with each other, not with the engine.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    hint::black_box,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use anyhow::Result;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    library::{Scale, Workers, connection, contender, hand, row},
    rows::{Row, Rows},
};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task of a sketch: one number that `run` and `finalize` touch.
async fn run(state: &mut u64) {
    *state += black_box(1);
}

async fn finalize(state: u64) {
    black_box(state);
}

/// Polls under guard: a panic ends the future, a stop drops it.
async fn guarded(stop: &AtomicU8, future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| {
        if stop.load(Ordering::Acquire) > 0 {
            return Poll::Ready(());
        }
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))).unwrap_or(Poll::Ready(()))
    })
    .await;
}

/// Layout A: the state behind a lock that every driver takes, a `FuturesUnordered` to poll them.
mod locked {
    use super::{
        Arc, AtomicU8, Boxed, FuturesUnordered, Mutex, PoisonError, StreamExt, finalize, guarded,
        run,
    };

    #[derive(Default)]
    struct Shared {
        stop: AtomicU8,
        /// Runs that have ended, and finalizers that have.
        state: Mutex<(u32, u32)>,
    }

    async fn drive(shared: Arc<Shared>, mut state: u64) {
        guarded(&shared.stop, run(&mut state)).await;
        shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0 += 1;
        guarded(&AtomicU8::new(0), finalize(state)).await;
        shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1 += 1;
    }

    pub(super) async fn jobs(count: usize) {
        for seed in 0..count as u64 {
            let shared = Arc::<Shared>::default();
            let oneshot: Boxed = Box::pin(drive(shared.clone(), seed));
            oneshot.await;
            let tasks = (1..=2).map(|task| -> Boxed { Box::pin(drive(shared.clone(), task)) });
            let mut tasks: FuturesUnordered<Boxed> = tasks.collect();
            while tasks.next().await.is_some() {}
        }
    }
}

/// Layout B: the state owned by one supervisor, drivers that leave their steps in a thread-local, all of them polled.
mod owned {
    use super::{Arc, AtomicU8, Boxed, Cell, Context, Poll, finalize, guarded, poll_fn, run};

    thread_local! {
        static STEP: Cell<Option<u8>> = const { Cell::new(None) };
    }

    async fn leave(step: u8) {
        STEP.set(Some(step));
        let mut left = false;
        poll_fn(|_| {
            if std::mem::replace(&mut left, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    async fn drive(stop: Arc<AtomicU8>, mut state: u64) {
        guarded(&stop, run(&mut state)).await;
        leave(1).await;
        guarded(&AtomicU8::new(0), finalize(state)).await;
    }

    /// Polls every driver once; those that left a step are polled on.
    fn poll_all(drivers: &mut Vec<Boxed>, cx: &mut Context<'_>) -> Poll<()> {
        drivers.retain_mut(|driver| {
            loop {
                match (driver.as_mut().poll(cx), STEP.take()) {
                    (Poll::Ready(()), _) => return false,
                    (Poll::Pending, None) => return true,
                    (Poll::Pending, Some(_)) => {}
                }
            }
        });
        if drivers.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    pub(super) async fn jobs(count: usize) {
        for seed in 0..count as u64 {
            let stop = Arc::<AtomicU8>::default();
            let mut drivers: Vec<Boxed> = Vec::with_capacity(3);
            drivers.push(Box::pin(drive(stop.clone(), seed)));
            poll_fn(|cx| poll_all(&mut drivers, cx)).await;
            drivers.extend((1..=2).map(|task| -> Boxed { Box::pin(drive(stop.clone(), task)) }));
            poll_fn(|cx| poll_all(&mut drivers, cx)).await;
        }
    }
}

/// Layout C: a runtime task per task, a token to stop them, finalizers in each task.
#[expect(
    clippy::disallowed_methods,
    reason = "the layout is measured as it would be written by hand"
)]
async fn spawned(count: usize) {
    for seed in 0..count as u64 {
        let token = CancellationToken::new();
        let mut oneshot = seed;
        run(&mut oneshot).await;
        let mut set = JoinSet::new();
        for mut state in 1..=2 {
            let token = token.clone();
            set.spawn(async move {
                let _ = token.run_until_cancelled(run(&mut state)).await;
                finalize(state).await;
            });
        }
        while set.join_next().await.is_some() {}
        finalize(oneshot).await;
    }
}

/// Measures the sketches beside the engine.
pub(crate) fn rows(quick: bool) -> Result<Rows> {
    let scale = Scale::new(quick);
    let count = scale.count(200_000);
    let mut rows: Vec<Row> = Vec::new();
    for workers in [Workers::Current, Workers::Two] {
        let runtime = &workers.runtime()?;
        let contenders = vec![
            contender("engine", move || {
                hand::on(runtime, hand::nanos_each(count, connection::jobs(count)))
            }),
            contender("A locked + FuturesUnordered", move || {
                hand::on(runtime, hand::nanos_each(count, locked::jobs(count)))
            }),
            contender("B owned + poll all", move || {
                hand::on(runtime, hand::nanos_each(count, owned::jobs(count)))
            }),
            contender("C task each + token", move || {
                hand::on(runtime, hand::nanos_each(count, spawned(count)))
            }),
        ];
        rows.push(row(
            format!("connection-shaped job, {}", workers.label()),
            "ns",
            scale,
            contenders,
        ));
    }
    Ok(Rows(rows))
}
