//! What a monitor reads of a server: `GET /metrics`.

use metrics::Page;

use crate::service::Service;

/// Writes what there is to count of a server. There is one line for each name and, of requests, for each of four outcomes, whatever clients do.
pub(crate) fn page(service: &Service) -> Page {
    let mut page = Page::default();
    add_counters(&mut page, service);
    add_load(&mut page, service);
    page.histogram(
        "resizer_resize_duration_seconds",
        "From the head of a request to its answer, of images that were resized.",
        service.stats.durations(),
    );
    page
}

fn add_counters(page: &mut Page, service: &Service) {
    let counts = service.stats.counts();
    page.counter(
        "resizer_requests_total",
        "Requests, by what came of them. Health checks and scrapes are not counted.",
    )
    .sample("outcome", "resized", counts.resized)
    .sample("outcome", "dry_run", counts.dry_runs)
    .sample("outcome", "refused", counts.refused)
    .sample("outcome", "failed", counts.failed);
    page.counter(
        "resizer_connections_total",
        "Connections accepted, those that were told to go elsewhere included.",
    )
    .value(counts.connections);
    page.counter(
        "resizer_received_bytes_total",
        "Bytes of the bodies of requests.",
    )
    .value(counts.bytes_in);
    page.counter(
        "resizer_sent_bytes_total",
        "Bytes of the bodies of answers.",
    )
    .value(counts.bytes_out);
}

fn add_load(page: &mut Page, service: &Service) {
    let config = &service.config;
    page.gauge("resizer_connections", "Connections that are served.")
        .value(service.served());
    page.gauge(
        "resizer_connections_limit",
        "Connections that are served at the same time, at most.",
    )
    .value(service.connections_max());
    page.gauge("resizer_images_in_work", "Images that are being resized.")
        .value(service.pool.busy());
    page.gauge("resizer_images_in_work_limit", "Threads that resize.")
        .value(config.threads);
    page.gauge("resizer_images_waiting", "Images that wait for a thread.")
        .value(service.pool.queued());
    page.gauge(
        "resizer_images_waiting_limit",
        "Images that may wait; one more is refused.",
    )
    .value(config.queue);
    page.gauge(
        "resizer_in_flight_bytes",
        "What the bodies of requests and the images of answers hold.",
    )
    .value(service.budget().used());
    page.gauge(
        "resizer_in_flight_bytes_limit",
        "What they may hold; one more is refused.",
    )
    .value(service.budget().size().0);
}
