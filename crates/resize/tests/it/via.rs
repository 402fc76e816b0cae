//! Runs over connections, against a server that does what servers do on bad days.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use resize::{Action, Config, Engine, Summary};
use teamwork::{Failure, Outcome, Report};

use crate::place::{Place, jpeg};
use crate::server::{Reply, Request, Server};

/// Runs to the end.
async fn run(server: &Server, config: &Config) -> (Result<Report, Failure>, Summary) {
    let (job, tally) = resize::resize(config);
    let ended = server.during(job.run()).await;
    (ended, tally.summary())
}

/// Runs with up to four connections against a scripted server, and checks that every image was saved, once, as its own.
async fn check_all_saved(
    images: usize,
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Checked {
    let place = Place::with_images(images);
    let server = Server::new(script).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 2, 4)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert!(summary.failures.is_empty(), "{:?}", summary.failures);
    assert_eq!(
        (summary.done, summary.planned, summary.left()),
        (images as u64, images as u64, 0)
    );
    assert_eq!(place.results().len(), images, "{:?}", place.results());
    for number in 0..images {
        let name = format!("{}/photo {number}", number % 3);
        assert_eq!(
            place.result(&format!("{name}-64x64.jpg")),
            jpeg(&format!("{name}.jpg"))
        );
    }
    Checked { server, summary }
}

struct Checked {
    server: Arc<Server>,
    summary: Summary,
}

#[tokio::test]
async fn every_image_is_saved_as_its_own_over_few_connections() {
    let Checked { server, summary } = check_all_saved(100, |_| Reply::Echo).await;
    assert_eq!(server.targets(), ["/resize?width=64&height=64"; 100]);
    assert!(
        server.opened_count() <= 4,
        "{} connections were opened",
        server.opened_count()
    );
    assert_eq!(summary.served, [("echo".to_owned(), 100)].into());
    assert_eq!(summary.bytes_in, summary.bytes_out);
    assert_eq!((summary.losses, summary.refusals), (0, 0));
}

#[tokio::test]
async fn a_connection_that_is_lost_with_an_image_in_flight_loses_no_image() {
    let script = |request: &Request| {
        if request.number.is_multiple_of(7) {
            Reply::HangUp
        } else {
            Reply::Echo
        }
    };
    let Checked { summary, .. } = check_all_saved(40, script).await;
    assert!(summary.losses >= 5, "{} losses", summary.losses);
}

