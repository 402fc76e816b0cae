//! What a monitor reads of a server, in the text format of OpenMetrics: `GET /metrics`.
//!
//! Names here are of families: on the page, a unit and, for a counter, `_total` come behind them.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::{budget::MemoryBudget, service::Service, stats::Counts};

/// The `Content-Type` of the page.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes what there is to count of a server. There is one line for each name and, of requests, for each of four outcomes, whatever clients do.
pub(crate) fn page(service: &Arc<Service>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Arc::clone(service)));
    let mut page = String::new();
    text::encode(&mut page, &registry).expect("a string takes every line");
    page
}

impl Collector for Service {
    fn encode(&self, mut page: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.stats.counts();
        add_requests(&mut page, &counts)?;
        add_traffic(&mut page, &counts)?;
        add_load(&mut page, self)?;
        add_memory(&mut page, self)?;
        let name = "resizer_resize_duration";
        let help = "From the head of a request to its answer, of images that were resized.";
        let unit = Some(&Unit::Seconds);
        let durations = self.stats.durations();
        durations.encode(page.encode_descriptor(name, help, unit, MetricType::Histogram)?)
    }
}

fn add_requests(page: &mut DescriptorEncoder<'_>, counts: &Counts) -> fmt::Result {
    let name = "resizer_requests";
    let help = "Requests, by what came of them. Health checks and scrapes are not counted.";
    let mut family = page.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (outcome, count) in [
        ("resized", counts.resized),
        ("dry_run", counts.dry_runs),
        ("refused", counts.refused),
        ("failed", counts.failed),
    ] {
        let label = [("outcome", outcome)];
        ConstCounter::new(count).encode(family.encode_family(&label)?)?;
    }
    Ok(())
}

fn add_traffic(page: &mut DescriptorEncoder<'_>, counts: &Counts) -> fmt::Result {
    let connections = "Connections accepted, those that were told to go elsewhere included.";
    let received = "Bytes of the bodies of requests.";
    let sent = "Bytes of the bodies of answers.";
    let bytes = Some(&Unit::Bytes);
    for (name, unit, help, count) in [
        ("resizer_connections", None, connections, counts.connections),
        ("resizer_received", bytes, received, counts.bytes_in),
        ("resizer_sent", bytes, sent, counts.bytes_out),
    ] {
        let family = page.encode_descriptor(name, help, unit, MetricType::Counter)?;
        ConstCounter::new(count).encode(family)?;
    }
    Ok(())
}

fn add_load(page: &mut DescriptorEncoder<'_>, service: &Service) -> fmt::Result {
    let help = "Connections that are served.";
    add_gauge(page, "resizer_connections_active", help, service.served())?;
    let help = "Connections that are served at the same time, at most.";
    let limit = service.connections_max();
    add_gauge(page, "resizer_connections_limit", help, limit)?;
    let help = "Images that are being resized.";
    add_gauge(page, "resizer_images_in_work", help, service.pool.busy())?;
    let help = "Threads that resize.";
    let threads = service.config.threads.get();
    add_gauge(page, "resizer_images_in_work_limit", help, threads)?;
    let help = "Images that wait for a thread.";
    add_gauge(page, "resizer_images_waiting", help, service.pool.queued())?;
    let help = "Images that may wait; one more is refused.";
    let queue = service.config.queue;
    add_gauge(page, "resizer_images_waiting_limit", help, queue)
}

fn add_gauge(
    page: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: usize,
) -> fmt::Result {
    let family = page.encode_descriptor(name, help, None, MetricType::Gauge)?;
    // As a `usize` it would be an error beyond `i64::MAX`, which a limit can be.
    ConstGauge::new(value as u64).encode(family)
}

fn add_memory(page: &mut DescriptorEncoder<'_>, service: &Service) -> fmt::Result {
    add_in_flight(page, service.budget())?;
    let budget = service.working();
    let (used, size) = (budget.used(), budget.size().0);
    let help = "What images take that are resized or wait for it, as told from their headers.";
    let unit = Some(&Unit::Bytes);
    let family = page.encode_descriptor("resizer_working", help, unit, MetricType::Gauge)?;
    ConstGauge::new(used).encode(family)?;
    let name = "resizer_working_bytes_limit";
    let help = "What they may take; one more is refused.";
    let family = page.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(size).encode(family)
}

fn add_in_flight(page: &mut DescriptorEncoder<'_>, budget: &MemoryBudget) -> fmt::Result {
    let (used, size) = (budget.used(), budget.size().0);
    let help = "What the bodies of requests and the images of answers hold.";
    let unit = Some(&Unit::Bytes);
    let family = page.encode_descriptor("resizer_in_flight", help, unit, MetricType::Gauge)?;
    ConstGauge::new(used).encode(family)?;
    let name = "resizer_in_flight_bytes_limit";
    let help = "What they may hold; one more is refused.";
    let family = page.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(size).encode(family)
}
