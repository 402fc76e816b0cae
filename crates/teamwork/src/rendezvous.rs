//! Handing items over, each with an answer.

mod table;

use std::{
    fmt,
    future::{Future, poll_fn},
    ops::{Deref, DerefMut},
    pin::Pin,
    sync::Arc,
    task::{self, Poll, Waker, ready},
};

use tokio::task::coop;

use self::table::{End, Table};

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
/// Any number of senders may wait; they are served in the order in which they came. An exchange allocates nothing. When senders are to
/// go on while an item is being worked on, a bounded `tokio::sync::mpsc` channel is enough.
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
#[doc(alias = "request", alias = "acknowledge")]
#[must_use]
pub fn rendezvous<T, A>() -> (Sender<T, A>, Receiver<T, A>) {
    let table = Arc::new(Table::new());
    let sender = Sender {
        table: table.clone(),
    };
    let known = None;
    (sender, Receiver { table, known })
}

/// The side of a [`rendezvous`] that has items.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Result, Sender, Task};
/// /// What one side of a pipeline is made of; the other one has the `Receiver`.
/// struct Scan {
///     found: Sender<String, ()>,
/// }
///
/// impl Task for Scan {
///     type Output = ();
///
///     async fn run(&mut self, _: &Context) -> Result<Flow> {
///         self.found.send("a file".to_owned()).await?; // No more than one is on its way.
///         Ok(Flow::Tick)
///     }
/// }
/// ```
pub struct Sender<T, A> {
    table: Arc<Table<T, A>>,
}

/// The side of a [`rendezvous`] that answers.
///
/// # Examples
///
/// ```
/// # use teamwork::{Context, Flow, Receiver, Result, Task};
/// /// What one side of a pipeline is made of; the other one has the `Sender`.
/// struct Save {
///     found: Receiver<String, ()>,
/// }
///
/// impl Task for Save {
///     type Output = ();
///
///     async fn run(&mut self, cx: &Context) -> Result<Flow> {
///         let Some(file) = cx.wait(self.found.recv()).await else {
///             return Ok(Flow::Done(())); // Nobody sends any more.
///         };
///         println!("save {}", *file);
///         file.answer(()); // An error before this, and the sender has one too.
///         Ok(Flow::Tick)
///     }
/// }
/// ```
pub struct Receiver<T, A> {
    table: Arc<Table<T, A>>,
    /// What the table has to call it with.
    known: Option<Waker>,
}

/// Why an item has no answer.
///
/// # Examples
///
/// ```
/// # use teamwork::SendError;
/// fn is_lost<T>(error: &SendError<T>) -> bool {
///     match error {
///         SendError::Closed(_) => false, // It is in there, for another receiver.
///         SendError::Unanswered => true, // Who took it may have done half of it.
///     }
/// }
/// assert!(!is_lost(&SendError::Closed("a parcel")));
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{SendError, rendezvous};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (sender, mut receiver) = rendezvous::<&str, ()>();
    /// let (sent, ()) = tokio::join!(sender.send("a parcel"), async {
    ///     drop(receiver.recv().await); // Taken, and dropped.
    /// });
    /// assert_eq!(sent, Err(SendError::Unanswered));
    /// drop(receiver);
    /// assert_eq!(sender.send("another").await, Err(SendError::Closed("another"))); // It has it back.
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub async fn send(&self, item: T) -> Result<A, SendError<T>> {
        Sending {
            table: &self.table,
            item: Some(item),
            place: None,
        }
        .await
    }

    /// Whether the receiver is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.table.is_closed()
    }
}

impl<T, A> Receiver<T, A> {
    /// Takes the next item, or gives `None` when every sender is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no item is lost when this is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::rendezvous;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (sender, mut receiver) = rendezvous::<u32, u32>();
    /// let (asked, ()) = tokio::join!(
    ///     async move { (sender.send(2).await, sender.send(3).await) }, // … and here the sender is gone.
    ///     async {
    ///         while let Some(number) = receiver.recv().await {
    ///             let squared = *number * *number; // A delivery derefs to its item.
    ///             number.answer(squared);
    ///         }
    ///     },
    /// );
    /// assert_eq!(asked, (Ok(4), Ok(9)));
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub async fn recv(&mut self) -> Option<Delivery<T, A>> {
        poll_fn(|cx| {
            // As the channels of Tokio do: whoever always finds something lets others have their turn.
            let budget = ready!(coop::poll_proceed(cx));
            let is_known = self
                .known
                .as_ref()
                .is_some_and(|waker| waker.will_wake(cx.waker()));
            if is_known && !self.table.has_news() {
                return Poll::Pending;
            }
            let taken = self.table.poll_take(cx.waker());
            if taken.is_pending() && !is_known {
                self.known = Some(cx.waker().clone());
            }
            let taken = ready!(taken);
            budget.made_progress();
            Poll::Ready(taken.map(|(place, item)| {
                let reply = Reply {
                    to: Some(To::Table(self.table.clone())),
                    place,
                };
                Delivery { item, reply }
            }))
        })
        .await
    }
}

