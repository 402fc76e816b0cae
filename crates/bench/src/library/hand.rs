//! The raw primitives that the engine is measured against.
#![expect(clippy::disallowed_methods, reason = "bare spawns are the peers")]

use std::{future::Future, time::Instant};

use tokio::{
    runtime::Runtime,
    task::{JoinHandle, JoinSet},
};

use tokio_util::sync::CancellationToken;

/// Runs a body on the runtime's own workers, as a server would, and gives back what it returns.
pub(crate) fn on<T: Send + 'static>(
    runtime: &Runtime,
    body: impl Future<Output = T> + Send + 'static,
) -> T {
    runtime.block_on(async {
        tokio::spawn(body)
            .await
            .expect("a measured body does not panic")
    })
}

/// Nanoseconds per item that a body took.
pub(crate) async fn nanos_each(items: usize, body: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    body.await;
    start.elapsed().as_nanos() as f64 / items as f64
}

pub(crate) async fn join_set(tasks: usize) {
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        set.spawn(async {});
    }
    while set.join_next().await.is_some() {}
}

pub(crate) async fn bare_spawns(tasks: usize) {
    let handles: Vec<_> = (0..tasks).map(|_| spawned(async {})).collect();
    for handle in handles {
        handle.await.expect("nothing panics");
    }
}

pub(crate) fn spawned<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(future)
}

/// A set of tasks that wait for ever, all of them polled once.
pub(crate) async fn parked_set(tasks: usize) -> JoinSet<()> {
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        set.spawn(std::future::pending());
    }
    settle().await;
    set
}

/// Lets everything that was spawned be polled once.
pub(crate) async fn settle() {
    // Timers fire after the queue has been worked off; on two workers the second round waits out the other worker.
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub(crate) async fn abort_and_join(mut set: JoinSet<()>) {
    set.abort_all();
    while set.join_next().await.is_some() {}
}

/// Tasks that wait for a token.
pub(crate) fn token_set(tasks: usize, token: &CancellationToken) -> JoinSet<()> {
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let token = token.clone();
        set.spawn(async move { token.cancelled().await });
    }
    set
}
