//! What a client gets who asks for the right thing.

use imaging::{Format, Limits, inspect};
use resizer::Config;
use serde_json::{Value, json};
use testkit::images::{cut_short, gradient_jpeg, gradient_png, with_orientation};

use crate::support::{Reply, Server, post};

/// Checks that a reply is an image of this size, in its headers as in its bytes.
fn check_image(reply: &Reply, format: Format, (width, height): (u32, u32)) {
    assert_eq!(
        reply.status,
        200,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    assert_eq!(reply.header("content-type"), Some(format.media_type()));
    assert_eq!(reply.header("x-resizer"), Some("resizer"));
    assert_eq!(
        reply.header("x-image-width"),
        Some(width.to_string().as_str())
    );
    assert_eq!(
        reply.header("x-image-height"),
        Some(height.to_string().as_str())
    );
    let header = inspect(&reply.body, &Limits::default()).unwrap();
    assert_eq!(
        (header.format, header.width, header.height),
        (format, width, height)
    );
}

#[tokio::test]
async fn an_image_comes_back_in_its_format_and_fits_the_box() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;

    let reply = client
        .post("/resize?width=64&height=64", &gradient_jpeg(320, 240))
        .await;
    check_image(&reply, Format::Jpeg, (64, 48));
    let reply = client
        .post("/resize?width=64&height=64", &gradient_png(120, 240))
        .await;
    check_image(&reply, Format::Png, (32, 64));
    let reply = client
        .post("/resize?height=24", &gradient_jpeg(320, 240))
        .await;
    check_image(&reply, Format::Jpeg, (32, 24));
    let upright = with_orientation(&gradient_jpeg(320, 240), 6);
    let reply = client.post("/resize?width=48&height=64", &upright).await;
    check_image(&reply, Format::Jpeg, (48, 64));
    let reply = client
        .post("/resize?width=4000", &gradient_png(12, 24))
        .await;
    check_image(&reply, Format::Png, (12, 24));
}

#[tokio::test]
async fn what_was_noticed_is_said() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_jpeg(320, 240);
    let whole = client.post("/resize?width=64", &photo).await;
    check_image(&whole, Format::Jpeg, (64, 48));
    assert_eq!(whole.header("x-image-warnings"), None);

    let cut = client.post("/resize?width=64", &cut_short(&photo)).await;
    check_image(&cut, Format::Jpeg, (64, 48));
    assert_eq!(cut.header("x-image-warnings"), Some("damaged"));
}

