//! Handing items over, each with an answer: rule 12.

use teamwork::{Context, Job, SendError, rendezvous};

use crate::scripted::{Journal, is_pending, outcomes};

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
    assert!(is_pending(&mut waits).await);
    drop(receiver);
    assert_eq!(waits.await, Err(SendError::Closed("queued".to_owned())));
    assert!(sender.is_closed());
    let late = sender.send("late".to_owned()).await;
    assert_eq!(late, Err(SendError::Closed("late".to_owned())));
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