#[tokio::test]
async fn an_answer_that_breaks_off_loses_no_image_and_saves_no_half_one() {
    let script = |request: &Request| {
        if request.number.is_multiple_of(7) {
            Reply::BreakOff
        } else {
            Reply::Echo
        }
    };
    let Checked { summary, .. } = check_all_saved(40, script).await;
    assert!(summary.losses >= 5, "{} losses", summary.losses);
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_is_no_loss() {
    let Checked { server, summary } = check_all_saved(20, |_| Reply::EchoAndClose).await;
    assert!(
        server.opened_count() >= 20,
        "each image needs a connection of its own"
    );
    assert_eq!(summary.losses, 0);
}

#[tokio::test]
async fn a_full_server_is_asked_again_later() {
    let full = |_: &Request| Reply::Say("503 Service Unavailable", "retry-after: 0\r\n", "");
    let script = move |request: &Request| {
        if request.number <= 5 {
            full(request)
        } else {
            Reply::Echo
        }
    };
    let Checked { summary, .. } = check_all_saved(10, script).await;
    assert_eq!((summary.refusals, summary.losses), (5, 0));
}

#[tokio::test]
async fn a_broken_server_is_asked_again() {
    let broken = |_: &Request| Reply::Say("502 Bad Gateway", "", "");
    let script = move |request: &Request| {
        if request.number <= 3 {
            broken(request)
        } else {
            Reply::Echo
        }
    };
    let Checked { summary, .. } = check_all_saved(10, script).await;
    assert_eq!((summary.refusals, summary.losses), (0, 3));
}

#[tokio::test]
async fn more_connections_are_opened_while_images_wait_but_never_more_than_the_maximum() {
    let Checked { server, .. } = check_all_saved(50, |_| Reply::EchoAfterConnections(4)).await;
    assert_eq!(server.open_max.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn an_image_that_the_server_rejects_is_listed_and_the_others_are_saved() {
    let place = Place::with([("bad.jpg", jpeg("bad")), ("good.jpg", jpeg("good"))]);
    let problem = r#"{"title": "Unprocessable", "detail": "it ends too early"}"#;
    let server = Server::new(move |request| {
        if request.contains("bad") {
            Reply::Say("422 Unprocessable Content", "", problem)
        } else {
            Reply::Echo
        }
    })
    .await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!(
        (summary.done, summary.failed, summary.failures.len()),
        (1, 1, 1)
    );
    let failure = summary.failures[0].to_string();
    assert!(
        failure.starts_with(
            "bad.jpg: the server answered 422 Unprocessable Entity: it ends too early; "
        ),
        "{failure}"
    );
    assert_eq!(
        server.targets().len(),
        2,
        "a rejected image is not sent again"
    );
    assert_eq!(place.results(), ["good-64x64.jpg"]);
}

#[tokio::test]
async fn an_endless_description_of_an_error_is_not_read_to_its_end() {
    let place = Place::with(["bad", "good"].map(|name| (format!("{name}.jpg"), jpeg(name))));
    let endless: &'static str = format!(r#"{{"detail": "{}"}}"#, "x".repeat(100_000)).leak();
    let server = Server::new(move |request| {
        if request.contains("bad") {
            Reply::Say("422 Unprocessable Content", "", endless)
        } else {
            Reply::Echo
        }
    })
    .await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!((summary.done, summary.failed, summary.losses), (1, 1, 0));
    let failure = summary.failures[0].to_string();
    assert!(
        failure.starts_with("bad.jpg: the server answered 422 Unprocessable Entity; "),
        "{failure}"
    );
}

#[tokio::test]
async fn an_image_that_kills_servers_is_given_up_and_the_others_are_saved() {
    let place = Place::with(["a", "poison", "z"].map(|name| (format!("{name}.jpg"), jpeg(name))));
    let script = |request: &Request| {
        if request.contains("poison") {
            Reply::HangUp
        } else {
            Reply::Echo
        }
    };
    let server = Server::new(script).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 2)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!((summary.done, summary.failed, summary.losses), (2, 1, 5));
    let failure = summary.failures[0].to_string();
    assert!(
        failure.starts_with("poison.jpg: no result after sending it 5 times"),
        "{failure}"
    );
    assert_eq!(place.results(), ["a-64x64.jpg", "z-64x64.jpg"]);
}

#[tokio::test]
async fn an_answer_that_is_no_image_is_a_failure() {
    let place = Place::with([("a.jpg", jpeg("a"))]);
    let server = Server::new(|_| Reply::Say("200 OK", "", "<html>welcome</html>")).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    let failure = summary.failures[0].to_string();
    assert!(
        failure.contains("not with an image; check that --via names a resizer"),
        "{failure}"
    );
    assert_eq!(place.results(), [""; 0]);
}

#[tokio::test]
async fn what_a_server_says_of_a_damaged_image_is_counted() {
    let place = Place::with([("a.jpg", jpeg("a"))]);
    let warnings = "x-image-warnings: flattened\r\nx-image-warnings: not-enlarged, damaged\r\n";
    let server = Server::new(|_| Reply::Say("200 OK", warnings, "GIF89a")).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!((summary.done, summary.damaged), (1, 1));
}

#[tokio::test]
async fn a_result_that_is_too_large_is_a_failure_and_says_so() {
    let place = Place::with([("a.jpg", jpeg("a"))]);
    let server = Server::new(|_| Reply::Zeros(65 << 20)).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    let failure = summary.failures[0].to_string();
    assert!(
        failure.starts_with("a.jpg: the result has more bytes than the limit of 64 MiB; ask for"),
        "{failure}"
    );
    assert_eq!(place.results(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_vanishes_or_is_too_large_is_listed_and_the_others_are_saved() {
    let place = Place::with([("a.jpg", jpeg("a")), ("huge.jpg", jpeg("huge"))]);
    let huge = std::fs::File::options()
        .write(true)
        .open(place.input().join("huge.jpg"))
        .unwrap();
    huge.set_len(64 * 1024 * 1024 + 1).unwrap();
    let server = Server::new(|_| Reply::Echo).await;
    let (_, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    assert_eq!((summary.done, summary.failed), (1, 1));
    let failure = summary.failures[0].to_string();
    assert!(
        failure.starts_with("huge.jpg: 67108865 bytes are more than the limit of 64 MiB"),
        "{failure}"
    );
    assert_eq!(
        server.targets().len(),
        1,
        "an image that is too large is not sent"
    );
}

#[tokio::test]
async fn a_dry_run_sends_everything_and_saves_nothing() {
    let place = Place::with_images(10);
    let server = Server::new(|_| Reply::Say("204 No Content", "", "")).await;
    let mut config = place.via(&server.address(), 1, 2);
    let Engine::Via(via) = &mut config.engine else {
        unreachable!("built as via")
    };
    via.action = Action::DryRun;
    let (ended, summary) = run(&server, &config).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!(summary.done, 10);
    assert_eq!(
        server.targets(),
        ["/resize?width=64&height=64&dry_run=true"; 10]
    );
    assert!(!place.output().exists());
    assert!(
        summary
            .to_string()
            .starts_with("dry run: sent 10 of 10 images"),
        "{summary}"
    );
}

#[tokio::test]
async fn each_image_is_sent_as_often_as_asked_and_saved_once() {
    let place = Place::with_images(5);
    let server = Server::new(|_| Reply::Echo).await;
    let mut config = place.via(&server.address(), 2, 4);
    config.times = 8.try_into().unwrap();
    config.options.quality = Some(70);
    let (_, summary) = run(&server, &config).await;
    assert_eq!((summary.files, summary.planned, summary.done), (5, 40, 40));
    assert_eq!(
        server.targets(),
        ["/resize?width=64&height=64&quality=70"; 40]
    );
    assert_eq!(place.results().len(), 5);
}

#[tokio::test]
async fn images_whose_results_would_collide_are_all_saved() {
    let place = Place::with(["a.jpeg", "a.jpg", "a.png"].map(|name| (name, jpeg(name))));
    let server = Server::new(|_| Reply::Echo).await;
    run(&server, &place.via(&server.address(), 1, 4))
        .await
        .0
        .unwrap();
    assert_eq!(
        place.results(),
        ["a.jpeg-64x64.jpg", "a.jpg-64x64.jpg", "a.png-64x64.jpg"]
    );
    for name in ["a.jpeg", "a.jpg", "a.png"] {
        assert_eq!(place.result(&format!("{name}-64x64.jpg")), jpeg(name));
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_that_says_what_to_check() {
    let place = Place::with_images(3);
    let server = Server::new(|_| Reply::Echo).await;
    let address = server.address();
    drop(server);
    let (job, tally) = resize::resize(&place.via(&address, 2, 4));
    let failure = job.run().await.unwrap_err();
    let words = failure.cause().to_string();
    assert!(
        words.contains(&format!(
            "4 connections to {address} in a row brought no answer"
        )),
        "{words}"
    );
    assert!(words.contains("refused"), "{words}");
    assert_eq!(tally.summary().left(), 3);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let place = Place::with_images(3);
    let server = Server::new(|_| Reply::HangUp).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 1, 1)).await;
    let words = ended.unwrap_err().cause().to_string();
    assert!(words.contains("in a row brought no answer"), "{words}");
    assert_eq!((summary.done, summary.failed), (0, 0));
    assert_eq!(place.results(), [""; 0]);
}

#[tokio::test]
async fn a_directory_without_images_opens_no_connection() {
    let place = Place::with([("notes.txt", b"nothing to see".to_vec())]);
    let server = Server::new(|_| Reply::Echo).await;
    let (ended, summary) = run(&server, &place.via(&server.address(), 2, 4)).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!(
        (summary.planned, summary.other_files, server.opened_count()),
        (0, 1, 0)
    );
}

#[tokio::test]
async fn a_drained_run_saves_what_is_in_flight_and_leaves_the_rest() {
    let place = Place::with_images(30);
    let server = Server::new(|_| Reply::EchoWhenReleased).await;
    let (job, tally) = resize::resize(&place.via(&server.address(), 3, 3));
    let handle = job.handle();
    let drain = async {
        server.received(3).await;
        handle.drain();
        while !tally.look(|summary| summary.is_interrupted) {
            tokio::task::yield_now().await;
        }
        server.release();
        std::future::pending().await
    };
    let ended = server
        .during(async {
            tokio::select! {
                ended = job.run() => ended,
                never = drain => never,
            }
        })
        .await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    let summary = tally.summary();
    assert!(summary.is_interrupted);
    assert_eq!((summary.done, summary.failed), (3, 0));
    assert_eq!(place.results().len(), 3);
    assert_eq!(
        server.targets().len(),
        3,
        "nothing was sent after the drain"
    );
}

#[tokio::test]
async fn a_cancelled_run_leaves_no_partial_file() {
    let place = Place::with_images(30);
    let server = Server::new(|_| Reply::EchoWhenReleased).await;
    let (job, tally) = resize::resize(&place.via(&server.address(), 3, 3));
    let handle = job.handle();
    let cancel = async {
        server.received(3).await;
        handle.cancel("enough");
        std::future::pending().await
    };
    let ended = server
        .during(async {
            tokio::select! {
                ended = job.run() => ended,
                never = cancel => never,
            }
        })
        .await;
    assert!(ended.unwrap_err().is_cancelled());
    assert_eq!(tally.summary().done, 0);
    assert_eq!(place.results(), [""; 0]);
}

#[tokio::test]
async fn a_spare_connection_closes_when_no_image_waits_for_it() {
    // The first connection, which is kept, takes the first image. The second one is opened for the other image.
    let place = Place::with(["1 slow", "2"].map(|name| (format!("{name}.jpg"), jpeg(name))));
    let script = |request: &Request| {
        if request.contains("slow") {
            Reply::EchoWhenReleased
        } else {
            Reply::Echo
        }
    };
    let server = Server::new(script).await;
    let (job, tally) = resize::resize(&place.via(&server.address(), 1, 2));
    let release = async {
        server.closed(1).await;
        server.release();
    };
    let (ended, ()) = server
        .during(async { tokio::join!(job.run(), release) })
        .await;
    ended.unwrap();
    assert_eq!(tally.summary().done, 2);
}
