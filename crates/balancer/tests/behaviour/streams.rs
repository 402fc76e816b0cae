//! What happens to the bytes: all of them arrive, and a torn stream never looks whole.

use std::io::ErrorKind;
use std::num::NonZero;

use crate::rig::{behind, exchange};
use socket2::SockRef;
use testkit::backends::{Behaviour, Connection, End, payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::tcp::OwnedWriteHalf;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn sixteen_mebibytes_go_through_and_back_unchanged() {
    let report = behind([Behaviour::Echo])
        .check(async |rig| {
            let sent = payload(1, 16 * MIB);
            let answer = exchange(rig.client().await, &sent).await.unwrap();
            assert!(
                answer == sent,
                "{} of {} bytes came back right",
                answer.len(),
                sent.len()
            );
            let line = rig.line().await;
            assert_eq!(
                (&line["code"], &line["reason"]),
                (&"--".into(), &"complete".into())
            );
            assert_eq!(
                (&line["up_bytes"], &line["down_bytes"]),
                (&sent.len().into(), &sent.len().into())
            );
        })
        .await
        .unwrap();
    assert!(report.cause().is_none(), "{report}");
}

#[tokio::test]
async fn a_client_that_has_finished_still_gets_its_answer() {
    behind([Behaviour::EchoAtEnd])
        .check(async |rig| {
            let sent = payload(2, MIB);
            assert!(exchange(rig.client().await, &sent).await.unwrap() == sent);
            assert_eq!(rig.ending().await, "-- complete");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upstream_that_has_finished_still_gets_the_rest() {
    let greeting = payload(3, MIB);
    behind([Behaviour::Greet(greeting.clone())])
        .check(async |rig| {
            let mut client = rig.client().await;
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.unwrap();
            assert!(received == greeting);

            let sent = payload(4, MIB);
            client.write_all(&sent).await.unwrap();
            client.shutdown().await.unwrap();
            let seen = rig.backends[0].next_connection().await.unwrap();
            assert_eq!(
                seen,
                Connection {
                    received: sent.len(),
                    end: End::Finished
                }
            );
            assert_eq!(rig.ending().await, "-- complete");
        })
        .await
        .unwrap();
}

/// The urgent byte itself is out of band, and is not handed on.
#[tokio::test]
async fn what_follows_urgent_data_arrives_however_little_it_is() {
    behind([Behaviour::Echo])
        .check(async |rig| {
            let mut client = rig.client().await;
            // The balancer, which is on this thread, sees all of it at once.
            SockRef::from(&client).send(b"before").unwrap();
            SockRef::from(&client).send_out_of_band(b"!").unwrap();
            SockRef::from(&client).send(b"after").unwrap();
            let mut received = [0; 11];
            client.read_exact(&mut received).await.unwrap();
            assert_eq!(&received, b"beforeafter");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn urgent_data_does_not_stop_a_busy_stream() {
    behind([Behaviour::Echo])
        .check(async |rig| {
            let sent = payload(8, 8 * MIB);
            let client = rig.client().await;
            let (mut reader, mut writer) = client.into_split();
            let write = async {
                let (before, after) = sent.split_at(4 * MIB);
                writer.write_all(before).await.unwrap();
                let stream = writer.as_ref();
                let urgent = || SockRef::from(stream).send_out_of_band(b"!");
                stream.async_io(Interest::WRITABLE, urgent).await.unwrap();
                writer.write_all(after).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            let mut received = Vec::new();
            let ((), read) = tokio::join!(write, reader.read_to_end(&mut received));
            read.unwrap();
            assert!(received == sent, "{} bytes came back", received.len());
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_slow_upstream_slows_its_client_down_and_loses_nothing() {
    behind([Behaviour::ReadSlowly])
        .check(async |rig| {
            let sent = payload(5, 8 * MIB);
            let answer = exchange(rig.client().await, &sent).await.unwrap();
            assert_eq!(String::from_utf8(answer).unwrap(), sent.len().to_string());
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reset_by_the_client_reaches_the_upstream() {
    behind([Behaviour::NeverAnswer])
        .check(async |rig| {
            let mut client = rig.client().await;
            client.write_all(b"hello").await.unwrap();
            client.set_zero_linger().unwrap();
            drop(client);
            let seen = rig.backends[0].next_connection().await.unwrap();
            assert_eq!(seen.end, End::Reset);
            assert_eq!(rig.ending().await, "CD client_reset");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reset_by_the_upstream_reaches_the_client() {
    behind([Behaviour::ResetAfter(5)])
        .check(async |rig| {
            let error = exchange(rig.client().await, b"hello")
                .await
                .expect_err("the answer is torn");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert_eq!(rig.ending().await, "SD upstream_reset");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_answer_that_a_reset_follows_arrives_and_so_does_the_reset() {
    let answer = payload(6, 10_000);
    behind([Behaviour::GreetAndClose(answer.clone())])
        .check(async |rig| {
            let mut client = rig.client().await;
            client.write_all(&payload(7, 100_000)).await.unwrap();
            let mut received = vec![0; answer.len()];
            client.read_exact(&mut received).await.unwrap();
            assert!(received == answer);
            let error = client
                .read(&mut received)
                .await
                .expect_err("what the upstream left unread was lost");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert_eq!(rig.ending().await, "SD upstream_reset");
        })
        .await
        .unwrap();
}

/// The upstream has answered and finished, and then refuses what the client still sends. Closing the client's
/// connection with bytes of it unread would reset it, and the answer might be lost on the way.
#[tokio::test]
async fn what_a_client_sends_after_the_answer_is_taken_though_nobody_wants_it() {
    let answer = payload(8, 10_000);
    behind([Behaviour::GreetAndResetAfter(answer.clone(), 1)])
        .check(async |rig| {
            let mut client = rig.client().await;
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.unwrap();
            assert!(received == answer);
            client.write_all(b"one byte too many").await.unwrap();
            rig.backends[0].next_connection().await.unwrap();
            client.write_all(&payload(9, 8 * MIB)).await.unwrap();
            drop(client);
            assert_eq!(rig.ending().await, "SL upstream_reset");
        })
        .await
        .unwrap();
}

/// Sends `bytes` in pieces of random sizes, letting the others go on between some of them, and finishes.
async fn send_in_pieces(writer: &mut OwnedWriteHalf, mut bytes: &[u8], seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(rng.usize(1..=bytes.len().min(100_000)));
        writer.write_all(piece).await.unwrap();
        bytes = rest;
        if rng.bool() {
            tokio::task::yield_now().await;
        }
    }
    writer.shutdown().await.unwrap();
}

#[tokio::test]
async fn whatever_the_sizes_and_the_order_every_byte_arrives() {
    behind([Behaviour::Echo, Behaviour::EchoAtEnd])
        .check(async |rig| {
            let clients = (0..100_u64).map(async |seed| {
                let sent = payload(seed, fastrand::Rng::with_seed(seed).usize(0..300_000));
                let (mut reader, mut writer) = rig.client().await.into_split();
                let mut answer = Vec::new();
                let receive = reader.read_to_end(&mut answer);
                let ((), received) =
                    tokio::join!(send_in_pieces(&mut writer, &sent, seed), receive);
                assert!(
                    received.is_ok() && answer == sent,
                    "seed {seed}: {received:?}, {} bytes",
                    sent.len()
                );
            });
            futures_util::future::join_all(clients).await;
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_upstream_that_closes_at_once_ends_the_session_properly() {
    behind([Behaviour::CloseAtOnce])
        .check(async |rig| {
            assert_eq!(exchange(rig.client().await, b"").await.unwrap(), b"");
            assert_eq!(rig.ending().await, "-- complete");
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn three_hundred_sessions_at_once_spread_over_three_upstreams() {
    behind([
        Behaviour::EchoAtEnd,
        Behaviour::EchoAtEnd,
        Behaviour::EchoAtEnd,
    ])
    .check(async |rig| {
        let clients = (0..300_u64).map(async |seed| {
            let sent = payload(seed, 50_000);
            let stream = rig.client().await;
            assert!(
                exchange(stream, &sent).await.unwrap() == sent,
                "client {seed}"
            );
        });
        futures_util::future::join_all(clients).await;
        for _ in 0..300 {
            assert_eq!(rig.ending().await, "-- complete");
        }
        let sessions: Vec<_> = rig
            .stats
            .backends()
            .iter()
            .map(|backend| backend.sessions())
            .collect();
        assert_eq!(sessions.iter().sum::<u64>(), 300);
        assert!(
            sessions.iter().all(|&sessions| sessions > 50),
            "{sessions:?}"
        );
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn on_several_threads_every_byte_arrives_and_the_counts_add_up() {
    const CLIENTS: usize = 200;
    let report = behind([Behaviour::Echo, Behaviour::EchoAtEnd])
        .with(|config| config.threads = NonZero::new(3).unwrap())
        .check(async |rig| {
            let clients = (0..CLIENTS as u64).map(async |seed| {
                let sent = payload(seed, 50_000);
                let stream = rig.client().await;
                assert!(exchange(stream, &sent).await.unwrap() == sent, "{seed}");
            });
            futures_util::future::join_all(clients).await;
            while rig.stats.live() > 0 {
                tokio::task::yield_now().await;
            }
            let stats = &rig.stats;
            let bytes = 50_000 * CLIENTS as u64;
            assert_eq!(stats.accepted(), CLIENTS as u64);
            assert_eq!((stats.uploaded(), stats.downloaded()), (bytes, bytes));
        })
        .await
        .unwrap();
    assert!(report.cause().is_none(), "{report}");
    let cores: Vec<_> = report.tasks().map(|task| task.name).collect();
    assert_eq!(cores, ["core 0", "core 1", "core 2"]);
}
