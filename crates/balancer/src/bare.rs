//! Sessions without their jobs, so that `bench balancer --also nojob=…` can say what the job costs: the same data path, written by hand.
//!
//! This is no way to run a balancer: nothing stops such a session but its own end.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use teamwork::Flow;
use tokio::task::yield_now;

use crate::ending::{Ending, Side};
use crate::session::{Arrival, Session};
use crate::tasks::{Direction, Link, link};

#[expect(
    clippy::disallowed_methods,
    reason = "a session that is no job, to be measured beside one that is"
)]
pub(crate) fn start(arrival: Arrival) {
    tokio::spawn(session(arrival));
}

async fn session(arrival: Arrival) {
    let (client, session) = Session::new(arrival);
    let link = link(client, session).await;
    let mut upload = Direction::new(Side::Client);
    let mut download = Direction::new(Side::Upstream);
    both(&mut upload, &mut download, &link).await;
    for direction in [&download, &upload] {
        direction.close(&link, |phase| Ending::Stopped { phase });
    }
}

/// Relays both ways until both directions are done, or one says that the session is over.
async fn both(upload: &mut Direction, download: &mut Direction, link: &Link) {
    let mut upload = pin!(relay(upload, link));
    let mut download = pin!(relay(download, link));
    let mut done = [false; 2];
    poll_fn(|waker| {
        if !done[0]
            && let Poll::Ready(is_over) = upload.as_mut().poll(waker)
        {
            done = [true, done[1] || is_over];
        }
        if !done[1]
            && let Poll::Ready(is_over) = download.as_mut().poll(waker)
        {
            done = [done[0] || is_over, true];
        }
        if done == [true; 2] {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Relays one way until that is done; says whether the session is over.
async fn relay(direction: &mut Direction, link: &Link) -> bool {
    loop {
        if direction.has_had_its_turn() {
            yield_now().await;
        }
        match poll_fn(|waker| direction.poll_move(link, waker)).await {
            Flow::Tick | Flow::Idle => {}
            Flow::Done(()) => return false,
            Flow::FinishJob(()) => return true,
        }
    }
}