#[tokio::test]
async fn the_result_is_what_the_engine_makes() {
    let server = Server::start(Config::default()).await;
    let photo = gradient_jpeg(320, 240);
    let reply = server
        .connect()
        .await
        .post("/resize?width=64&height=64", &photo)
        .await;
    let made = imaging::resize(&photo, &imaging::Options::new(imaging::Size::new(64, 64))).unwrap();
    assert!(reply.body == made.bytes, "the bytes differ");
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_their_order() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_jpeg(320, 240);
    let sizes = [64_u32, 16, 32];
    let requests = sizes.map(|width| post(&format!("/resize?width={width}"), &photo));
    client.send(requests.concat()).await;
    for width in sizes {
        check_image(&client.reply().await, Format::Jpeg, (width, width * 3 / 4));
    }
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    client
        .send("POST /resize?width=8 HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    for part in gradient_png(16, 16).chunks(50) {
        client.send(format!("{:x}\r\n", part.len())).await;
        client.send(part).await;
        client.send("\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    check_image(&client.reply().await, Format::Png, (8, 8));

    let reply = client.post("/resize?width=8", &gradient_png(16, 16)).await;
    check_image(&reply, Format::Png, (8, 8));
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_png(16, 16);
    let head = format!(
        "POST /resize?width=8 HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        photo.len()
    );
    client.send(head).await;
    assert_eq!(client.reply().await.status, 100);
    client.send(photo).await;
    check_image(&client.reply().await, Format::Png, (8, 8));
}

#[tokio::test]
async fn a_client_that_speaks_http_1_0_gets_its_image_and_the_end() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_png(16, 16);
    client
        .send(format!(
            "POST /resize?width=8 HTTP/1.0\r\ncontent-length: {}\r\n\r\n",
            photo.len()
        ))
        .await;
    client.send(photo).await;
    check_image(&client.reply().await, Format::Png, (8, 8));
    client.closed().await;
}

#[tokio::test]
async fn a_dry_run_reads_the_body_and_leaves_it_at_that() {
    let config = Config {
        name: "dry".parse().unwrap(),
        ..Config::default()
    };
    let server = Server::start(config).await;
    let mut client = server.connect().await;
    let reply = client
        .post("/resize?dry_run=true&width=8&height=8", b"no image at all")
        .await;
    assert_eq!(
        (reply.status, reply.header("x-resizer")),
        (200, Some("dry"))
    );
    let told: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(told, json!({ "name": "dry", "received_bytes": 15 }));
}

#[tokio::test]
async fn the_health_of_a_server_bears_its_name() {
    let config = Config {
        name: "third".parse().unwrap(),
        ..Config::default()
    };
    let server = Server::start(config).await;
    let mut client = server.connect().await;
    client
        .send("GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    let reply = client.reply().await;
    assert_eq!(
        (reply.status, reply.header("x-resizer")),
        (200, Some("third"))
    );
    let told: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(told, json!({ "name": "third", "status": "ok" }));
}

#[tokio::test]
async fn what_was_done_is_counted() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_png(16, 16);
    let resized = client.post("/resize?width=8", &photo).await;
    let dry = client.post("/resize?dry_run=true", &photo).await;
    let lost = client.post("/nowhere", &photo).await;

    let counts = server.stats.counts();
    assert_eq!(
        (
            counts.resized,
            counts.dry_runs,
            counts.failed,
            counts.refused
        ),
        (1, 1, 1, 0)
    );
    assert_eq!(counts.connections, 1);
    assert_eq!(counts.bytes_in, 2 * photo.len() as u64);
    let bytes_out = [resized, dry, lost].map(|reply| reply.body.len() as u64);
    assert_eq!(counts.bytes_out, bytes_out.into_iter().sum::<u64>());
}

#[tokio::test]
async fn every_parameter_reaches_the_engine() {
    let server = Server::start(Config::default()).await;
    let mut client = server.connect().await;
    let photo = gradient_jpeg(320, 240);
    let mut ask = async |query: &str| client.post(&format!("/resize?{query}"), &photo).await;

    let plain = ask("width=64&height=64").await.body;
    for query in ["linear=true", "shrink=off", "quality=20"] {
        let reply = ask(&format!("width=64&height=64&{query}")).await;
        check_image(&reply, Format::Jpeg, (64, 48));
        assert_ne!(reply.body, plain, "{query}");
    }
    let reply = ask("width=64&height=64&fit=fill&gravity=east").await;
    check_image(&reply, Format::Jpeg, (64, 64));
    let west = ask("width=64&height=64&fit=fill&gravity=west").await;
    assert_ne!(reply.body, west.body);
    let reply = ask("width=64&height=64&fit=pad&background=00ff00&format=png").await;
    check_image(&reply, Format::Png, (64, 64));
    let white = ask("width=64&height=64&fit=pad&format=png").await;
    assert_ne!(reply.body, white.body);
    let reply = ask("width=640&height=999&enlarge=true&format=webp-lossless").await;
    check_image(&reply, Format::WebP, (640, 480));

    let turned = with_orientation(&photo, 6);
    let query = "/resize?width=64&height=64&turn=as-stored&metadata=all";
    let reply = client.post(query, &turned).await;
    check_image(&reply, Format::Jpeg, (64, 48));
    assert!(reply.body.windows(4).any(|window| window == b"Exif"));
}
