//! Handing items over, each with an answer: rule 12.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use teamwork::{Context, Job, SendError, Sender, rendezvous};

use crate::scripted::{Journal, is_pending, outcomes, sleep};

#[tokio::test]
async fn a_send_returns_when_the_item_is_answered_and_not_before() {
    let (sender, mut receiver) = rendezvous::<u32, u32>();
    let mut send = Box::pin(sender.send(20));
    assert!(is_pending(&mut send).await);
    let delivery = receiver.recv().await.unwrap();
    assert!(is_pending(&mut send).await && delivery.is_wanted());
    let twice = *delivery * 2;
    delivery.answer(twice);
    assert_eq!(send.await, Ok(40));
}

#[tokio::test]
async fn two_senders_take_turns() {
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    let receive = async {
        for expected in [1, 2] {
            let delivery = receiver.recv().await.unwrap();
            assert_eq!(*delivery, expected);
            delivery.answer(());
        }
    };
    let both = tokio::join!(sender.send(1), sender.send(2), receive);
    assert_eq!(both, (Ok(()), Ok(()), ()));
}

#[tokio::test]
async fn a_sender_learns_that_the_receiver_has_gone_and_has_its_item_back() {
    let (sender, receiver) = rendezvous::<String, ()>();
    let mut waits = Box::pin(sender.send("queued".to_owned()));
    assert!(is_pending(&mut waits).await && !sender.is_closed());
    drop(receiver);
    assert_eq!(waits.await, Err(SendError::Closed("queued".to_owned())));
    assert!(sender.is_closed());
    let late = sender.send("late".to_owned()).await;
    assert_eq!(late, Err(SendError::Closed("late".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_are_called_when_the_receiver_goes() {
    let (sender, receiver) = rendezvous::<u32, ()>();
    let mut job = Job::new("test").timeout(Duration::from_secs(60));
    for item in 0..3 {
        let sender = sender.clone();
        // Each on a task of its own, which is polled when it is called and not before.
        job.add_fn("send", async move |_: &Context| {
            assert_eq!(sender.send(item).await, Err(SendError::Closed(item)));
            Ok(())
        });
    }
    job.add_fn("leave", async move |_: &Context| {
        sleep(5).await;
        drop(receiver);
        Ok(())
    });
    job.run().await.unwrap();
}

#[tokio::test]
async fn an_item_that_was_taken_and_dropped_is_told_from_one_that_was_not() {
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    let mut send = Box::pin(sender.send(1));
    assert!(is_pending(&mut send).await);
    drop(receiver.recv().await);
    assert_eq!(send.await, Err(SendError::Unanswered));
}

#[tokio::test]
async fn an_item_whose_sender_does_not_wait_is_not_delivered() {
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    let mut given_up = Box::pin(sender.send(1));
    assert!(is_pending(&mut given_up).await);
    drop(given_up);
    let receive = async {
        let (item, answer) = receiver.recv().await.unwrap().into_parts();
        assert_eq!(item, 2);
        answer.answer(());
    };
    assert_eq!(tokio::join!(sender.send(2), receive), (Ok(()), ()));
    drop(sender);
    assert!(receiver.recv().await.is_none(), "every sender is gone");
}

#[tokio::test(start_paused = true)]
async fn when_the_receiving_task_fails_the_sending_one_does_not_hang() {
    let journal = Journal::default();
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    let mut job = Job::new("test");
    let noted = journal.clone();
    job.add_fn("send", async move |_: &Context| {
        if let Err(error) = sender.send(1).await {
            noted.note(error.to_string());
        }
        Ok(())
    });
    let receive = async move |_: &Context| -> teamwork::Result {
        let _delivery = receiver.recv().await;
        Err("cannot work".into())
    };
    job.add_fn("receive", receive).optional();
    let report = job.run().await.unwrap();
    assert_eq!(outcomes(&report), "send done · receive failed");
    assert_eq!(
        journal.text(),
        "the item was taken, and dropped without an answer"
    );
}

#[tokio::test]
async fn an_answer_can_be_given_later_and_in_another_order() {
    let (sender, mut receiver) = rendezvous::<u32, u32>();
    let receive = async {
        let (first, of_first) = receiver.recv().await.unwrap().into_parts();
        let (second, of_second) = receiver.recv().await.unwrap().into_parts();
        of_second.answer(second + 10);
        assert!(of_first.is_wanted());
        of_first.answer(first + 10);
    };
    let answers = tokio::join!(sender.send(1), sender.send(2), receive);
    assert_eq!(answers, (Ok(11), Ok(12), ()));
}

#[tokio::test]
async fn who_gives_up_while_the_item_is_worked_on_is_not_wanted_and_leaves_nothing() {
    let (sender, mut receiver) = rendezvous::<u32, Arc<()>>();
    let mut given_up = Box::pin(sender.send(1));
    assert!(is_pending(&mut given_up).await);
    let delivery = receiver.recv().await.unwrap();
    drop(given_up);
    assert!(!delivery.is_wanted());
    let answer = Arc::new(());
    delivery.answer(answer.clone());
    assert_eq!(Arc::strong_count(&answer), 1, "the answer is dropped");
    let receive = async { receiver.recv().await.unwrap().answer(answer.clone()) };
    let (answered, ()) = tokio::join!(sender.send(2), receive);
    assert_eq!(Arc::strong_count(&answered.unwrap()), 2);
}

/// Sends numbers, of which it does not wait for some, and checks the answers.
async fn impatient(sender: Sender<u64, u64>, seed: u64) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut answered = 0;
    for item in 0..500 {
        let mut send = pin!(sender.send(item));
        let mut patience = random.usize(..4);
        let end = poll_fn(|cx| match send.as_mut().poll(cx) {
            Poll::Ready(end) => Poll::Ready(Some(end)),
            Poll::Pending if patience == 0 => Poll::Ready(None),
            Poll::Pending => {
                patience -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        });
        match end.await {
            Some(Ok(answer)) => {
                assert_eq!(answer, item + 1_000);
                answered += 1;
            }
            Some(Err(error)) => assert_eq!(error, SendError::Unanswered),
            None => {}
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_waits_long_enough_has_the_answer_to_its_own_item() {
    const SENDERS: u64 = 4;
    let (sender, mut receiver) = rendezvous::<u64, u64>();
    let (answered, dropped) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut job = Job::new("test");
    for seed in 0..SENDERS {
        let (sender, answered) = (sender.clone(), answered.clone());
        job.add_fn("send", async move |_: &Context| {
            answered.fetch_add(impatient(sender.clone(), seed).await, Ordering::Relaxed);
            // And some for which it waits to the end, whatever became of the others.
            for item in 0..20 {
                match sender.send(item).await {
                    Ok(answer) => {
                        assert_eq!(answer, item + 1_000);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => assert_eq!(error, SendError::Unanswered),
                }
            }
            Ok(())
        });
    }
    drop(sender);
    let refused = dropped.clone();
    job.add_fn("answer", async move |_: &Context| {
        let mut taken = 0_u64;
        while let Some(delivery) = receiver.recv().await {
            taken += 1;
            if taken.is_multiple_of(7) {
                refused.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let (item, reply) = delivery.into_parts();
            reply.answer(item + 1_000);
        }
        Ok(())
    });
    job.run().await.unwrap();
    assert!(answered.load(Ordering::Relaxed) > 0 && dropped.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn the_place_of_one_that_gave_up_is_taken_by_another_but_not_its_turn() {
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    let mut sends: Vec<_> = (1..=3).map(|item| Box::pin(sender.send(item))).collect();
    for send in &mut sends {
        assert!(is_pending(send).await);
    }
    drop(sends.remove(0));
    let mut late = Box::pin(sender.send(4));
    assert!(is_pending(&mut late).await);
    for expected in [2, 3, 4] {
        assert_eq!(*receiver.recv().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_send_that_is_forgotten_is_delivered_and_does_not_hang_the_receiver() {
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    assert!(is_pending(&mut Box::pin(receiver.recv())).await);
    let mut send = Box::pin(sender.send(1));
    assert!(is_pending(&mut send).await);
    std::mem::forget(send);
    drop(sender);
    assert_eq!(*receiver.recv().await.unwrap(), 1);
    let mut end = Box::pin(receiver.recv());
    assert!(!is_pending(&mut end).await, "every sender is gone");
}

#[tokio::test]
async fn a_receiver_that_has_waited_takes_all_that_has_come_since() {
    let (sender, mut receiver) = rendezvous::<u32, ()>();
    assert!(is_pending(&mut Box::pin(receiver.recv())).await);
    let mut sends: Vec<_> = (1..=3).map(|item| Box::pin(sender.send(item))).collect();
    for send in &mut sends {
        assert!(is_pending(send).await);
    }
    for expected in [1, 2, 3] {
        let mut next = pin!(receiver.recv());
        let taken = poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
        assert!(matches!(taken, Poll::Ready(Some(item)) if *item == expected));
    }
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_any_more_goes_to_nobody_else() {
    let (sender, mut receiver) = rendezvous::<u32, u32>();
    let mut gives_up = Box::pin(sender.send(1));
    assert!(is_pending(&mut gives_up).await);
    let (_, first) = receiver.recv().await.unwrap().into_parts();
    assert!(first.is_wanted());
    drop(gives_up);
    assert!(!first.is_wanted());
    let mut send = Box::pin(sender.send(2));
    assert!(is_pending(&mut send).await);
    let second = receiver.recv().await.unwrap();
    first.answer(10);
    assert!(is_pending(&mut send).await);
    let mut third = Box::pin(sender.send(3));
    assert!(is_pending(&mut third).await);
    second.answer(20);
    assert_eq!(send.await, Ok(20));
    receiver.recv().await.unwrap().answer(30);
    assert_eq!(third.await, Ok(30));
}
