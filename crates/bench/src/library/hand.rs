//! The raw primitives that the engine is measured against.
#![expect(clippy::disallowed_methods, reason = "bare spawns are the peers")]

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

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
    unpark_all();
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        set.spawn(park());
    }
    all_parked(tasks).await;
    set
}

/// How many tasks have come to where they wait for ever.
static PARKED: AtomicUsize = AtomicUsize::new(0);

/// Waits for ever, and is counted once it does.
pub(crate) async fn park<T>() -> T {
    PARKED.fetch_add(1, Ordering::Relaxed);
    std::future::pending().await
}

/// Counts from nought again.
pub(crate) fn unpark_all() {
    PARKED.store(0, Ordering::Relaxed);
}

/// Waits until so many tasks are parked.
pub(crate) async fn all_parked(tasks: usize) {
    while PARKED.load(Ordering::Relaxed) < tasks {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// The same without a pause, where it is part of what is measured.
pub(crate) async fn all_parked_soon(tasks: usize) {
    while PARKED.load(Ordering::Relaxed) < tasks {
        tokio::task::yield_now().await;
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
        set.spawn(async move {
            PARKED.fetch_add(1, Ordering::Relaxed);
            token.cancelled().await;
        });
    }
    set
}
