//! What happens when something is not there, is too slow, or is too much.

use std::io::ErrorKind;
use std::time::Duration;

use crate::rig::{Rig, behind, exchange};
use serde_json::Value;
use teamwork::Outcome;
use testkit::backends::{Behaviour, Down, FullBacklog, refused_address};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(50);

/// Sends a byte and gets it back, so that the session is known to be connected.
async fn say_hello(client: &mut TcpStream) {
    client.write_all(b"!").await.unwrap();
    let mut answer = [0];
    client.read_exact(&mut answer).await.unwrap();
}

/// Two sessions, the second beside the first; how many tries failed before each.
///
/// The first takes either upstream, and a dead one looks emptier to the second: so it is tried by just one of them.
async fn retries_of_two(rig: &mut Rig) -> [Value; 2] {
    let mut first = rig.client().await;
    say_hello(&mut first).await;
    let second = exchange(rig.client().await, b"hello").await;
    assert_eq!(second.unwrap(), b"hello");
    drop(first);
    let mut retries = [Value::Null, Value::Null];
    for retries in &mut retries {
        let line = rig.line().await;
        assert_eq!(line["code"], "--");
        assert_eq!(line["upstream"], rig.backends[0].address().to_string());
        *retries = line["retries"].clone();
    }
    retries.sort_by_key(Value::as_u64);
    retries
}

