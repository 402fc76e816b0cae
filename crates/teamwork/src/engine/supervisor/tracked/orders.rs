//! Who is woken while the supervisor polls, in every order that the two could take, by loom; see `core/orders.rs`.

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use futures_util::task::ArcWake;
use loom::{model, thread};

use super::{Tracked, Tracker};
use crate::engine::sync::{AtomicUsize, Ordering};

struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls who was woken, as a supervisor does: by a look at what there is to see.
fn poll(tracked: &mut Tracked, seen: &mut usize, there: &AtomicUsize) {
    let batch = tracked.batch();
    for &slot in &batch {
        if let Some(tracker) = tracked.take(slot) {
            *seen = there.load(Ordering::Relaxed);
            tracked.keep(tracker);
        }
    }
    tracked.reuse(batch);
}

#[test]
fn who_is_woken_while_it_is_polled_is_polled_again() {
    model(|| {
        let calls = Arc::new(Calls(AtomicUsize::new(0)));
        let waker = Waker::from(calls.clone());
        let mut tracked = Tracked::new(1);
        let tracker = tracked.track(0);
        tracked.keep(tracker.clone());
        let there = Arc::new(AtomicUsize::new(0));
        let wakes = {
            let there = there.clone();
            thread::spawn(move || {
                for count in 1..=2 {
                    there.store(count, Ordering::Relaxed);
                    Tracker::wake_by_ref(&tracker);
                }
            })
        };
        let mut seen = 0;
        for _ in 0..2 {
            poll(&mut tracked, &mut seen, &there);
        }
        tracked.listen(&waker);
        wakes.join().unwrap();
        if seen < 2 {
            assert!(calls.0.load(Ordering::SeqCst) > 0, "nobody is called");
            poll(&mut tracked, &mut seen, &there);
            assert_eq!(seen, 2, "whoever was woken is not polled");
        }
    });
}
