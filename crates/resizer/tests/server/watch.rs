//! What those see who only watch: probes and monitors.

use std::{collections::BTreeMap, num::NonZero};

use resizer::Config;
use testkit::{exposition, images::gradient_png};

use crate::support::{Client, Server, post};

async fn get(client: &mut Client, path: &str) -> crate::support::Reply {
    client
        .send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
        .await;
    client.reply().await
}

/// Reads the numbers of a server, by their name and labels.
async fn scrape(client: &mut Client) -> BTreeMap<String, f64> {
    let reply = get(client, "/metrics").await;
    assert_eq!(reply.status, 200);
    let media_type = Some("application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(reply.header("content-type"), media_type);
    exposition::read(&String::from_utf8(reply.body).unwrap())
}

#[tokio::test]
async fn a_monitor_reads_what_came_of_requests_and_how_busy_the_server_is() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_png(16, 16);
    let before = scrape(&mut client).await;
    assert_eq!(before["resizer_requests_total{outcome=\"resized\"}"], 0.0);

    let answer = client.post("/resize?width=8", &photo).await;
    assert_eq!(answer.status, 200);
    assert_eq!(client.post("/resize?width=8", b"%PDF").await.status, 415);
    let after = scrape(&mut client).await;
    for (name, value) in [
        ("resizer_requests_total{outcome=\"resized\"}", 1),
        ("resizer_requests_total{outcome=\"failed\"}", 1),
        ("resizer_requests_total{outcome=\"refused\"}", 0),
        ("resizer_resize_duration_seconds_count", 1),
        ("resizer_connections_active", 1),
        ("resizer_connections_total", 1),
        ("resizer_received_bytes_total", photo.len() + 4),
        ("resizer_images_in_work", 0),
        ("resizer_in_flight_bytes", 0),
        ("resizer_in_flight_bytes_limit", 512 << 20),
        ("resizer_working_bytes", 0),
        ("resizer_working_bytes_limit", 1 << 30),
    ] {
        assert_eq!(after[name], value as f64, "{name}");
    }
}

#[tokio::test]
async fn what_clients_send_makes_no_numbers_of_their_own() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let before = scrape(&mut client).await;
    for number in 0..50 {
        get(&mut client, &format!("/{number}")).await;
        get(&mut client, &format!("/resize?{number}=%0a%22")).await;
    }
    let after = scrape(&mut client).await;
    assert!(before.keys().eq(after.keys()));
    assert_eq!(after["resizer_requests_total{outcome=\"failed\"}"], 100.0);
}

#[tokio::test]
async fn a_probe_hears_that_there_is_no_room_and_is_counted_for_nothing() {
    let config = Config {
        threads: NonZero::<usize>::MIN,
        queue: 1,
        ..Config::default()
    };
    let server = Server::start(config).await;
    let mut probe = server.connect().await;
    assert_eq!(get(&mut probe, "/readyz").await.status, 200);

    let hold = server.hold().await;
    assert_eq!(get(&mut probe, "/readyz").await.status, 200, "it may queue");
    let mut queued = server.connect().await;
    queued
        .send(post("/resize?width=8", &gradient_png(16, 16)))
        .await;
    server.until(|server| server.pool.queued() == 1).await;
    let full = get(&mut probe, "/readyz").await;
    assert_eq!(full.problem(), (503, "queue_full".to_owned()));
    let numbers = scrape(&mut probe).await;
    assert_eq!(numbers["resizer_images_waiting"], 1.0);
    assert_eq!(numbers["resizer_images_in_work"], 1.0);
    assert_eq!(numbers["resizer_connections_active"], 2.0);

    hold.release();
    assert_eq!(queued.reply().await.status, 200);
    assert_eq!(get(&mut probe, "/readyz").await.status, 200);
    assert_eq!(server.stats.counts().refused, 0);
}
