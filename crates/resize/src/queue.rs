//! The images between the scan and those who work on them.
//!
//! 1. At most a fixed number of scanned images wait; the scan pauses when that many do.
//! 2. An image that is taken is leased: it is either settled (saved, or failed for good) or returns to the queue when
//!    its lease is dropped. So a lost connection, or a task that is cut, loses no image.
//! 3. The queue is finished when the scan has ended, nothing waits and nothing is leased. Whoever asks for an image is
//!    kept waiting until then, because a leased image may still return.
//! 4. A stopped queue hands out nothing more: what waits, and what returns, is dropped.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::scan::Image;

/// Scanned images that wait at most: enough that no connection waits for the disk, small beside the images themselves.
const WAITING_MAX: usize = 64;

/// The images of a run that wait for somebody to work on them.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Image>,
    leased: usize,
    is_scanned: bool,
    is_stopped: bool,
}

impl State {
    fn is_finished(&self) -> bool {
        (self.is_scanned || self.is_stopped) && self.waiting.is_empty() && self.leased == 0
    }
}

impl Queue {
    /// Adds an image, once there is room for it. A stopped queue drops it.
    ///
    /// # Cancel safety
    /// The image is lost if the future is dropped; the caller drops it only when the whole run stops.
    pub(crate) async fn push(&self, image: Image) {
        let mut image = Some(image);
        self.until(|state| {
            if state.is_stopped {
                return Some(());
            }
            let has_room = state.waiting.len() < WAITING_MAX;
            has_room.then(|| state.waiting.extend(image.take()))
        })
        .await;
        self.changed.notify_waiters();
    }

    /// Says that no more images will be added.
    pub(crate) fn close(&self) {
        self.lock().is_scanned = true;
        self.changed.notify_waiters();
    }

    /// Drops what waits, and hands out nothing more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        state.waiting.clear();
        drop(state);
        self.changed.notify_waiters();
    }

    /// Takes the next image, as soon as there is one; `None` when there will be no other.
    ///
    /// # Cancel safety
    /// No image is lost if the future is dropped.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Lease> {
        let image = self
            .until(|state| {
                if let Some(image) = state.waiting.pop_front() {
                    state.leased += 1;
                    return Some(Some(image));
                }
                (state.is_stopped || state.is_finished()).then_some(None)
            })
            .await?;
        self.changed.notify_waiters();
        Some(Lease {
            queue: Arc::clone(self),
            image: Some(image),
        })
    }

    /// Waits until an image waits for somebody to take it; false when there will be no other.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn has_backlog(&self) -> bool {
        self.until(|state| {
            let is_over = state.is_stopped || state.is_finished();
            (is_over || !state.waiting.is_empty()).then_some(!is_over)
        })
        .await
    }

    /// Waits until every image is settled and no other will come.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn finished(&self) {
        self.until(|state| state.is_finished().then_some(())).await;
    }

    /// Waits until `moment`, if there is one; false if the queue is stopped meanwhile.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn pause(&self, moment: Option<Instant>) -> bool {
        let Some(moment) = moment else { return true };
        let stopped = self.until(|state| state.is_stopped.then_some(()));
        tokio::time::timeout_at(moment, stopped).await.is_err()
    }

    /// Looks at the state now and after every change, until `look` finds something.
    async fn until<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            // Made before looking: a change between looking and waiting would go unseen otherwise.
            let changed = self.changed.notified();
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

/// An image that somebody works on. Dropping the lease returns the image to the queue.
#[derive(Debug)]
pub(crate) struct Lease {
    queue: Arc<Queue>,
    image: Option<Image>,
}

impl Lease {
    /// The image is done with, well or badly: it does not return to the queue.
    pub(crate) fn settle(mut self) {
        self.image = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.leased -= 1;
        if !state.is_stopped {
            state.waiting.extend(self.image.take());
        }
        drop(state);
        self.queue.changed.notify_waiters();
    }
}

