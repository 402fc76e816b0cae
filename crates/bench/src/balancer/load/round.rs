//! One round: connections are made and warmed up, used for a while and closed, while others' processes are watched.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    thread::available_parallelism,
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::future::{try_join, try_join_all};
use tokio::time::{Instant, sleep};

use super::{
    clients::{Download, Latencies, Pinger, Upload, connect, connect_and_close, percentile},
    order::{Measured, Mix, Order},
    upstream::Seen,
};
use crate::balancer::usage::{Usage, busy_ns, private_bytes};

/// How many connections are made at a time.
const CONNECTING_MAX: usize = 64;

/// How long connections may take to be seen closed.
const CLOSING_MAX: Duration = Duration::from_secs(3);

/// How often is looked whether memory has fallen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long open sessions are left alone before their memory is read.
const REST: Duration = Duration::from_millis(500);

/// The connections of a round.
pub(super) struct Round {
    order: Order,
    seen: Arc<Seen>,
    downloads: Vec<Download>,
    uploads: Vec<Upload>,
    pingers: Vec<Pinger>,
    private_before: u64,
    /// What has been added to that at the end of the window.
    grown: u64,
}

/// What the clients did for a while.
#[derive(Default)]
struct Done {
    latencies: Latencies,
    downloaded: u64,
}

impl Round {
    /// Connects and warms up.
    pub(super) async fn prepare(order: Order, seen: Arc<Seen>) -> Result<Self> {
        let mut round = Self {
            order,
            seen,
            downloads: Vec::new(),
            uploads: Vec::new(),
            pingers: Vec::new(),
            private_before: 0,
            grown: 0,
        };
        if round.mix().idle > 0 || round.mix().connections > round.mix().requests {
            round.touch_once().await?;
        }
        round.private_before = private_bytes(&round.order.processes)?;
        round.connect().await.context("connect")?;
        let warm_up = Duration::from_millis(round.order.warm_up_ms);
        round.run_for(warm_up).await.context("warm up")?;
        Ok(round)
    }

    /// Does it for as long as the window is.
    pub(super) async fn measure(&mut self) -> Result<Measured> {
        let uploaded = self.seen.uploaded.load(Ordering::Relaxed);
        let me = [std::process::id()];
        let busy = busy_ns()?;
        let (mine, workers) = (Usage::of(&me)?, Usage::of_kernel_workers()?);
        let before = Usage::of(&self.order.processes)?;
        let start = Instant::now();
        let done = self
            .run_for(Duration::from_millis(self.order.window_ms))
            .await?;
        let mut latencies = done.latencies;
        if self.mix().closers > 0 {
            self.all_closed().await;
        }
        let idle = self.mix().idle;
        if idle > 0 {
            latencies = self.hold(idle).await?;
        }
        let elapsed = start.elapsed();
        let spent = Usage::of(&self.order.processes)?.since(&before);
        let known = spent.cpu_ns + Usage::of(&me)?.since(&mine).cpu_ns;
        let whole_ns = known + Usage::of_kernel_workers()?.since(&workers).cpu_ns;
        let others = (busy_ns()? - busy).saturating_sub(known) as f64;
        let all = elapsed.as_nanos() as f64 * available_parallelism()?.get() as f64;
        if idle > 0 {
            sleep(REST).await;
        }
        let uploaded = self.seen.uploaded.load(Ordering::Relaxed) - uploaded;
        let private_bytes = private_bytes(&self.order.processes)?;
        self.grown = private_bytes.saturating_sub(self.private_before);
        latencies.sort_unstable();
        Ok(Measured {
            seconds: elapsed.as_secs_f64(),
            operations: latencies.len() as u64,
            sessions: self.mix().connections.max(idle) as u64,
            stream_bytes: done.downloaded + uploaded,
            p50_ns: percentile(&latencies, 0.5),
            p99_ns: percentile(&latencies, 0.99),
            spent,
            whole_ns,
            others_share: others / all,
            private_before: self.private_before,
            private_bytes,
        })
    }

