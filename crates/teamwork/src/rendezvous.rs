//! Handing items over, each with an answer.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{mpsc, oneshot};

/// A channel without a queue, on which every item gets an answer: [`send`](Sender::send) returns when the receiver has answered.
///
/// This is what two tasks of a job use that take turns, in place of a pair of channels for "here is one" and "done with it". It cannot
/// deadlock when one side ends: the other side gets an error.
///
/// ```text
/// send(item) ─▶ Delivery ── answer(a) ─▶ Ok(a)
///                        └─ dropped ───▶ Err(Unanswered)
/// ```
///
/// Any number of senders may wait; they are served in the order in which they came. When they are to go on while an item is being worked
/// on, a bounded `tokio::sync::mpsc` channel is enough.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Job, rendezvous};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let (sender, mut receiver) = rendezvous::<&str, usize>();
/// let mut job = Job::new("pipeline");
/// job.add_fn("scan", async move |_: &Context| {
///     for line in ["a", "bcd"] {
///         let length = sender.send(line).await?; // not before the other one is done with it
///         assert_eq!(length, line.len());
///     }
///     Ok(())
/// });
/// job.add_fn("measure", async move |cx: &Context| {
///     while let Some(line) = cx.wait(receiver.recv()).await {
///         let length = line.len();
///         line.answer(length);
///     }
///     Ok(())
/// });
/// job.run().await?;
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[must_use]
pub fn rendezvous<T, A>() -> (Sender<T, A>, Receiver<T, A>) {
    let (parcels, received) = mpsc::channel(1);
    (Sender { parcels }, Receiver { received })
}

/// An item on its way, and where the answer goes.
struct Parcel<T, A> {
    item: Arc<Mutex<Option<T>>>,
    answer: oneshot::Sender<A>,
}

fn take<T>(item: &Mutex<Option<T>>) -> Option<T> {
    item.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Takes an item back when nobody waits for its answer any more.
struct Withdraw<'a, T>(&'a Mutex<Option<T>>);

impl<T> Drop for Withdraw<'_, T> {
    fn drop(&mut self) {
        drop(take(self.0));
    }
}

/// The side of a [`rendezvous`] that has items.
pub struct Sender<T, A> {
    parcels: mpsc::Sender<Parcel<T, A>>,
}

/// The side of a [`rendezvous`] that answers.
pub struct Receiver<T, A> {
    received: mpsc::Receiver<Parcel<T, A>>,
}

/// Why an item has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// The receiver is gone; here is the item.
    Closed(T),
    /// The receiver took the item and dropped it without an answer: it failed, or was stopped.
    Unanswered,
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "there is nobody left to take the item",
            Self::Unanswered => "the item was taken, and dropped without an answer",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for SendError<T> {}

impl<T, A> Sender<T, A> {
    /// Hands an item over, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the receiver is gone, or has dropped the item without an answer.
    ///
    /// # Cancel safety
    ///
    /// If this is dropped before the receiver has taken the item, it never will; if later, the answer is dropped.
    pub async fn send(&self, item: T) -> Result<A, SendError<T>> {
        let item = Arc::new(Mutex::new(Some(item)));
        let _withdraw = Withdraw(&item);
        let (answer, answered) = oneshot::channel();
        let parcel = Parcel {
            item: item.clone(),
            answer,
        };
        if self.parcels.send(parcel).await.is_ok()
            && let Ok(answer) = answered.await
        {
            return Ok(answer);
        }
        Err(take(&item).map_or(SendError::Unanswered, SendError::Closed))
    }

    /// Whether the receiver is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.parcels.is_closed()
    }
}

impl<T, A> Receiver<T, A> {
    /// Takes the next item, or gives `None` when every sender is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no item is lost when this is dropped.
    pub async fn recv(&mut self) -> Option<Delivery<T, A>> {
        loop {
            let Parcel { item, answer } = self.received.recv().await?;
            // A sender that no longer waits has taken its item back.
            if let Some(item) = take(&item) {
                return Some(Delivery { item, answer });
            }
        }
    }
}

/// An item that waits for its answer. Dropped without one, it is an error for its sender.
#[must_use = "the sender waits for the answer"]
pub struct Delivery<T, A> {
    item: T,
    answer: oneshot::Sender<A>,
}

impl<T, A> Delivery<T, A> {
    /// Answers; the sender goes on.
    pub fn answer(self, answer: A) {
        // If it does not wait any more, nobody wants to know.
        let _ = self.answer.send(answer);
    }

    /// Takes the item out; the answer can be given later.
    #[must_use = "the sender waits for the answer"]
    pub fn into_parts(self) -> (T, Delivery<(), A>) {
        let answer = Delivery {
            item: (),
            answer: self.answer,
        };
        (self.item, answer)
    }

    /// Whether the sender still waits.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }
}

impl<T, A> Deref for Delivery<T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T, A> DerefMut for Delivery<T, A> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T, A> Clone for Sender<T, A> {
    fn clone(&self) -> Self {
        Self {
            parcels: self.parcels.clone(),
        }
    }
}

impl<T, A> fmt::Debug for Sender<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<T, A> fmt::Debug for Receiver<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl<T: fmt::Debug, A> fmt::Debug for Delivery<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}
