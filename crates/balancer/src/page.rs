//! What monitors read of the balancer: its counts, in the text format of OpenMetrics.
//!
//! Names here are of families: on the page, one of bytes goes on with `_bytes`, and that of a counter ends in `_total`.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Registry, Unit};

use crate::backends::{Backend, Backends};
use crate::stats::Stats;

/// The `Content-Type` of the page.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Numbers that stay where they are counted; each page is written of them anew.
#[derive(Debug)]
pub(crate) struct Page {
    registry: Registry,
}

/// Reads the counts when the page is written.
#[derive(Debug)]
struct Counted {
    stats: Arc<Stats>,
}

impl Page {
    pub(crate) fn new(stats: Arc<Stats>) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Counted { stats }));
        Self { registry }
    }

    /// Writes what there is to count: a line for each name, and for each upstream of the command line.
    pub(crate) fn text(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry).expect("a string takes every line");
        page
    }
}

impl Collector for Counted {
    fn encode(&self, mut page: DescriptorEncoder<'_>) -> fmt::Result {
        add_totals(&mut page, &self.stats)?;
        add_upstreams(&mut page, self.stats.backends())
    }
}

fn add_totals(page: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let help = "Sessions right now.";
    let family =
        page.encode_descriptor("balancer_sessions_active", help, None, MetricType::Gauge)?;
    ConstGauge::new(stats.live() as u64).encode(family)?;
    let help = "Connections that became sessions.";
    add_counter(page, "balancer_sessions", help, stats.accepted())?;
    let help =
        "Connections that were closed at once, because there were as many sessions as allowed.";
    add_counter(page, "balancer_refused", help, stats.refused())?;
    let help = "Bytes that ended sessions brought from clients to upstreams.";
    add_bytes(page, "balancer_upload", help, stats.uploaded())?;
    let help = "Bytes that ended sessions brought from upstreams to clients.";
    add_bytes(page, "balancer_download", help, stats.downloaded())
}

fn add_counter(
    page: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    count: u64,
) -> fmt::Result {
    let family = page.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(count).encode(family)
}

fn add_bytes(page: &mut DescriptorEncoder<'_>, name: &str, help: &str, count: u64) -> fmt::Result {
    let unit = Some(&Unit::Bytes);
    let family = page.encode_descriptor(name, help, unit, MetricType::Counter)?;
    ConstCounter::new(count).encode(family)
}

fn add_upstreams(page: &mut DescriptorEncoder<'_>, backends: &Backends) -> fmt::Result {
    let name = "balancer_upstream_sessions_active";
    let help = "Sessions of an upstream right now, those that are still connecting included.";
    add_each(page, (name, help), backends, |backend| {
        ConstGauge::new(backend.live() as u64)
    })?;
    let name = "balancer_upstream_sessions";
    let help = "Sessions that were connected to an upstream.";
    add_each(page, (name, help), backends, |backend| {
        ConstCounter::new(backend.sessions())
    })?;
    let name = "balancer_upstream_connect_failures";
    let help = "Tries to connect to an upstream that failed.";
    add_each(page, (name, help), backends, |backend| {
        ConstCounter::new(backend.connect_failures())
    })?;
    let name = "balancer_upstream_up";
    let help = "0 when the last try to connect to an upstream has failed, 1 otherwise.";
    add_each(page, (name, help), backends, |backend| {
        ConstGauge::new(u64::from(!backend.is_failing()))
    })
}

/// Adds a family with a number for each upstream.
fn add_each<M: EncodeMetric + TypedMetric>(
    page: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    backends: &Backends,
    number: impl Fn(Backend<'_>) -> M,
) -> fmt::Result {
    let mut family = page.encode_descriptor(name, help, None, M::TYPE)?;
    for backend in backends.iter() {
        let label = [("upstream", backend.upstream().name())];
        number(backend).encode(family.encode_family(&label)?)?;
    }
    Ok(())
}