    /// Closes everything; returns the processes' private memory once it does not fall any more.
    pub(super) async fn close(mut self) -> Result<u64> {
        self.downloads.clear();
        self.uploads.clear();
        self.pingers.clear();
        self.seen.enough.notify_waiters();
        self.all_closed().await;
        let mut least = private_bytes(&self.order.processes)?;
        if self.mix().idle > 0 {
            let end = Instant::now() + Duration::from_millis(self.order.settle_ms);
            // A twentieth of it may stay without anybody waiting for the rest.
            let enough = self.private_before + self.grown / 20;
            while least > enough && Instant::now() < end {
                sleep(LOOK_EVERY).await;
                least = least.min(private_bytes(&self.order.processes)?);
            }
        }
        Ok(least)
    }

    fn mix(&self) -> &Mix {
        &self.order.mix
    }

    /// Where the connection of this number goes.
    fn target(&self, number: usize) -> SocketAddr {
        self.order.targets[number % self.order.targets.len()]
    }

    async fn connect(&mut self) -> io::Result<()> {
        let mix = self.mix().clone();
        for number in 0..mix.downloads {
            self.downloads
                .push(Download::start(self.target(number)).await?);
        }
        for number in 0..mix.uploads {
            self.uploads.push(Upload::start(self.target(number)).await?);
        }
        for (first, last) in shares(mix.connections.max(mix.requests), mix.requests) {
            let mut connections = Vec::with_capacity(last - first);
            for number in first..last {
                connections.push(connect(self.target(number)).await?);
            }
            let mut pinger = Pinger::new(connections, mix.answer_bytes);
            for _ in first..last {
                pinger.ping().await?;
            }
            self.pingers.push(pinger);
        }
        Ok(())
    }

    async fn run_for(&mut self, span: Duration) -> io::Result<Done> {
        let end = Instant::now() + span;
        let targets = (0..self.mix().closers).map(|number| self.target(number));
        let closers = try_join_all(
            targets
                .collect::<Vec<_>>()
                .into_iter()
                .map(|target| connect_and_close(target, end)),
        );
        let downloads = try_join_all(self.downloads.iter_mut().map(|one| one.run_until(end)));
        let uploads = try_join_all(self.uploads.iter_mut().map(|one| one.run_until(end)));
        let pingers = try_join_all(self.pingers.iter_mut().map(|one| one.run_until(end)));
        let ((closed, answered), (downloaded, _)) =
            try_join(try_join(closers, pingers), try_join(downloads, uploads)).await?;
        Ok(Done {
            latencies: closed.into_iter().chain(answered).flatten().collect(),
            downloaded: downloaded.iter().sum(),
        })
    }

    /// Opens sessions, uses each once and keeps them; the latencies are those of opening.
    async fn hold(&mut self, sessions: usize) -> io::Result<Latencies> {
        let mut latencies = Latencies::with_capacity(sessions);
        for (first, last) in shares(sessions, sessions.div_ceil(CONNECTING_MAX)) {
            let opened =
                try_join_all((first..last).map(|number| open(self.target(number)))).await?;
            for (pinger, nanos) in opened {
                self.pingers.push(pinger);
                latencies.push(nanos);
            }
        }
        Ok(latencies)
    }

    /// Has the processes touch what any session needs, so that it is not counted for the first ones.
    async fn touch_once(&mut self) -> Result<()> {
        self.hold(CONNECTING_MAX).await.context("first sessions")?;
        self.pingers.clear();
        self.all_closed().await;
        sleep(REST).await;
        Ok(())
    }

    /// Waits until the upstream has seen all connections end, so that they are counted with what they cost; not for ever.
    async fn all_closed(&self) {
        let end = Instant::now() + CLOSING_MAX;
        while self.seen.open.load(Ordering::Relaxed) > 0 && Instant::now() < end {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn open(target: SocketAddr) -> io::Result<(Pinger, u32)> {
    let start = Instant::now();
    let mut pinger = Pinger::new(vec![connect(target).await?], 1);
    pinger.ping().await?;
    let nanos = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
    Ok((pinger, nanos))
}

/// Cuts `0..all` into so many parts that differ by one at most.
fn shares(all: usize, parts: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..parts).map(move |part| (all * part / parts, all * (part + 1) / parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_once() {
        assert_eq!(shares(10, 3).collect::<Vec<_>>(), [(0, 3), (3, 6), (6, 10)]);
        assert_eq!(shares(2, 2).collect::<Vec<_>>(), [(0, 1), (1, 2)]);
        assert_eq!(shares(5, 0).count(), 0);
    }
}
