//! An item handed over and answered, beside a channel of one with a oneshot for the answer.

use std::hint::black_box;

use anyhow::Result;
use tokio::sync::{mpsc, oneshot};

use super::{Setting, contender, hand};
use crate::rows::{Row, Target};

async fn by_rendezvous(exchanges: usize) {
    let (sender, mut receiver) = teamwork::rendezvous::<u64, u64>();
    let answering = hand::spawned(async move {
        while let Some(delivery) = receiver.recv().await {
            let item = *delivery;
            delivery.answer(black_box(item));
        }
    });
    for item in 0..exchanges as u64 {
        let answer = sender.send(item).await;
        assert_eq!(answer, Ok(item));
    }
    drop(sender);
    answering.await.expect("nothing panics");
}

async fn by_channels(exchanges: usize) {
    let (sender, mut receiver) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(1);
    let answering = hand::spawned(async move {
        while let Some((item, answer)) = receiver.recv().await {
            // The other side waits for it.
            let _ = answer.send(black_box(item));
        }
    });
    for item in 0..exchanges as u64 {
        let (answer, answered) = oneshot::channel();
        sender.send((item, answer)).await.expect("it is received");
        assert_eq!(answered.await, Ok(item));
    }
    drop(sender);
    answering.await.expect("nothing panics");
}

pub(super) fn rows(setting: &Setting<'_>) -> Result<Vec<Row>> {
    let Setting { workers, scale, .. } = *setting;
    let runtime = &workers.runtime()?;
    let exchanges = scale.count(200_000);
    let contenders = vec![
        contender("rendezvous", move || {
            hand::on(
                runtime,
                hand::nanos_each(exchanges, by_rendezvous(exchanges)),
            )
        }),
        contender("mpsc + oneshot", move || {
            hand::on(runtime, hand::nanos_each(exchanges, by_channels(exchanges)))
        }),
    ];
    let name = format!("rendezvous with an answer, {}", workers.label());
    Ok(vec![
        super::row(name, "ns", scale, contenders).target(Target::RatioTo("mpsc + oneshot", 0.7)),
    ])
}
