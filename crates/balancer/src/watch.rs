//! Ends the sessions in which nothing has moved for too long, and tries to connect that take too long.
//!
//! A core has one clock for all its sessions: every now and then its task goes through them and looks when something moved
//! last. That costs a few nanoseconds for each session and look; a timer for each would cost memory, and time whenever a
//! session starts or ends. So a session may live longer than its limit by one pause between two looks, never shorter.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use teamwork::{Context, Flow, Result, Task};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::core::Core;
use crate::session::Session;

/// There are at least so many looks within the shortest limit.
const LOOKS_PER_LIMIT: u32 = 8;

/// The shortest pause between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// The longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// After so many sessions others have their turn.
const TURN: usize = 1024;

/// The live sessions of a core.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    list: Mutex<List>,
    /// Somebody came while nobody was there.
    come: Notify,
    /// The last one has left.
    gone: Notify,
}

#[derive(Debug, Default)]
struct List {
    /// By place; those that are free hold nothing.
    sessions: Vec<Weak<Session>>,
    free: Vec<u32>,
    /// The task has stopped looking, because there was nobody.
    is_resting: bool,
}

impl List {
    fn is_empty(&self) -> bool {
        self.free.len() == self.sessions.len()
    }
}

impl Roll {
    /// Gives a place to a session that is being made.
    pub(crate) fn enter(&self, session: Weak<Session>) -> u32 {
        let mut list = self.list();
        if std::mem::take(&mut list.is_resting) {
            self.come.notify_one();
        }
        if let Some(place) = list.free.pop() {
            list.sessions[place as usize] = session;
            return place;
        }
        list.sessions.push(session);
        u32::try_from(list.sessions.len() - 1).expect("there are fewer sessions than files")
    }

    /// Takes a place back.
    pub(crate) fn leave(&self, place: u32) {
        let mut list = self.list();
        list.sessions[place as usize] = Weak::new();
        list.free.push(place);
        if list.is_empty() {
            self.gone.notify_one();
            if list.sessions.len() > TURN {
                // The memory for a crowd is not kept for the few.
                (list.sessions, list.free) = Default::default();
            }
        }
    }

    /// Returns the session at a place, if there is one.
    pub(crate) fn get(&self, place: u32) -> Option<Arc<Session>> {
        self.list().sessions.get(place as usize)?.upgrade()
    }

    /// Returns some of those from place `from` on, or nothing when there is no such place.
    fn some(&self, from: usize) -> Option<Vec<Arc<Session>>> {
        let list = self.list();
        let rest = list.sessions.get(from..).filter(|rest| !rest.is_empty())?;
        let some = rest.iter().take(TURN);
        Some(some.filter_map(Weak::upgrade).collect())
    }

    fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Waits until there is somebody.
    async fn somebody(&self) {
        {
            let mut list = self.list();
            list.is_resting = list.is_empty();
            if !list.is_resting {
                return;
            }
        }
        self.come.notified().await;
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // Nothing that could panic happens under this lock, which only its own core takes.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that looks after the sessions of a core.
#[derive(Debug)]
pub(crate) struct Watch {
    core: Arc<Core>,
    pause: Duration,
}

impl Watch {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let pause = pause(core.config());
        Self { core, pause }
    }
}

impl Task<()> for Watch {
    type Output = ();

    /// Looks once. A balancer that drains has its sessions looked after until the last one has ended.
    async fn run(&mut self, cx: &Context<()>) -> Result<Flow> {
        let roll = self.core.roll();
        if cx.unless_draining(roll.somebody()).await.is_none() && roll.is_empty() {
            self.core.reactor().nobody_is_left();
            return Ok(Flow::Done(()));
        }
        let is_draining = cx.is_draining();
        let pause = async {
            tokio::select! {
                () = sleep(self.pause) => {}
                () = cx.drained(), if !is_draining => {}
                () = roll.gone.notified(), if is_draining => {}
            }
        };
        cx.wait(pause).await;
        let (now, mut from) = (Instant::now(), 0);
        while let Some(sessions) = roll.some(from) {
            for session in sessions {
                session.look(now);
            }
            from += TURN;
            cx.wait(tokio::task::yield_now()).await;
        }
        Ok(Flow::Tick)
    }
}

/// How long to pause between two looks.
fn pause(config: &Config) -> Duration {
    let limit = config.idle_timeout.min(config.half_close_timeout);
    let limit = limit.min(config.connect_timeout);
    (limit / LOOKS_PER_LIMIT).clamp(PAUSE_MIN, PAUSE_MAX)
}