impl Deref for Lease {
    type Target = Image;

    fn deref(&self) -> &Image {
        self.image
            .as_ref()
            .expect("only settling takes the image, and it consumes the lease")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Image {
        self.image
            .as_mut()
            .expect("only settling takes the image, and it consumes the lease")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use futures_util::FutureExt;

    use super::*;
    use crate::scan::image;

    async fn queue_of<const N: usize>(names: [&str; N]) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        for name in names {
            queue.push(image(name)).await;
        }
        queue
    }

    /// Takes the next image and gives its name; `None` if the taker would have to wait.
    fn take(queue: &Arc<Queue>) -> Option<Lease> {
        queue
            .take()
            .now_or_never()
            .map(|lease| lease.expect("more is to come"))
    }

    #[tokio::test]
    async fn images_are_taken_in_the_order_of_the_scan() {
        let queue = queue_of(["a", "b"]).await;
        let leases = [take(&queue).unwrap(), take(&queue).unwrap()];
        assert_eq!(
            leases.map(|lease| lease.path.clone()),
            [PathBuf::from("a"), PathBuf::from("b")]
        );
    }

    #[tokio::test]
    async fn the_scan_waits_while_the_queue_is_full() {
        let queue = Arc::new(Queue::default());
        for _ in 0..WAITING_MAX {
            queue.push(image("a")).await;
        }
        let mut push = std::pin::pin!(queue.push(image("b")));
        assert!(push.as_mut().now_or_never().is_none());
        take(&queue).unwrap().settle();
        assert!(push.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_dropped_lease_returns_its_image_to_whoever_waits() {
        let queue = queue_of(["a"]).await;
        queue.close();
        let lease = take(&queue).unwrap();
        let mut next = std::pin::pin!(queue.take());
        assert!(
            next.as_mut().now_or_never().is_none(),
            "the leased image may still return"
        );
        drop(lease);
        assert_eq!(
            next.now_or_never().unwrap().unwrap().path,
            PathBuf::from("a")
        );
    }

    #[tokio::test]
    async fn a_settled_image_ends_the_queue() {
        let queue = queue_of(["a"]).await;
        queue.close();
        let lease = take(&queue).unwrap();
        let mut finished = std::pin::pin!(queue.finished());
        assert!(finished.as_mut().now_or_never().is_none());
        lease.settle();
        assert!(finished.now_or_never().is_some());
        assert!(queue.take().now_or_never().unwrap().is_none());
        assert_eq!(queue.has_backlog().now_or_never(), Some(false));
    }

    #[tokio::test]
    async fn a_queue_is_not_finished_before_the_scan_is() {
        let queue = queue_of([]).await;
        assert!(queue.finished().now_or_never().is_none());
        assert!(queue.has_backlog().now_or_never().is_none());
        queue.close();
        assert!(queue.finished().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_at_its_moment_or_when_the_queue_stops() {
        let queue = queue_of([]).await;
        let minute = std::time::Duration::from_secs(60);
        assert!(queue.pause(None).await);
        assert!(queue.pause(Some(Instant::now() + minute)).await);
        let mut pause = std::pin::pin!(queue.pause(Some(Instant::now() + minute)));
        assert!(pause.as_mut().now_or_never().is_none());
        queue.stop();
        assert_eq!(pause.now_or_never(), Some(false));
    }

    #[tokio::test]
    async fn a_stopped_queue_hands_out_nothing_and_keeps_nothing() {
        let queue = queue_of(["a", "b"]).await;
        let lease = take(&queue).unwrap();
        queue.stop();
        assert!(queue.take().now_or_never().unwrap().is_none());
        assert!(
            queue.finished().now_or_never().is_none(),
            "one image is still worked on"
        );
        drop(lease);
        assert!(queue.finished().now_or_never().is_some());
        queue.push(image("c")).await;
        assert!(queue.take().now_or_never().unwrap().is_none());
    }
}