/// An item on its way to its answer.
struct Sending<'a, T, A> {
    table: &'a Table<T, A>,
    /// Until it lies on the table.
    item: Option<T>,
    /// From then on, until the end.
    place: Option<usize>,
}

// The item is moved, never pinned.
impl<T, A> Unpin for Sending<'_, T, A> {}

impl<T, A> Future for Sending<'_, T, A> {
    type Output = Result<A, SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(item) = this.item.take() {
            match this.table.lay(item, cx.waker()) {
                Ok(place) => this.place = Some(place),
                Err(item) => return Poll::Ready(Err(SendError::Closed(item))),
            }
            return Poll::Pending;
        }
        let Some(place) = this.place else {
            // Polled again after its end: there is nothing left to wait for.
            return Poll::Pending;
        };
        let end = ready!(this.table.poll_end(place, cx.waker()));
        this.place = None;
        Poll::Ready(match end {
            End::Answer(answer) => Ok(answer),
            End::Unanswered => Err(SendError::Unanswered),
            End::Back(item) => Err(SendError::Closed(item)),
        })
    }
}

impl<T, A> Drop for Sending<'_, T, A> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.table.give_up(place);
        }
    }
}

/// An item that waits for its answer. Dropped without one, it is an error for its sender.
///
/// # Examples
///
/// ```
/// # use teamwork::Delivery;
/// fn halve(number: Delivery<u32, u32>) {
///     if *number % 2 == 0 {
///         let half = *number / 2;
///         number.answer(half);
///     } // An odd one is dropped: its sender gets `SendError::Unanswered`.
/// }
/// ```
#[must_use = "the sender waits for the answer"]
pub struct Delivery<T, A> {
    item: T,
    reply: Reply<T, A>,
}

impl<T, A> Delivery<T, A> {
    /// Answers; the sender goes on.
    pub fn answer(mut self, answer: A) {
        self.reply.give(Some(answer));
    }

    /// Whether the sender still waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::Delivery;
    /// fn work(number: Delivery<u32, u64>) {
    ///     let mut product = 1;
    ///     for factor in 1..=u64::from(*number) {
    ///         if !number.is_wanted() {
    ///             return; // The sender has been stopped.
    ///         }
    ///         product *= factor;
    ///     }
    ///     number.answer(product);
    /// }
    /// ```
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let place = self.reply.place;
        match &self.reply.to {
            Some(To::Table(table)) => table.is_wanted(place),
            Some(To::Any(table)) => table.is_wanted(place),
            None => false,
        }
    }
}

impl<T: Send + 'static, A: Send + 'static> Delivery<T, A> {
    /// Takes the item out; the answer can be given later.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::rendezvous;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (sender, mut receiver) = rendezvous::<String, usize>();
    /// let measure = async {
    ///     let (line, reply) = receiver.recv().await.ok_or("nobody sends")?.into_parts();
    ///     let words: Vec<String> = line.split(' ').map(str::to_owned).collect(); // The item is ours.
    ///     reply.answer(words.len());
    ///     Ok::<_, teamwork::Error>(())
    /// };
    /// let (words, measured) = tokio::join!(sender.send("to be or not".into()), measure);
    /// assert_eq!(words, Ok(4));
    /// measured?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[must_use = "the sender waits for the answer"]
    pub fn into_parts(mut self) -> (T, Delivery<(), A>) {
        let place = self.reply.place;
        let to = self.reply.to.take().map(|to| match to {
            To::Table(table) => To::Any(table as Arc<dyn Replies<A>>),
            To::Any(table) => To::Any(table),
        });
        let reply = Reply { to, place };
        (self.item, Delivery { item: (), reply })
    }
}

/// Where an answer goes. Dropped without one, the sender learns of it.
struct Reply<T, A> {
    /// Until it is given.
    to: Option<To<T, A>>,
    place: usize,
}

enum To<T, A> {
    Table(Arc<Table<T, A>>),
    /// A table whatever the items are.
    Any(Arc<dyn Replies<A>>),
}

trait Replies<A>: Send + Sync {
    fn reply(&self, place: usize, answer: Option<A>);
    fn is_wanted(&self, place: usize) -> bool;
}

impl<T: Send, A: Send> Replies<A> for Table<T, A> {
    fn reply(&self, place: usize, answer: Option<A>) {
        self.reply(place, answer);
    }

    fn is_wanted(&self, place: usize) -> bool {
        self.is_wanted(place)
    }
}

impl<T, A> Reply<T, A> {
    fn give(&mut self, answer: Option<A>) {
        match self.to.take() {
            Some(To::Table(table)) => table.reply(self.place, answer),
            Some(To::Any(table)) => table.reply(self.place, answer),
            None => {}
        }
    }
}

impl<T, A> Drop for Reply<T, A> {
    fn drop(&mut self) {
        self.give(None);
    }
}

impl<T, A> Drop for Receiver<T, A> {
    fn drop(&mut self) {
        self.table.close();
    }
}

impl<T, A> Drop for Sender<T, A> {
    fn drop(&mut self) {
        self.table.remove_sender();
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
        self.table.add_sender();
        Self {
            table: self.table.clone(),
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
