//! The core in every order that its threads could take, by loom:
//!
//! ```sh
//! RUSTFLAGS="--cfg teamwork_loom" cargo test -p teamwork --lib --target-dir target/loom orders
//! ```
//!
//! Wakers count their calls in an atomic of loom; the waker of the supervisor itself (`AtomicWaker`) and the once-cells are not part of
//! what is tried.

use std::{
    borrow::Cow,
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};

use loom::{model, thread};

use super::{Core, Mail};
use crate::{
    Cause, CauseKind,
    engine::{
        machine::{Ending, Exit, Signal, Tally},
        pile::Pile,
        sync::{AtomicUsize, Ordering},
    },
    error::Why,
    name::Name,
};

struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn calls() -> (Arc<Calls>, Waker) {
    let calls = Arc::new(Calls(AtomicUsize::new(0)));
    (calls.clone(), calls.into())
}

fn name(name: &'static str) -> Name {
    Name::from(Cow::Borrowed(name))
}

/// A core of a job that runs so many tasks.
fn core(tasks: u32) -> Arc<Core> {
    let core = Arc::new(Core::new(name("job"), Duration::from_secs(1)));
    core.watch();
    core.begin(tasks, u32::MAX);
    core.set_started();
    core
}

fn cause() -> Arc<Cause> {
    Arc::new(Cause::of_job(CauseKind::error("first".into())))
}

#[test]
fn a_run_that_waits_learns_of_a_stop() {
    model(|| {
        let core = core(1);
        let (calls, waker) = calls();
        let shows = {
            let core = core.clone();
            thread::spawn(move || core.show(Signal::Cut, Some(&cause())))
        };
        // As a driver does: look, note how to be woken, and look again.
        let seen = core.signal();
        let waits = seen < Signal::Cut && core.register(0, &waker, seen);
        shows.join().unwrap();
        assert!(
            !waits || calls.0.load(Ordering::SeqCst) > 0,
            "it waits for ever"
        );
    });
}

#[test]
fn whoever_sees_the_signal_sees_the_cause() {
    model(|| {
        let core = core(1);
        let shows = {
            let core = core.clone();
            thread::spawn(move || core.show(Signal::Cut, Some(&cause())))
        };
        if core.signal() == Signal::Cut {
            assert!(core.cause().is_some());
        }
        shows.join().unwrap();
    });
}

#[test]
fn a_task_is_accepted_before_the_end_or_given_back() {
    model(|| {
        let core = core(1);
        let adds = {
            let core = core.clone();
            thread::spawn(move || {
                let make = |(), _| -> (crate::engine::Driver, _) {
                    (Box::pin(std::future::pending()), crate::engine::Kind::Task)
                };
                match core.add(name("late"), (), make) {
                    Ok(()) => true,
                    Err(((), why)) => {
                        assert_eq!(why, Why::Closed);
                        false
                    }
                }
            })
        };
        // As a supervisor does at the end of a job.
        let is_empty = core.close_if_empty();
        let left = core.close();
        let was_accepted = adds.join().unwrap();
        assert_eq!(
            left.is_some_and(|left| !left.is_empty()),
            was_accepted,
            "what is accepted is there to be ended"
        );
        assert!(is_empty || was_accepted);
    });
}

#[test]
fn the_last_to_come_home_calls_the_supervisor() {
    model(|| {
        let core = core(2);
        core.note_away(2);
        let post = |core: &Core, slot| {
            let ending = Ending {
                exit: Some(Exit::Done),
                after: None,
                tally: Tally::default(),
            };
            core.post(Mail::ended(slot, ending));
        };
        let other = {
            let core = core.clone();
            thread::spawn(move || post(&core, 0))
        };
        post(&core, 1);
        other.join().unwrap();
        assert!(core.has_mail());
        let mut mail = Pile::default();
        core.take_mail(&mut mail);
        let mut seen = 0;
        mail.drain(|_| seen += 1);
        assert_eq!(seen, 2);
    });
}

#[test]
fn a_message_that_comes_while_mail_is_taken_is_heard() {
    model(|| {
        let core = core(1);
        core.stop(Signal::Drain, None);
        let stops = {
            let core = core.clone();
            thread::spawn(move || core.stop(Signal::Finish, None))
        };
        // As a supervisor does that is called for the first one.
        let mut mail = Pile::default();
        core.take_mail(&mut mail);
        stops.join().unwrap();
        let mut taken = 0;
        mail.drain(|_| taken += 1);
        assert!(taken == 2 || core.has_mail(), "it is heard of later");
    });
}

#[test]
fn who_comes_home_after_another_was_given_up_is_heard() {
    model(|| {
        let core = core(2);
        core.note_away(2);
        let comes = {
            let core = core.clone();
            thread::spawn(move || {
                let ending = Ending {
                    exit: Some(Exit::Cut),
                    after: None,
                    tally: Tally::default(),
                };
                core.post(Mail::ended(0, ending));
            })
        };
        // As a supervisor does with the other one; then it reads its mail once.
        core.lose();
        let mut mail = Pile::default();
        core.take_mail(&mut mail);
        comes.join().unwrap();
        assert!(!mail.is_empty() || core.has_mail(), "it is heard of later");
    });
}
