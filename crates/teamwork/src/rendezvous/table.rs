//! Where the senders of a rendezvous lay items down, and its receiver the answers.
//!
//! One lock, taken four times for an exchange (a receiver that finds no news need not take it), and no allocation: a place on the table is used again and again.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

/// What the two sides share.
pub(super) struct Table<T, A> {
    state: Mutex<State<T, A>>,
    /// There is something for the receiver: an item, or word that every sender is gone. Written under the lock.
    has_news: AtomicBool,
}

struct State<T, A> {
    places: Vec<Place<T, A>>,
    /// Places that nobody uses.
    free: Vec<usize>,
    /// Where items wait, in the order in which they came.
    waiting: VecDeque<usize>,
    /// Stays, and is called whenever there are news.
    receiver: Option<Waker>,
    senders: usize,
    /// The receiver is gone.
    is_closed: bool,
}

/// What lies in a place.
enum Place<T, A> {
    Free,
    /// An item; its sender waits for the answer.
    Item(T, Waker),
    /// The item is being worked on.
    Taken(Waker),
    /// The item is being worked on, and its sender does not wait any more.
    GivenUp,
    Answer(A),
    /// The item was dropped without an answer.
    Unanswered,
}

/// How an exchange ended for its sender.
pub(super) enum End<T, A> {
    Answer(A),
    Unanswered,
    /// The receiver is gone; it had not taken the item.
    Back(T),
}

/// For both sides.
impl<T, A> Table<T, A> {
    /// A table with one sender.
    pub(super) fn new() -> Self {
        let state = State {
            places: Vec::new(),
            free: Vec::new(),
            waiting: VecDeque::new(),
            receiver: None,
            senders: 1,
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            has_news: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T, A>> {
        // Nothing of the users' is called or dropped under this lock but wakers: to clone one, and to call that of the receiver, which
        // only puts its task into a queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

/// For senders.
impl<T, A> Table<T, A> {
    /// Lays an item down, and calls the receiver.
    ///
    /// # Errors
    ///
    /// Gives the item back when the receiver is gone.
    pub(super) fn lay(&self, item: T, sender: &Waker) -> Result<usize, T> {
        let sender = sender.clone();
        let mut state = self.lock();
        if state.is_closed {
            return Err(item);
        }
        let place = state.lay(Place::Item(item, sender));
        state.waiting.push_back(place);
        self.has_news.store(true, Ordering::Release);
        if let Some(receiver) = &state.receiver {
            receiver.wake_by_ref();
        }
        Ok(place)
    }

    /// The end of an exchange, whose place is free then.
    pub(super) fn poll_end(&self, place: usize, sender: &Waker) -> Poll<End<T, A>> {
        let mut state = self.lock();
        let is_closed = state.is_closed;
        let there = &mut state.places[place];
        match there {
            Place::Taken(waker) => {
                waker.clone_from(sender);
                return Poll::Pending;
            }
            Place::Item(_, waker) if !is_closed => {
                waker.clone_from(sender);
                return Poll::Pending;
            }
            _ => {}
        }
        let there = state.clear(place);
        drop(state);
        Poll::Ready(match there {
            Place::Answer(answer) => End::Answer(answer),
            Place::Item(item, _) => End::Back(item),
            Place::Free | Place::Taken(_) | Place::GivenUp | Place::Unanswered => End::Unanswered,
        })
    }

    /// The sender of this exchange does not wait any more.
    pub(super) fn give_up(&self, place: usize) {
        let mut state = self.lock();
        let there = match state.places[place] {
            Place::Taken(_) => mem::replace(&mut state.places[place], Place::GivenUp),
            Place::Item(..) => {
                state.forget(place);
                state.clear(place)
            }
            _ => state.clear(place),
        };
        drop(state);
        drop(there);
    }

    pub(super) fn add_sender(&self) {
        self.lock().senders += 1;
    }

    pub(super) fn remove_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        let receiver = if state.senders == 0 {
            self.has_news.store(true, Ordering::Release);
            state.receiver.clone()
        } else {
            None
        };
        drop(state);
        call(receiver);
    }
}

/// For the receiver.
impl<T, A> Table<T, A> {
    /// Whether a look at the table is worth it, for a receiver that is called when that changes.
    pub(super) fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// Takes the item that waits for the longest time, with its place; `None` when every sender is gone.
    pub(super) fn poll_take(&self, receiver: &Waker) -> Poll<Option<(usize, T)>> {
        let mut state = self.lock();
        while let Some(place) = state.waiting.pop_front() {
            let there = &mut state.places[place];
            match mem::replace(there, Place::Free) {
                Place::Item(item, sender) => {
                    *there = Place::Taken(sender);
                    let has_more = !state.waiting.is_empty() || state.senders == 0;
                    self.has_news.store(has_more, Ordering::Relaxed);
                    return Poll::Ready(Some((place, item)));
                }
                other => *there = other,
            }
        }
        if state.senders == 0 {
            return Poll::Ready(None);
        }
        self.has_news.store(false, Ordering::Relaxed);
        let is_known = |known: &Waker| known.will_wake(receiver);
        let before = if state.receiver.as_ref().is_some_and(is_known) {
            None
        } else {
            state.receiver.replace(receiver.clone())
        };
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Answers, or says that there will be no answer.
    pub(super) fn reply(&self, place: usize, answer: Option<A>) {
        let reply = answer.map_or(Place::Unanswered, Place::Answer);
        let mut state = self.lock();
        let before = match &state.places[place] {
            Place::Taken(_) => mem::replace(&mut state.places[place], reply),
            _ => state.clear(place),
        };
        drop(state);
        if let Place::Taken(sender) = before {
            sender.wake();
        }
    }

    /// Whether the sender waits for this answer.
    pub(super) fn is_wanted(&self, place: usize) -> bool {
        matches!(self.lock().places[place], Place::Taken(_))
    }

    /// The receiver is gone; those whose items wait have them back.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let receiver = state.receiver.take();
        let waiting = mem::take(&mut state.waiting);
        let senders: Vec<_> = waiting
            .into_iter()
            .filter_map(|place| match &state.places[place] {
                Place::Item(_, sender) => Some(sender.clone()),
                _ => None,
            })
            .collect();
        drop(state);
        drop(receiver);
        senders.into_iter().for_each(Waker::wake);
    }
}

impl<T, A> State<T, A> {
    /// Puts something into a free place.
    fn lay(&mut self, what: Place<T, A>) -> usize {
        if let Some(place) = self.free.pop() {
            self.places[place] = what;
            place
        } else {
            self.places.push(what);
            self.places.len() - 1
        }
    }

    /// The item there does not wait any more. Those that came first mostly go first, too.
    fn forget(&mut self, place: usize) {
        if let Some(at) = self.waiting.iter().position(|waiting| *waiting == place) {
            self.waiting.remove(at);
        }
    }

    /// Frees a place, and gives what lay there.
    fn clear(&mut self, place: usize) -> Place<T, A> {
        self.free.push(place);
        mem::replace(&mut self.places[place], Place::Free)
    }
}

fn call(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