#[tokio::test]
async fn when_an_upstream_refuses_another_one_is_tried() {
    behind([Behaviour::Echo])
        .after(refused_address().await.unwrap())
        .check(async |rig| {
            assert_eq!(retries_of_two(rig).await, [0, 1]);
            assert_eq!(connect_failures(rig), [1, 0]);
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn when_an_upstream_does_not_answer_in_time_another_one_is_tried() {
    let full = FullBacklog::bind().await.unwrap();
    behind([Behaviour::Echo])
        .after(full.address())
        .with(|config| config.connect_timeout = SHORT)
        .check(async |rig| {
            assert_eq!(retries_of_two(rig).await, [0, 1]);
        })
        .await
        .unwrap();
}

fn connect_failures(rig: &Rig) -> Vec<u64> {
    let backends = rig.stats.backends().iter();
    backends.map(|backend| backend.connect_failures()).collect()
}

#[tokio::test]
async fn an_upstream_that_is_down_attracts_no_sessions() {
    behind([Behaviour::Echo])
        .after(refused_address().await.unwrap())
        .check(async |rig| {
            for _ in 0..100 {
                exchange(rig.client().await, b"hello").await.unwrap();
            }
            // Rests double, so there are few tries however slowly this runs.
            let failures = connect_failures(rig);
            assert!((1..=10).contains(&failures[0]), "{failures:?}");
            let failing: Vec<_> = rig
                .stats
                .backends()
                .iter()
                .map(|it| it.is_failing())
                .collect();
            assert_eq!(failing, [true, false]);
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_used_again() {
    let down = Down::bind().unwrap();
    behind([Behaviour::Echo])
        .after(down.address().unwrap())
        .check(async |rig| {
            while connect_failures(rig)[0] == 0 {
                exchange(rig.client().await, b"hello").await.unwrap();
            }
            let (_up, serving) = down.come_up(Behaviour::Echo).unwrap();
            let sessions_come = async {
                while rig.stats.backends().iter().next().unwrap().sessions() == 0 {
                    exchange(rig.client().await, b"hello").await.unwrap();
                }
            };
            tokio::select! {
                () = sessions_come => {}
                _ = serving => panic!("the backend cannot accept"),
            }
            rig.line_where("message", "upstream answers again").await;
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn when_all_upstreams_are_down_the_client_is_closed_and_the_log_says_why() {
    behind([])
        .after(refused_address().await.unwrap())
        .after(refused_address().await.unwrap())
        .check(async |rig| {
            assert_eq!(exchange(rig.client().await, b"").await.unwrap(), b"");
            let line = rig.line().await;
            assert_eq!(
                (&line["code"], &line["reason"]),
                (&"SC".into(), &"upstream_connect_failed".into())
            );
            assert_eq!(
                (&line["level"], &line["retries"]),
                (&"WARN".into(), &1.into())
            );
            assert!(
                line["error"].as_str().unwrap().contains("refused"),
                "{line}"
            );
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn when_no_upstream_answers_in_time_the_log_says_so() {
    let full = FullBacklog::bind().await.unwrap();
    behind([])
        .after(full.address())
        .with(|config| config.connect_timeout = SHORT)
        .check(async |rig| {
            assert_eq!(exchange(rig.client().await, b"").await.unwrap(), b"");
            assert_eq!(rig.ending().await, "sC upstream_connect_timeout");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn above_the_limit_connections_are_closed_at_once_and_counted() {
    behind([Behaviour::Echo])
        .with(|config| config.sessions_max = 1)
        .check(async |rig| {
            let mut first = rig.client().await;
            say_hello(&mut first).await;
            for refused in 1..=3 {
                assert_eq!(exchange(rig.client().await, b"").await.unwrap(), b"");
                assert_eq!(rig.ending().await, "PC connection_limit");
                assert_eq!(rig.stats.refused(), refused);
            }
            say_hello(&mut first).await;
            drop(first);
            assert_eq!(rig.ending().await, "-- complete");
            // The place is free again.
            assert_eq!(
                exchange(rig.client().await, b"hello").await.unwrap(),
                b"hello"
            );
            assert_eq!(rig.stats.accepted(), 2);
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_waited_for_forever() {
    behind([Behaviour::Echo])
        .with(|config| config.idle_timeout = SHORT)
        .check(async |rig| {
            let mut client = rig.client().await;
            say_hello(&mut client).await;
            // Nothing is left over for it, so it is told by a proper end.
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
            assert_eq!(rig.ending().await, "cD client_idle_timeout");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upstream_that_answers_nothing_is_not_waited_for_forever() {
    behind([Behaviour::NeverAnswer])
        .with(|config| config.idle_timeout = SHORT)
        .check(async |rig| {
            let mut client = rig.client().await;
            client.write_all(b"anybody there?").await.unwrap();
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
            assert_eq!(rig.ending().await, "sD upstream_idle_timeout");
        })
        .await
        .unwrap();
}

/// What the client sent is stuck in the balancer when the time is up: a proper end would make it look complete.
#[tokio::test]
async fn an_upstream_that_takes_nothing_is_told_that_its_stream_is_torn() {
    behind([Behaviour::NeverRead])
        .with(|config| config.idle_timeout = SHORT)
        .check(async |rig| {
            let mut client = rig.client().await;
            let flood = async { while client.write_all(&[0; 65536]).await.is_ok() {} };
            let (_, seen) = tokio::join!(flood, rig.backends[0].next_connection());
            assert_eq!(seen.unwrap().end, testkit::backends::End::Reset);
            assert_eq!(rig.ending().await, "sD upstream_idle_timeout");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upstream_that_does_not_finish_after_its_client_is_not_waited_for_forever() {
    behind([Behaviour::NeverAnswer])
        .with(|config| config.half_close_timeout = SHORT)
        .check(async |rig| {
            assert_eq!(exchange(rig.client().await, b"bye").await.unwrap(), b"");
            assert_eq!(rig.ending().await, "sD upstream_half_close_timeout");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_finish_after_its_upstream_is_not_waited_for_forever() {
    behind([Behaviour::Greet(b"bye".to_vec())])
        .with(|config| config.half_close_timeout = SHORT)
        .check(async |rig| {
            let client = rig.client().await;
            assert_eq!(rig.ending().await, "cL client_half_close_timeout");
            drop(client);
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_draining_balancer_takes_nobody_new_and_lets_its_sessions_end() {
    let report = behind([Behaviour::Echo])
        .check(async |rig| {
            let mut client = rig.client().await;
            say_hello(&mut client).await;
            rig.handle.drain();
            rig.draining().await;
            // Whoever was in the kernel's queue until now is refused with it.
            while TcpStream::connect(rig.address).await.is_ok() {}
            say_hello(&mut client).await;
            assert_eq!(exchange(client, b"goodbye").await.unwrap(), b"goodbye");
            assert_eq!(rig.ending().await, "-- complete");
        })
        .await
        .unwrap();
    assert_eq!(report.outcome(), Outcome::Done);
}

#[tokio::test]
async fn a_session_that_outlives_the_drain_is_cut_and_both_sides_learn_it() {
    let report = behind([Behaviour::Echo])
        .with(|config| config.drain_timeout = SHORT)
        .check(async |rig| {
            let mut client = rig.client().await;
            say_hello(&mut client).await;
            rig.handle.drain();
            let error = client.read(&mut [0]).await.expect_err("the session is cut");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert_eq!(
                rig.backends[0].next_connection().await.unwrap().end,
                testkit::backends::End::Reset
            );
            assert_eq!(rig.ending().await, "KD stopped");
        })
        .await
        .unwrap();
    assert_eq!(report.outcome(), Outcome::Done);
}

#[tokio::test]
async fn a_second_stop_cuts_sessions_at_once() {
    let failure = behind([Behaviour::Echo])
        .check(async |rig| {
            let mut client = rig.client().await;
            say_hello(&mut client).await;
            rig.handle.drain();
            rig.handle.cancel("told twice");
            let error = client.read(&mut [0]).await.expect_err("the session is cut");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert_eq!(rig.ending().await, "KD stopped");
        })
        .await
        .expect_err("it was cancelled");
    assert!(
        failure.cause().to_string().contains("told twice"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_session_that_is_still_connecting_is_cut_too() {
    let full = FullBacklog::bind().await.unwrap();
    behind([])
        .after(full.address())
        .check(async |rig| {
            let mut client = rig.client().await;
            while rig.stats.live() == 0 {
                tokio::task::yield_now().await;
            }
            rig.handle.finish();
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
            assert_eq!(rig.ending().await, "KC stopped");
        })
        .await
        .unwrap();
}
