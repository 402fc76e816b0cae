//! What a client gets who asks for the wrong thing: a status, a reason, and a connection in a known state.

use std::time::Duration;

use resizer::{ByteSize, Config, Timeouts};
use testkit::images::{gradient_jpeg, gradient_png};

use crate::support::{Client, Server, post};

/// Small enough to be exceeded by a test.
const BODY_MAX: u64 = 100_000;

fn config() -> Config {
    Config {
        body_bytes_max: ByteSize(BODY_MAX),
        ..Config::default()
    }
}

fn impatient() -> Config {
    let soon = Duration::from_millis(50);
    Config {
        timeouts: Timeouts {
            head: soon,
            body_stall: soon,
            ..Timeouts::default()
        },
        ..config()
    }
}

/// Checks the status and the code of the next answer.
async fn check(client: &mut Client, status: u16, code: &str) {
    let reply = client.reply().await;
    assert_eq!(reply.problem(), (status, code.to_owned()));
    assert_eq!(reply.header("x-resizer"), Some("resizer"));
}

/// The connection is still good for another request.
async fn check_alive(client: &mut Client) {
    let reply = client.post("/resize?width=8", &gradient_png(16, 16)).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_wrong_request_is_told_what_is_wrong_and_may_try_again() {
    let server = Server::start(config()).await;
    let mut client = server.connect().await;
    let photo = gradient_jpeg(64, 64);
    let broken = &photo[..photo.len() / 2];
    for (target, body, status, code) in [
        (
            "/resize?width=8",
            &b"%PDF-1.7 and so on"[..],
            415,
            "not_an_image",
        ),
        ("/resize?width=8", broken, 422, "image_broken"),
        ("/resize?width=8", &photo[..20], 422, "image_broken"),
        ("/resize?width=8", &huge_png(), 422, "image_too_large"),
        ("/resize?width=8", b"", 400, "empty_body"),
        ("/resize?dry_run=true", b"", 400, "empty_body"),
    ] {
        client.send(post(target, body)).await;
        check(&mut client, status, code).await;
    }
    check_alive(&mut client).await;
}

#[tokio::test]
async fn what_the_head_says_is_judged_without_the_body() {
    let server = Server::start(config()).await;
    for (head, status, code) in [
        ("POST /resize HTTP/1.1\r\ncontent-length: 9", 400, "no_size"),
        (
            "POST /resize?width=0 HTTP/1.1\r\ncontent-length: 9",
            400,
            "bad_parameter",
        ),
        (
            "POST /resize?size=8 HTTP/1.1\r\ncontent-length: 9",
            400,
            "unknown_parameter",
        ),
        ("POST /resize?width=8 HTTP/1.1", 411, "length_required"),
        (
            "POST /resize?width=8 HTTP/1.1\r\ncontent-length: 9\r\ncontent-encoding: br",
            415,
            "content_encoding",
        ),
        (
            "POST /resize?width=8 HTTP/1.1\r\ncontent-length: 9\r\ncontent-type: multipart/form-data",
            415,
            "multipart",
        ),
        (
            "POST /resize?width=8 HTTP/1.1\r\ncontent-length: 100001",
            413,
            "body_too_large",
        ),
        (
            "POST /resize?width=8 HTTP/1.1\r\ncontent-length: 100001\r\nexpect: 100-continue",
            413,
            "body_too_large",
        ),
        (
            "POST /resize?dry_run=true HTTP/1.1\r\ncontent-length: 18446744073709551000",
            413,
            "body_too_large",
        ),
        (
            "POST /elsewhere HTTP/1.1\r\ncontent-length: 9",
            404,
            "not_found",
        ),
        (
            "DELETE /healthz HTTP/1.1\r\ncontent-length: 9",
            405,
            "method_not_allowed",
        ),
    ] {
        let mut client = server.connect().await;
        client.send(format!("{head}\r\nhost: test\r\n\r\n")).await;
        check(&mut client, status, code).await;
    }
    assert_eq!(server.stats.counts().bytes_in, 0);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let server = Server::start(config()).await;
    let mut client = server.connect().await;
    for (request, allow) in [
        ("GET /resize?width=8", "POST"),
        ("PUT /healthz", "GET, HEAD"),
    ] {
        client
            .send(format!("{request} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        let reply = client.reply().await;
        assert_eq!(reply.problem(), (405, "method_not_allowed".to_owned()));
        assert_eq!(reply.header("allow"), Some(allow));
    }
    check_alive(&mut client).await;
}

#[tokio::test]
async fn a_client_that_sends_too_much_can_read_why_it_is_cut_off() {
    let server = Server::start(config()).await;
    // More than the buffers of the two sockets take: it is still sending when it is refused.
    let body = vec![0; 30_000_000];
    let chunked = [
        format!("POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len())
            .as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    for request in [post("/resize?width=8", &body), chunked] {
        let mut client = server.connect().await;
        client.send(request).await;
        let reply = client.reply().await;
        assert_eq!(reply.problem(), (413, "body_too_large".to_owned()));
        assert_eq!(reply.header("connection"), Some("close"));
        client.closed().await;
    }
}

#[tokio::test]
async fn a_wrong_chunk_is_a_wrong_request() {
    let server = Server::start(config()).await;
    let mut client = server.connect().await;
    client.send("POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").await;
    check(&mut client, 400, "body_malformed").await;
    client.closed().await;
}

#[tokio::test]
async fn half_a_body_is_told_so() {
    let server = Server::start(config()).await;
    let mut client = server.connect().await;
    client
        .send("POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nhalf")
        .await;
    client.finish().await;
    check(&mut client, 400, "body_incomplete").await;
    client.closed().await;
}

#[tokio::test]
async fn half_a_head_is_given_up() {
    let server = Server::start(impatient()).await;
    let mut client = server.connect().await;
    client
        .send("POST /resize?width=8 HTTP/1.1\r\nhost: te")
        .await;
    check(&mut client, 408, "head_too_slow").await;
    client.closed().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let server = Server::start(impatient()).await;
    let mut client = server.connect().await;
    client.closed().await;
    let mut client = server.connect().await;
    check_alive(&mut client).await;
    client.closed().await;
    assert_eq!(server.stats.counts().failed, 0);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let server = Server::start(impatient()).await;
    let mut client = server.connect().await;
    client
        .send("POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nhalf")
        .await;
    check(&mut client, 408, "body_stalled").await;
    client.closed().await;
    assert_eq!(server.stats.counts().bytes_in, 4);
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_counted() {
    let server = Server::start(config()).await;
    let long = format!(
        "GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n",
        "x".repeat(200_000)
    );
    for (bytes, status) in [("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400), (&*long, 431)] {
        let mut client = server.connect().await;
        client.send(bytes).await;
        assert_eq!(client.reply().await.status, status);
    }
    server
        .until(|server| server.stats.counts().failed == 2)
        .await;
}

/// A PNG whose header claims more pixels than are let in; there is nothing behind it.
fn huge_png() -> Vec<u8> {
    let mut png = gradient_png(8, 8);
    png[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    png
}
