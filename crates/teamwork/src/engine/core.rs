//! What the parts of a running job share: the signal, the cause, the value and the mail.

mod desk;
mod look;
#[cfg(all(test, teamwork_loom))]
mod orders;
mod places;

use std::{
    any::Any,
    sync::{Arc, OnceLock},
    task::Waker,
    time::Duration,
};

use once_cell::race::OnceBox;
use tokio::{sync::Notify, time::Instant};

pub(super) use self::desk::Mail;
use self::desk::{Annex, Desk};
pub(crate) use self::look::Look;
use super::{
    clock::Stamp,
    machine::{Ending, Exit, Fault, Signal, Tally},
    nanos::Deadline,
    panics,
    pile::Pile,
    sync::{
        AtomicBool, AtomicU8, AtomicU32, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering,
        fence,
    },
};
use crate::{Cause, CauseKind, Report, Routine, name::Name};

/// The shared part of a job: one allocation, and the annex if anybody outside takes part.
pub(crate) struct Core {
    pub(crate) name: Name,
    /// How long a finalizer may take, one by one while the job runs, all together when it stops; as a [`Deadline`].
    finalizer_deadline: AtomicU32,
    signal: AtomicU8,
    /// Tasks are shipped to the runtime, as opposed to being polled by the supervisor.
    spawns: AtomicBool,
    /// Tasks go through the start gate after their init.
    is_starting: AtomicBool,
    is_over: AtomicBool,
    has_mail: AtomicBool,
    has_begun: AtomicBool,
    /// Somebody looks at the job: tasks that are polled say how they are.
    lookers: AtomicBool,
    /// A driver was given up while away, so the last of the others to come home is not the last that is counted.
    has_lost: AtomicBool,
    /// How many tasks the job began with.
    statics: AtomicU32,
    /// Shared with the parent if the job is its oneshot.
    value: OnceLock<Arc<dyn Any + Send + Sync>>,
    cause: OnceBox<Arc<Cause>>,
    /// Made when a handle is, or a task runs elsewhere: a job that only polls its own tasks needs none.
    annex: OnceBox<Annex>,
}

impl Core {
    pub(crate) fn new(name: Name, finalizer_deadline: Duration) -> Self {
        Self {
            name,
            finalizer_deadline: AtomicU32::new(Deadline::from(finalizer_deadline).packed()),
            signal: AtomicU8::new(Signal::Run as u8),
            spawns: AtomicBool::new(true),
            is_starting: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            has_mail: AtomicBool::new(false),
            has_begun: AtomicBool::new(false),
            lookers: AtomicBool::new(false),
            has_lost: AtomicBool::new(false),
            statics: AtomicU32::new(0),
            value: OnceLock::new(),
            cause: OnceBox::new(),
            annex: OnceBox::new(),
        }
    }

    #[inline]
    pub(crate) fn signal(&self) -> Signal {
        Signal::from(self.signal.load(Ordering::Acquire))
    }

    /// How long a finalizer may take.
    pub(crate) fn finalizer_deadline(&self) -> Duration {
        Deadline::unpack(self.finalizer_deadline.load(Ordering::Relaxed)).into()
    }

