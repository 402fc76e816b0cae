//! Looking at a job from outside: who looks, who has answered what.

use std::{sync::Arc, time::Duration};

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
    /// When the last one began.
    since: Option<Instant>,
    /// By slot.
    answers: Vec<Answer>,
    /// How many answers are awaited.
    awaited: usize,
    /// The ticks of earlier answers, and since when they were those, by slot.
    before: Vec<Option<(u64, Instant)>>,
}

#[derive(Clone, Default)]
enum Answer {
    #[default]
    None,
    Awaited,
    Given(Look),
}

impl Looks {
    /// Says whether this was the last answer that somebody waits for.
    fn note(&mut self, slot: u32, mut look: Look) -> bool {
        let now = self.since.unwrap_or_else(Instant::now);
        let (ticks, since) = at(&mut self.before, slot).get_or_insert((look.ticks, now));
        if *ticks != look.ticks {
            (*ticks, *since) = (look.ticks, now);
        }
        look.same_for = Some(now.saturating_duration_since(*since)).filter(|same| !same.is_zero());
        let answer = std::mem::replace(at(&mut self.answers, slot), Answer::Given(look));
        let was_awaited = matches!(answer, Answer::Awaited);
        self.awaited -= usize::from(was_awaited);
        was_awaited && self.awaited == 0
    }

    /// Waits for the answers of tasks that have not given any.
    fn wait_for(&mut self, rows: &[Row]) {
        for row in rows.iter().filter(|row| row.doing == Doing::Running) {
            let answer = at(&mut self.answers, row.slot);
            if matches!(answer, Answer::None) {
                *answer = Answer::Awaited;
                self.awaited += 1;
            }
        }
    }

    fn answer_of(&self, slot: u32) -> Option<&Look> {
        match self.answers.get(slot as usize)? {
            Answer::Given(look) => Some(look),
            Answer::None | Answer::Awaited => None,
        }
    }

    /// Forgets those whose slots are given to others: what they said is not said by these.
    pub(super) fn forget(&mut self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            if let Some(before) = self.before.get_mut(slot) {
                *before = None;
            }
            if let Some(answer @ Answer::Given(_)) = self.answers.get_mut(slot) {
                *answer = Answer::None;
            }
        }
    }

    /// Forgets the answers. Of those that did not answer this time, there is nothing to compare the next answer with.
    fn end(&mut self) -> Vec<Answer> {
        let answers = std::mem::take(&mut self.answers);
        self.awaited = 0;
        self.before.truncate(answers.len());
        for (before, answer) in self.before.iter_mut().zip(&answers) {
            if !matches!(answer, Answer::Given(_)) {
                *before = None;
            }
        }
        answers
    }
}

/// What there is of a slot, of which there may be nothing yet.
fn at<T: Clone + Default>(by_slot: &mut Vec<T>, slot: u32) -> &mut T {
    let index = slot as usize;
    if by_slot.len() <= index {
        by_slot.resize(index + 1, T::default());
    }
    &mut by_slot[index]
}

/// Somebody who looks at a job; while there is one, tasks that are polled say how they are.
pub(crate) struct Looker<'a> {
    core: &'a Core,
}

impl Core {
    /// Begins to look.
    pub(crate) fn look(&self) -> Looker<'_> {
        let mut desk = self.desk();
        let looks = desk.looks();
        looks.lookers += 1;
        looks.since = Some(Instant::now());
        drop(desk);
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
        let is_last = self.desk().looks().note(slot, look);
        if is_last {
            self.annex().answered.notify_waiters();
        }
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
        self.core.desk().looks().wait_for(rows);
        loop {
            let mut answered = std::pin::pin!(annex.answered.notified());
            answered.as_mut().enable();
            if self.core.desk().looks().awaited == 0 {
                return;
            }
            answered.await;
        }
    }

    /// The tasks, each with what it has said of itself, as `join` puts them together.
    pub(crate) fn join<T>(&self, rows: &[Row], join: impl Fn(&Row, Option<&Look>) -> T) -> Vec<T> {
        let mut desk = self.core.desk();
        let looks = desk.looks();
        let joined = rows.iter().map(|row| {
            let look = looks.answer_of(row.slot);
            join(row, look)
        });
        joined.collect()
    }
}

impl Drop for Looker<'_> {
    fn drop(&mut self) {
        let mut desk = self.core.desk();
        let looks = desk.looks();
        looks.lookers -= 1;
        if looks.lookers > 0 {
            return;
        }
        self.core.lookers.store(false, Ordering::Release);
        let answers = looks.end();
        drop(desk);
        // A child may be dropped here; not under the lock.
        drop(answers);
    }
}
