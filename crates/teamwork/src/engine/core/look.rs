//! Looking at a job from outside: who looks, who has answered what.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Core, Mail};
use crate::{
    Doing, EVENTS_MAX, Event, Report, Routine,
    engine::{
        machine::{Row, Seen, Signal},
        sync::Ordering,
    },
};

/// What a task says of itself when it is looked at.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) ticks: u64,
    /// It waits at a safe point.
    pub(crate) is_waiting: bool,
    /// For how long it has said the same, as far as that is known.
    pub(crate) same_for: Option<Duration>,
    /// The job that it is.
    pub(crate) child: Option<Arc<Core>>,
}

/// What lookers leave on the desk.
#[derive(Default)]
pub(super) struct Looks {
    lookers: u32,
    /// By slot.
    answers: BTreeMap<u32, Look>,
    /// The ticks of earlier answers, and since when they were those.
    before: BTreeMap<u32, (u64, Instant)>,
}

impl Looks {
    fn note(&mut self, slot: u32, mut look: Look) {
        let now = Instant::now();
        let (ticks, since) = self.before.entry(slot).or_insert((look.ticks, now));
        if *ticks != look.ticks {
            (*ticks, *since) = (look.ticks, now);
        }
        look.same_for = Some(now.duration_since(*since)).filter(|same| !same.is_zero());
        self.answers.insert(slot, look);
    }

    /// Forgets those whose slots are given to others: what they said is not said by these.
    pub(super) fn forget(&mut self, slots: &[u32]) {
        if !self.before.is_empty() {
            for slot in slots {
                self.before.remove(slot);
                self.answers.remove(slot);
            }
        }
    }
}

/// Somebody who looks at a job; while there is one, tasks that are polled say how they are.
pub(crate) struct Looker<'a> {
    core: &'a Core,
}

impl Core {
    /// Begins to look.
    pub(crate) fn look(&self) -> Looker<'_> {
        self.desk().looks.lookers += 1;
        self.lookers.store(true, Ordering::Release);
        Looker { core: self }
    }

    #[inline]
    pub(crate) fn is_looked_at(&self) -> bool {
        self.lookers.load(Ordering::Acquire)
    }

    /// A task says how it is.
    #[cold]
    pub(crate) fn answer(&self, slot: u32, look: Look) {
        self.desk().looks.note(slot, look);
        self.annex().answered.notify_waiters();
    }

    pub(crate) fn report(&self) -> Option<Arc<Report>> {
        self.has_annex()?.report.get().cloned()
    }

    /// Has every run that waits on a runtime task polled, without a word of why.
    pub(in crate::engine) fn wake_away(&self) {
        let wakers: Vec<_> = self.desk().parked.iter().flatten().cloned().collect();
        for waker in wakers {
            waker.wake();
        }
    }
}

/// Listening, and being heard of by those who know tokens only.
impl Core {
    /// Where the events of the job come from, unless it is over.
    pub(crate) fn listen_in(&self) -> Option<broadcast::Receiver<Event>> {
        let annex = self.annex();
        let listeners = annex
            .listeners
            .get_or_init(|| broadcast::Sender::new(EVENTS_MAX));
        let receiver = listeners.subscribe();
        // Looked at afterwards, so that the last event is not missed.
        (!self.is_over()).then_some(receiver)
    }

    /// A token that is cancelled when the job is to end.
    pub(crate) fn token(&self) -> CancellationToken {
        let token = self.annex().token.get_or_init(CancellationToken::new);
        // Looked at afterwards, so that no stop is missed.
        if self.signal() >= Signal::Finish || self.is_over() {
            token.cancel();
        }
        token.clone()
    }

    pub(super) fn cancel_token(&self) {
        if let Some(token) = self.has_annex().and_then(|annex| annex.token.get()) {
            token.cancel();
        }
    }

    pub(in crate::engine) fn listeners(&self) -> Option<&broadcast::Sender<Event>> {
        self.has_annex()?.listeners.get()
    }
}

impl Looker<'_> {
    /// What the job knows of its tasks; `None` when it has not begun or is over.
    pub(crate) async fn ask(&self) -> Option<Seen> {
        if !self.core.has_begun.load(Ordering::Acquire) || self.core.is_over() {
            return None;
        }
        let (seen, asked) = oneshot::channel();
        self.core.desk().mail.push(Mail::Look(seen));
        self.core.call();
        asked.await.ok()
    }

    /// Sets right what tasks do that end or begin by themselves, of whom the job knows only that they are under way.
    pub(crate) fn correct(&self, rows: &mut [Row]) {
        for (&slot, known) in &self.core.desk().known {
            let doing = match known.routine {
                Some(Routine::Init) => Doing::Init,
                Some(Routine::Finalize) => Doing::Finalizing,
                Some(Routine::Run) | None => continue,
            };
            if let Ok(found) = rows.binary_search_by_key(&slot, |row| row.slot)
                && rows[found].doing == Doing::Running
            {
                rows[found].doing = doing;
            }
        }
    }

    /// Waits until every task that runs has said how it is.
    pub(crate) async fn answers(&self, rows: &[Row]) {
        let annex = self.core.annex();
        // Goes through them once, however often it is woken.
        let mut rest = runs_of(rows);
        loop {
            let mut answered = std::pin::pin!(annex.answered.notified());
            answered.as_mut().enable();
            {
                let desk = self.core.desk();
                let answers = &desk.looks.answers;
                while rest.pop_if(|slot| answers.contains_key(slot)).is_some() {}
            }
            if rest.is_empty() {
                return;
            }
            answered.await;
        }
    }

    pub(crate) fn look_of(&self, slot: u32) -> Option<Look> {
        self.core.desk().looks.answers.get(&slot).cloned()
    }
}

/// The tasks that can be asked.
fn runs_of(rows: &[Row]) -> Vec<u32> {
    let runs = rows.iter().filter(|row| row.doing == Doing::Running);
    runs.map(|row| row.slot).collect()
}

impl Drop for Looker<'_> {
    fn drop(&mut self) {
        let mut desk = self.core.desk();
        desk.looks.lookers -= 1;
        if desk.looks.lookers > 0 {
            return;
        }
        self.core.lookers.store(false, Ordering::Release);
        let answers = std::mem::take(&mut desk.looks.answers);
        // Of those that did not answer this time, there is nothing to compare the next answer with.
        desk.looks
            .before
            .retain(|slot, _| answers.contains_key(slot));
        drop(desk);
        // A child may be dropped here; not under the lock.
        drop(answers);
    }
}
