//! What happens at the limits: a server that is full says so at once, and one that drains loses nothing.

use std::{num::NonZero, time::Duration};

use imaging::{Bounds, Options};
use resizer::{ByteSize, Config, Timeouts, resizer};
use teamwork::{Context, Flow, Job, Outcome, ensure};
use testkit::images::gradient_png;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::support::{Client, Reply, Server, post};

/// One thread and one place in the queue, so that a test can fill both.
fn small() -> Config {
    Config {
        threads: NonZero::<usize>::MIN,
        queue: 1,
        ..Config::default()
    }
}

const RESIZE: &str = "/resize?width=8";

fn check_refused(reply: &Reply, code: &str) {
    assert_eq!(reply.problem(), (503, code.to_owned()));
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_serves_again_when_it_has_room() {
    let server = Server::start(small()).await;
    let photo = gradient_png(16, 16);
    let hold = server.hold().await;
    let mut queued = server.connect().await;
    queued.send(post(RESIZE, &photo)).await;
    server.until(|server| server.pool.queued() == 1).await;

    let mut refused = server.connect().await;
    check_refused(&refused.post(RESIZE, &photo).await, "queue_full");
    // What needs no thread is still answered, on the connection that was refused.
    assert_eq!(
        refused.post("/resize?dry_run=true", &photo).await.status,
        200
    );
    // What is no image is told so rather than to come again.
    assert_eq!(refused.post(RESIZE, b"%PDF").await.status, 415);

    hold.release();
    assert_eq!(queued.reply().await.status, 200);
    assert_eq!(refused.post(RESIZE, &photo).await.status, 200);
    assert_eq!(server.stats.counts().refused, 1);
}

#[tokio::test]
async fn bodies_share_a_memory_budget() {
    let config = Config {
        in_flight_bytes_max: ByteSize(64 << 10),
        ..small()
    };
    let server = Server::start(config).await;
    let photo = gradient_png(16, 16);
    let mut slow = server.connect().await;
    let head = format!("POST {RESIZE} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\n");
    slow.send(format!("{head}content-length: 65536\r\n\r\n"))
        .await;
    // It is told to go on when its memory is reserved.
    assert_eq!(slow.reply().await.status, 100);

    let mut other = server.connect().await;
    other
        .send(format!("{head}content-length: {}\r\n\r\n", photo.len()))
        .await;
    check_refused(&other.reply().await, "memory_full");

    slow.send(vec![0; 65536]).await;
    assert_eq!(slow.reply().await.status, 415);
    assert_eq!(
        server.connect().await.post(RESIZE, &photo).await.status,
        200
    );
}

#[tokio::test]
async fn answers_share_the_memory_budget_until_they_are_sent() {
    let target = "/resize?width=2000&height=2000&enlarge=true&format=jpeg&quality=100";
    let photo = gradient_png(16, 16);
    let with = async |bytes| {
        let config = Config {
            in_flight_bytes_max: ByteSize(bytes),
            ..small()
        };
        Server::start(config).await
    };
    let roomy = with(64 << 20).await;
    let bytes = roomy.connect().await.post(target, &photo).await.body.len() as u64;
    assert!(
        bytes > 64 << 10,
        "{bytes} bytes are no more than the body takes"
    );

    // There is room for one answer, and a body holds half of it.
    let busy = with(bytes).await;
    let mut slow = busy.connect().await;
    let head = format!("POST {RESIZE} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\n");
    slow.send(format!("{head}content-length: {}\r\n\r\n", bytes / 2))
        .await;
    assert_eq!(slow.reply().await.status, 100);
    check_refused(
        &busy.connect().await.post(target, &photo).await,
        "memory_full",
    );

    let enough_for_one = with(bytes * 3 / 2).await;
    let mut client = enough_for_one.connect().await;
    for _ in 0..3 {
        assert_eq!(client.post(target, &photo).await.status, 200);
    }
}

#[tokio::test]
async fn what_the_memory_budget_never_holds_is_refused_for_good() {
    let photo = gradient_png(64, 64);
    let bytes = photo.len() as u64;
    let config = Config {
        in_flight_bytes_max: ByteSize(bytes),
        ..small()
    };
    let server = Server::start(config).await;
    let mut client = server.connect().await;
    let target = "/resize?width=500&height=500&enlarge=true&quality=100&format=jpeg";
    let reply = client.post(target, &photo).await;
    assert_eq!(reply.problem(), (422, "result_too_large".to_owned()));
    assert_eq!(reply.header("retry-after"), None);
    // As large as all of it is not too large.
    assert_eq!(client.post(RESIZE, &photo).await.status, 200);
    let reply = client.post(RESIZE, &[photo, vec![0]].concat()).await;
    assert_eq!(reply.problem(), (413, "body_too_large".to_owned()));
}

/// A black BMP: of those, the whole picture is in memory.
fn bmp(width: u32, height: u32) -> Vec<u8> {
    let pixels = width * height * 3;
    let mut file = b"BM".to_vec();
    for field in [54 + pixels, 0, 54, 40, width, height, 24 << 16 | 1] {
        file.extend(field.to_le_bytes());
    }
    file.resize(54 + pixels as usize, 0);
    file
}

#[tokio::test]
async fn pictures_share_a_memory_budget_while_they_wait_and_are_resized() {
    let picture = bmp(1000, 500);
    let needed = imaging::memory_needed(&picture, &Options::new(Bounds::of_width(8))).unwrap();
    assert!(needed > 1000 * 500 * 3, "{needed}");
    let config = Config {
        queue: 100,
        working_bytes_max: ByteSize(needed * 7 / 2),
        ..small()
    };
    let server = Server::start(config).await;
    let hold = server.hold().await;
    let mut taken = Vec::new();
    for count in 1..=3 {
        let mut client = server.connect().await;
        client.send(post(RESIZE, &picture)).await;
        server.until(|server| server.pool.queued() == count).await;
        taken.push(client);
    }
    for _ in 0..20 {
        let mut client = server.connect().await;
        check_refused(&client.post(RESIZE, &picture).await, "memory_full");
    }
    // Of this one only some rows are in memory.
    let mut small = server.connect().await;
    small.send(post(RESIZE, &gradient_png(16, 16))).await;
    server.until(|server| server.pool.queued() == 4).await;

    hold.release();
    taken.push(small);
    for client in &mut taken {
        assert_eq!(client.reply().await.status, 200);
    }
    let mut client = server.connect().await;
    assert_eq!(client.post(RESIZE, &picture).await.status, 200);
    // One that takes more than all of it is resized alone.
    let larger = bmp(2000, 1000);
    assert_eq!(client.post(RESIZE, &larger).await.status, 200);
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let config = Config {
        connections_max: NonZero::<usize>::MIN,
        ..small()
    };
    let server = Server::start(config).await;
    let photo = gradient_png(16, 16);
    let mut first = server.connect().await;
    assert_eq!(first.post(RESIZE, &photo).await.status, 200);

    let mut second = server.connect().await;
    let reply = second.post(RESIZE, &photo).await;
    check_refused(&reply, "too_many_connections");
    assert_eq!(reply.header("connection"), Some("close"));
    second.closed().await;

    assert_eq!(first.post(RESIZE, &photo).await.status, 200);
    drop(first);
    // The place is free as soon as the server sees that the first client left.
    while server.connect().await.post(RESIZE, &photo).await.status != 200 {}
}

#[tokio::test]
async fn limits_of_any_size_are_limits() {
    let server = Server::start(Config {
        threads: NonZero::<usize>::MAX,
        queue: usize::MAX,
        connections_max: NonZero::<usize>::MAX,
        body_bytes_max: ByteSize(u64::MAX),
        in_flight_bytes_max: ByteSize(u64::MAX),
        timeouts: Timeouts {
            drain: Duration::MAX,
            ..Timeouts::default()
        },
        ..small()
    })
    .await;
    let mut client = server.connect().await;
    let reply = client.post(RESIZE, &gradient_png(16, 16)).await;
    assert_eq!(reply.status, 200);
    server.job.drain();
    client.closed().await;
    let report = server.job.wait().await;
    assert_eq!(report.outcome(), Outcome::Done, "{report}");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_work_along() {
    let server = Server::start(small()).await;
    let hold = server.hold().await;
    let mut client = server.connect().await;
    client.send(post(RESIZE, &gradient_png(16, 16))).await;
    server.until(|server| server.pool.queued() == 1).await;
    drop(client);
    server
        .until(|server| server.stats.counts().failed == 1)
        .await;
    hold.release();
    server
        .until(|server| server.pool.queued() == 0 && server.pool.busy() == 0)
        .await;
    assert_eq!(server.stats.counts().resized, 0);
}

#[tokio::test]
async fn an_image_that_waits_too_long_is_given_back() {
    let timeouts = Timeouts {
        request: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let server = Server::start(Config {
        timeouts,
        ..small()
    })
    .await;
    let hold = server.hold().await;
    let mut client = server.connect().await;
    check_refused(&client.post(RESIZE, &gradient_png(16, 16)).await, "overdue");
    hold.release();
    server.until(|server| server.pool.busy() == 0).await;
    assert_eq!(server.stats.counts().resized, 0);
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut_off() {
    let timeouts = Timeouts {
        write_stall: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let server = Server::start(Config {
        timeouts,
        ..small()
    })
    .await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let requests = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n".repeat(1000);
    // It asks and asks and never reads, until the server has enough.
    while client.write_all(requests.as_bytes()).await.is_ok() {}
}

#[tokio::test]
async fn draining_answers_what_is_in_flight_and_closes_the_rest() {
    let server = Server::start(small()).await;
    let photo = gradient_png(16, 16);
    let mut idle = server.connect().await;
    assert_eq!(idle.post(RESIZE, &photo).await.status, 200);
    let hold = server.hold().await;
    let mut busy = server.connect().await;
    busy.send(post(RESIZE, &photo)).await;
    server.until(|server| server.pool.queued() == 1).await;

    server.job.drain();
    idle.closed().await;
    while TcpStream::connect(server.address).await.is_ok() {}
    hold.release();
    let reply = busy.reply().await;
    assert_eq!(
        (reply.status, reply.header("connection")),
        (200, Some("close"))
    );
    busy.closed().await;
    let report = server.job.wait().await;
    assert_eq!(report.outcome(), Outcome::Done, "{report}");
}

#[tokio::test]
async fn a_finish_tears_no_request() {
    let server = Server::start(small()).await;
    let hold = server.hold().await;
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    busy.send(post(RESIZE, &gradient_png(16, 16))).await;
    server.until(|server| server.pool.queued() == 1).await;

    server.job.finish();
    idle.closed().await;
    hold.release();
    assert_eq!(busy.reply().await.status, 200);
    busy.closed().await;
    let report = server.job.wait().await;
    assert_eq!(report.outcome(), Outcome::Done, "{report}");
}

#[tokio::test]
async fn a_server_ends_with_the_job_that_it_is_part_of() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let idle = Client::connect(listener.local_addr().unwrap()).await;
    let mut job = Job::new("all in one");
    job.add_job(resizer(small(), listener));
    job.add_recurrent("client", idle, async |client: &mut Client, _: &Context| {
        let reply = client.post(RESIZE, &gradient_png(16, 16)).await;
        ensure!(reply.status == 200, "the image was not resized: {reply:?}");
        Ok(Flow::FinishJob(()))
    });
    let report = job.run().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Done, "{report}");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let timeouts = Timeouts {
        drain: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let server = Server::start(Config {
        timeouts,
        ..small()
    })
    .await;
    let mut stuck = server.connect().await;
    stuck
        .send(format!(
            "POST {RESIZE} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nhalf"
        ))
        .await;
    server
        .until(|server| server.stats.counts().connections == 1)
        .await;
    server.job.drain();
    let report = server.job.wait().await;
    assert_eq!(report.outcome(), Outcome::Done, "{report}");
    assert_eq!(server.stats.counts().failed, 1);
}