    pub(crate) fn set_finalizer_deadline(&self, deadline: Duration) {
        self.finalizer_deadline
            .store(Deadline::from(deadline).packed(), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn spawns(&self) -> bool {
        self.spawns.load(Ordering::Relaxed)
    }

    pub(crate) fn set_inline(&self) {
        self.spawns.store(false, Ordering::Relaxed);
    }

    /// Whether tasks go through the start gate after their init.
    #[inline]
    pub(super) fn is_starting(&self) -> bool {
        self.is_starting.load(Ordering::Acquire)
    }

    pub(super) fn set_started(&self) {
        if self.spawns() {
            self.annex().opened_at.get_or_init(Stamp::latest);
        }
        self.is_starting.store(false, Ordering::Release);
    }

    /// When those who are away were let through the start gate, all at once.
    pub(super) fn opened_at(&self) -> Option<Stamp> {
        self.has_annex()?.opened_at.get().copied()
    }

    /// Makes sure that whoever asks later learns how the job ended.
    pub(crate) fn watch(&self) {
        self.annex();
    }

    pub(crate) fn cause(&self) -> Option<&Arc<Cause>> {
        self.cause.get()
    }

    pub(crate) fn value(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.value.get().map(Arc::as_ref)
    }

    /// The value, for a job that this one is the oneshot of.
    pub(super) fn share_value(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.value.get().cloned()
    }

    /// Sets the job's value; a oneshot does so once.
    pub(crate) fn set_value(&self, value: Arc<dyn Any + Send + Sync>) {
        let set = self.value.set(value);
        debug_assert!(
            set.is_ok(),
            "a job has one oneshot, which returns one value"
        );
    }

    fn annex(&self) -> &Annex {
        self.annex.get_or_init(|| {
            let desk = Desk {
                // What is accepted while there is nobody to ask is nothing.
                closed: self.signal() > Signal::Run,
                ..Desk::default()
            };
            Box::new(Annex {
                desk: Mutex::new(desk),
                supervisor: AtomicWaker::new(),
                report: OnceLock::new(),
                ended: Notify::new(),
                started: Notify::new(),
                is_started: AtomicBool::new(false),
                room: Notify::new(),
                ends_by: OnceLock::new(),
                children_end_by: OnceLock::new(),
                opened_at: OnceLock::new(),
                cut_at: OnceLock::new(),
                answered: Notify::new(),
                token: OnceLock::new(),
                listeners: OnceLock::new(),
                owners: AtomicUsize::new(0),
                shipped: AtomicU32::new(0),
                live: AtomicU32::new(0),
                live_max: AtomicU32::new(u32::MAX),
            })
        })
    }

    pub(super) fn has_annex(&self) -> Option<&Annex> {
        self.annex.get()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.annex().desk()
    }
}

/// For handles, contexts and drivers.
impl Core {
    fn is_over(&self) -> bool {
        // Pairs with the fence in `close`: either the end sees this desk, or this sees the end.
        fence(Ordering::SeqCst);
        self.is_over.load(Ordering::Relaxed)
    }

    /// Asks for a stop. The desk is closed at once, so nothing added after this is accepted.
    pub(crate) fn stop(&self, signal: Signal, cause: Option<Cause>) {
        let mut desk = self.desk();
        if self.is_over() {
            // Nobody would ever read it.
            return;
        }
        desk.closed = true;
        desk.mail.push(Mail::Stop {
            signal,
            cause: cause.map(Box::new),
        });
        drop(desk);
        self.call();
        self.annex().room.notify_waiters();
    }

    /// Accepts nothing from now on, because whoever polls the job is about to stop it.
    pub(super) fn shut(&self) {
        if let Some(annex) = self.has_annex() {
            annex.desk().closed = true;
            annex.room.notify_waiters();
        }
    }

    pub(crate) fn own(&self) {
        self.annex().owners.fetch_add(1, Ordering::Relaxed);
    }

    /// Says whether this was the last owner.
    pub(crate) fn disown(&self) -> bool {
        self.annex().owners.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// The report, once the job has ended.
    pub(crate) async fn ended(&self) -> Arc<Report> {
        let annex = self.annex();
        loop {
            let mut ended = std::pin::pin!(annex.ended.notified());
            ended.as_mut().enable();
            if let Some(report) = annex.report.get() {
                return report.clone();
            }
            ended.await;
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.has_annex()
            .is_some_and(|annex| annex.report.get().is_some())
    }

    /// Waits until the oneshot is done and all inits are through, or the job has ended.
    pub(crate) async fn started(&self) {
        let annex = self.annex();
        loop {
            let mut started = std::pin::pin!(annex.started.notified());
            started.as_mut().enable();
            if annex.is_started.load(Ordering::Acquire) || annex.report.get().is_some() {
                return;
            }
            started.await;
        }
    }

    /// Notes how to wake a run on its runtime task. `false` if the signal is no longer the one that the run has seen.
    pub(crate) fn register(&self, slot: u32, waker: &Waker, seen: Signal) -> bool {
        let mut desk = self.desk();
        let index = slot as usize;
        if desk.parked.len() <= index {
            let statics = self.statics.load(Ordering::Relaxed) as usize;
            desk.parked.resize_with(statics.max(index + 1), || None);
        }
        desk.parked[index] = Some(waker.clone());
        self.signal() == seen
    }

    /// The bell that ends the pause of an idle task.
    pub(crate) fn bell(&self, slot: u32) -> Arc<Notify> {
        self.desk().known.entry(slot).or_default().bell.clone()
    }

    /// Notes the routine that a task is in, for its name if it never comes out of it.
    pub(crate) fn note_routine(&self, slot: u32, routine: Option<Routine>) {
        self.desk().known.entry(slot).or_default().routine = routine;
    }

    /// Forgets the bell and the routine.
    pub(crate) fn forget(&self, slot: u32) {
        self.desk().known.remove(&slot);
    }

    /// Mails the end of a run or of a driver from its runtime task.
    pub(super) fn post(&self, mail: Mail) {
        let annex = self.annex();
        let urgent = mail.is_urgent();
        let mut desk = annex.desk();
        if self.is_over.load(Ordering::Relaxed) {
            // It was given up, and nobody will read this. Its driver holds this job, which must not hold it in turn.
            drop(desk);
            return panics::discard(mail);
        }
        if let Some(waker) = mail
            .slot()
            .and_then(|slot| desk.parked.get_mut(slot as usize))
        {
            *waker = None;
        }
        let has_ended = matches!(mail, Mail::Over { .. } | Mail::Ended { .. });
        desk.mail.push(mail);
        desk.home = desk.home.wrapping_add(1);
        let is_batch = desk.mail.is_batch();
        // Whoever is counted as home was counted as shipped before it left, and the lock passes that on.
        let is_last = desk.home == annex.shipped.load(Ordering::Relaxed);
        drop(desk);
        let has_lost = || self.has_lost.load(Ordering::Acquire);
        if urgent || is_batch || is_last || has_lost() || annex.has_listener() {
            self.call();
        }
        if has_ended {
            self.ended_one();
        }
    }

    /// Mails the end of a driver that panicked outside of the routines, on its runtime task, and has not been able to.
    #[cold]
    pub(crate) fn mourn(&self, slot: u32) {
        let kind = CauseKind::Panic {
            message: "outside of its routines, as the output says".into(),
            location: None,
        };
        let routine = Routine::Run;
        let ending = Ending {
            exit: Some(Exit::Failed(Box::new(Fault { routine, kind }))),
            after: None,
            tally: Tally::default(),
        };
        self.post(Mail::ended(slot, ending));
    }

    /// Sets when a job that is about to be cut has to have ended. The first word counts.
    pub(super) fn end_by(&self, end: Instant) {
        self.annex().ends_by.get_or_init(|| end);
    }

    /// When the cut was shown to those who are away.
    pub(super) fn cut_at(&self) -> Option<Stamp> {
        self.has_annex()?.cut_at.get().copied()
    }

    pub(super) fn ends_by(&self) -> Option<Instant> {
        self.has_annex()?.ends_by.get().copied()
    }

    /// Sets when the children of a job that is about to be cut have to have ended. The first word counts.
    pub(super) fn end_children_by(&self, end: Instant) {
        self.annex().children_end_by.get_or_init(|| end);
    }

    pub(super) fn children_end_by(&self) -> Option<Instant> {
        self.has_annex()?.children_end_by.get().copied()
    }

    /// Has the supervisor polled.
    fn call(&self) {
        self.has_mail.store(true, Ordering::Release);
        self.annex().supervisor.wake();
    }
}

/// For the supervisor.
impl Core {
    pub(super) fn listen(&self, waker: &Waker) {
        // Without an annex nobody has anything that could call.
        if let Some(annex) = self.has_annex() {
            annex.supervisor.register(waker);
        }
    }

    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Acquire)
    }

    /// Takes the mail; `emptied` is the last batch, its memory reused.
    pub(super) fn take_mail(&self, emptied: &mut Pile<Mail>) {
        debug_assert!(
            emptied.is_empty(),
            "a batch is handled before the next is taken"
        );
        self.has_mail.store(false, Ordering::Release);
        std::mem::swap(&mut self.desk().mail, emptied);
    }

    /// The routine that a task is in, if the machine cannot know.
    pub(super) fn routine_of(&self, slot: u32) -> Option<Routine> {
        self.has_annex()?.desk().known.get(&slot)?.routine
    }

    /// Counts drivers that are about to leave for runtime tasks.
    pub(super) fn note_away(&self, drivers: u32) {
        let annex = self.annex();
        let shipped = annex.shipped.load(Ordering::Relaxed);
        annex
            .shipped
            .store(shipped.wrapping_add(drivers), Ordering::Release);
    }

    /// Notes that a driver may never come home: from now on every mail is a reason to be called, and so is what there is already.
    pub(super) fn lose(&self) {
        self.has_lost.store(true, Ordering::Release);
        self.has_mail.store(true, Ordering::Release);
    }

    /// Whether any driver has left for a runtime task. At the start gate this says where the driver that asks is: a start that fails
    /// has let none go, and one that succeeds counts each before it goes.
    pub(super) fn has_shipped(&self) -> bool {
        let has_shipped = |annex: &Annex| annex.shipped.load(Ordering::Acquire) > 0;
        self.has_annex().is_some_and(has_shipped)
    }

    /// The job begins with this many tasks.
    pub(super) fn begin(&self, tasks: u32, max: u32) {
        self.statics.store(tasks, Ordering::Relaxed);
        if max != u32::MAX {
            let annex = self.annex();
            annex.live.store(tasks, Ordering::Relaxed);
            annex.live_max.store(max, Ordering::Relaxed);
        }
        self.has_begun.store(true, Ordering::Release);
        if let Some(annex) = self.has_annex() {
            annex.room.notify_waiters();
        }
    }

    /// Gives back the slots of tasks that have come and gone.
    pub(super) fn free(&self, slots: &[u32]) {
        let mut desk = self.desk();
        desk.free.extend_from_slice(slots);
        if let Some(looks) = &mut desk.looks {
            looks.forget(slots);
        }
    }

    /// Lets everybody read the cause. It may have been set before; the first one stays.
    pub(super) fn set_cause(&self, cause: Option<&Arc<Cause>>) {
        if let (Some(cause), None) = (cause, self.cause.get()) {
            let _ = self.cause.set(Box::new(cause.clone()));
        }
    }

    /// Shows a signal to every task, the cause first.
    pub(super) fn show(&self, signal: Signal, cause: Option<&Arc<Cause>>) {
        self.set_cause(cause);
        // Once for all runs that only wait. The last look may be older than work that this poll has done.
        let shown_at = (signal >= Signal::Finish).then(Stamp::now);
        let Some(annex) = self.has_annex() else {
            self.signal.store(signal as u8, Ordering::Release);
            return;
        };
        if let Some(at) = shown_at.filter(|_| signal >= Signal::Cut) {
            annex.cut_at.get_or_init(|| at);
        }
        let mut desk = annex.desk();
        desk.closed = true;
        self.signal.store(signal as u8, Ordering::Release);
        let parked = std::mem::take(&mut desk.parked);
        drop(desk);
        if signal >= Signal::Finish {
            self.cancel_token();
        }
        for waker in parked.into_iter().flatten() {
            waker.wake();
        }
        annex.room.notify_waiters();
    }

    /// Accepts nothing from now on, unless there is mail.
    pub(super) fn close_if_empty(&self) -> bool {
        // Without an annex there is no handle on the job, and no task is left that could make one.
        let Some(annex) = self.has_annex() else {
            return true;
        };
        let mut desk = annex.desk();
        let is_empty = desk.mail.is_empty();
        desk.closed |= is_empty;
        drop(desk);
        if is_empty {
            annex.room.notify_waiters();
        }
        is_empty
    }

    /// From now on nothing is accepted; what was left before is returned, if there is a desk.
    pub(super) fn close(&self) -> Option<Pile<Mail>> {
        self.is_over.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.cancel_token();
        let mut desk = self.has_annex()?.desk();
        desk.closed = true;
        Some(std::mem::take(&mut desk.mail))
    }
}
