//! What the parts of a running job share: the signal, the cause, the value and the mail.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{sync::Notify, time::Instant};

use super::{
    machine::{Ending, Exit, Signal},
    record::Kind,
    step::Driver,
};
use crate::{Cause, Report, error::Why, name::Name};

/// Mail that ends quietly is handed over in batches of this size.
const QUIET_BATCH: usize = 256;

/// A message to the supervisor.
pub(super) enum Mail {
    Add {
        slot: u32,
        name: Name,
        driver: Driver,
        kind: Kind,
    },
    Stop {
        signal: Signal,
        cause: Option<Cause>,
    },
    /// A run has ended on its runtime task; the driver comes home.
    Parked {
        slot: u32,
        exit: Exit,
        driver: Driver,
    },
    /// A driver has ended on its runtime task.
    Ended { slot: u32, ending: Ending },
}

/// The shared part of a job. One allocation.
pub(crate) struct Core {
    pub(crate) name: Name,
    /// Nanoseconds that a finalizer may take, one by one while the job runs, all together when it stops.
    finalizer_deadline: AtomicU64,
    signal: AtomicU8,
    /// Tasks are shipped to the runtime, as opposed to being polled by the supervisor.
    spawns: AtomicBool,
    /// Tasks go through the start gate after their init.
    is_starting: AtomicBool,
    has_mail: AtomicBool,
    /// Drivers that are away on runtime tasks.
    away: AtomicU32,
    /// Handles whose last drop cancels the job.
    pub(crate) owners: AtomicUsize,
    supervisor: AtomicWaker,
    desk: Mutex<Desk>,
    value: OnceLock<Box<dyn Any + Send + Sync>>,
    cause: OnceLock<Arc<Cause>>,
    /// Made when somebody outside first asks.
    outside: OnceLock<Box<Outside>>,
}

/// Where messages are left.
#[derive(Default)]
struct Desk {
    closed: bool,
    mail: Vec<Mail>,
    /// Slots that a new task may take.
    free: Vec<u32>,
    /// The slot after the last.
    next: u32,
    live: u32,
    max: Option<u32>,
    /// Runs on runtime tasks that wait for something, by slot.
    parked: Vec<Option<Waker>>,
}

/// What handles wait for.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) report: OnceLock<Arc<Report>>,
    pub(super) ended: Notify,
    pub(super) started: Notify,
    pub(super) is_started: AtomicBool,
    room: Notify,
}

impl Core {
    pub(crate) fn new(name: Name, finalizer_deadline: Duration) -> Self {
        Self {
            name,
            finalizer_deadline: AtomicU64::new(nanos(finalizer_deadline)),
            signal: AtomicU8::new(Signal::Run as u8),
            spawns: AtomicBool::new(true),
            is_starting: AtomicBool::new(true),
            has_mail: AtomicBool::new(false),
            away: AtomicU32::new(0),
            owners: AtomicUsize::new(0),
            supervisor: AtomicWaker::new(),
            desk: Mutex::default(),
            value: OnceLock::new(),
            cause: OnceLock::new(),
            outside: OnceLock::new(),
        }
    }

    #[inline]
    pub(crate) fn signal(&self) -> Signal {
        Signal::from(self.signal.load(Ordering::Acquire))
    }

    /// How long a finalizer may take.
    pub(crate) fn finalizer_deadline(&self) -> Duration {
        Duration::from_nanos(self.finalizer_deadline.load(Ordering::Relaxed))
    }

    pub(crate) fn set_finalizer_deadline(&self, deadline: Duration) {
        self.finalizer_deadline
            .store(nanos(deadline), Ordering::Relaxed);
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
        self.is_starting.store(false, Ordering::Release);
    }

    /// Makes sure that whoever asks later learns how the job ended.
    pub(crate) fn watch(&self) {
        self.outside();
    }

    pub(crate) fn cause(&self) -> Option<&Arc<Cause>> {
        self.cause.get()
    }

    pub(crate) fn value(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.value.get().map(Box::as_ref)
    }

    /// Sets the job's value; a oneshot does so once.
    pub(crate) fn set_value(&self, value: Box<dyn Any + Send + Sync>) {
        let set = self.value.set(value);
        debug_assert!(
            set.is_ok(),
            "a job has one oneshot, which returns one value"
        );
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that could panic happens under this lock, but a poisoned desk must not take the job down either.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outside(&self) -> &Outside {
        self.outside.get_or_init(Box::default)
    }

    pub(super) fn has_outside(&self) -> Option<&Outside> {
        self.outside.get().map(Box::as_ref)
    }
}

/// For handles, contexts and drivers.
impl Core {
    /// Leaves a new task for the supervisor. `make` builds its driver for the slot it gets.
    ///
    /// # Errors
    ///
    /// Gives the task back if the job is closing or full.
    pub(crate) fn add<T>(
        &self,
        name: Name,
        task: T,
        make: impl FnOnce(T, u32) -> (Driver, Kind),
    ) -> Result<(), (T, Why)> {
        let mut desk = self.desk();
        if desk.closed {
            return Err((task, Why::Closed));
        }
        if desk.max.is_some_and(|max| desk.live >= max) {
            return Err((task, Why::Full));
        }
        let slot = desk.free.pop().unwrap_or(desk.next);
        desk.next = desk.next.max(slot + 1);
        desk.live += 1;
        // The driver is built under the lock: slots and mail must come in the same order.
        let (driver, kind) = make(task, slot);
        desk.mail.push(Mail::Add {
            slot,
            name,
            driver,
            kind,
        });
        drop(desk);
        self.call();
        Ok(())
    }

    /// Asks for a stop. The desk is closed at once, so nothing added after this is accepted.
    pub(crate) fn stop(&self, signal: Signal, cause: Option<Cause>) {
        let mut desk = self.desk();
        desk.closed = true;
        desk.mail.push(Mail::Stop { signal, cause });
        drop(desk);
        self.call();
        if let Some(outside) = self.has_outside() {
            outside.room.notify_waiters();
        }
    }

    /// Waits until another task would be accepted; `false` when none ever will be.
    pub(crate) async fn room(&self) -> bool {
        loop {
            let room = self.outside().room.notified();
            {
                let desk = self.desk();
                if desk.closed {
                    return false;
                }
                if desk.max.is_none_or(|max| desk.live < max) {
                    return true;
                }
            }
            room.await;
        }
    }

    /// The report, once the job has ended.
    pub(crate) async fn ended(&self) -> Arc<Report> {
        let outside = self.outside();
        loop {
            let ended = outside.ended.notified();
            if let Some(report) = outside.report.get() {
                return report.clone();
            }
            ended.await;
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.has_outside()
            .is_some_and(|outside| outside.report.get().is_some())
    }

    /// Waits until the oneshot is done and all inits are through, or the job has ended.
    pub(crate) async fn started(&self) {
        let outside = self.outside();
        loop {
            let started = outside.started.notified();
            if outside.is_started.load(Ordering::Acquire) || outside.report.get().is_some() {
                return;
            }
            started.await;
        }
    }

    /// Notes how to wake a run on its runtime task. `false` if the signal is no longer the one that the run has seen.
    pub(super) fn register(&self, slot: u32, waker: &Waker, seen: Signal) -> bool {
        let mut desk = self.desk();
        let index = slot as usize;
        if desk.parked.len() <= index {
            let slots = desk.next.max(slot + 1) as usize;
            desk.parked.resize_with(slots, || None);
        }
        desk.parked[index] = Some(waker.clone());
        self.signal() == seen
    }

    /// Mails the end of a run or of a driver from its runtime task.
    pub(super) fn post(&self, mail: Mail) {
        let urgent = matches!(&mail, Mail::Parked { exit, .. } | Mail::Ended { ending: Ending { exit: Some(exit), .. }, .. }
            if matches!(exit, Exit::Failed(_) | Exit::FinishJob))
            || matches!(
                &mail,
                Mail::Ended {
                    ending: Ending {
                        finalizer: Some(_),
                        ..
                    },
                    ..
                }
            );
        let mut desk = self.desk();
        if let (Mail::Parked { slot, .. } | Mail::Ended { slot, .. }, parked) =
            (&mail, &mut desk.parked)
            && let Some(waker) = parked.get_mut(*slot as usize)
        {
            *waker = None;
        }
        desk.mail.push(mail);
        let full = desk.mail.len() % QUIET_BATCH == 0;
        let was_full = desk.max == Some(desk.live);
        drop(desk);
        // Away drops to zero only after the mail is there: the supervisor sees the mail of the last one home.
        let last = self.away.fetch_sub(1, Ordering::AcqRel) == 1;
        if urgent || full || last || was_full {
            self.call();
        }
    }

    /// Has the supervisor polled.
    fn call(&self) {
        self.has_mail.store(true, Ordering::Release);
        self.supervisor.wake();
    }
}

/// For the supervisor.
impl Core {
    pub(super) fn listen(&self, waker: &Waker) {
        self.supervisor.register(waker);
    }

    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Acquire)
    }

    /// Takes the mail; `emptied` is the last batch, its memory reused.
    pub(super) fn take_mail(&self, emptied: &mut Vec<Mail>) {
        debug_assert!(
            emptied.is_empty(),
            "a batch is handled before the next is taken"
        );
        self.has_mail.store(false, Ordering::Release);
        std::mem::swap(&mut self.desk().mail, emptied);
    }

    pub(super) fn note_away(&self, drivers: u32) {
        self.away.fetch_add(drivers, Ordering::AcqRel);
    }

    /// Sets up the desk for a job that starts with this many tasks.
    pub(super) fn open(&self, tasks: u32, max: Option<u32>) {
        let mut desk = self.desk();
        desk.next = tasks;
        desk.live = tasks;
        desk.max = max;
    }

    /// Gives slots back after their tasks have come and gone.
    pub(super) fn free(&self, slots: &[u32], gone: u32) {
        let mut desk = self.desk();
        desk.free.extend_from_slice(slots);
        let was_full = desk.max.is_some_and(|max| desk.live >= max);
        desk.live = desk.live.saturating_sub(gone);
        drop(desk);
        if let (true, Some(outside)) = (was_full, self.has_outside()) {
            outside.room.notify_waiters();
        }
    }

    /// Shows a signal to every task, the cause first.
    pub(super) fn show(&self, signal: Signal, cause: Option<&Arc<Cause>>) {
        if let Some(cause) = cause {
            // Set before; the first one stays.
            let _ = self.cause.set(cause.clone());
        }
        let mut desk = self.desk();
        desk.closed = true;
        self.signal.store(signal as u8, Ordering::Release);
        let parked = std::mem::take(&mut desk.parked);
        drop(desk);
        for waker in parked.into_iter().flatten() {
            waker.wake();
        }
        if let Some(outside) = self.has_outside() {
            outside.room.notify_waiters();
        }
    }

    /// The time from which on nothing is accepted; what was left before is returned.
    pub(super) fn close(&self) -> Vec<Mail> {
        let mut desk = self.desk();
        desk.closed = true;
        std::mem::take(&mut desk.mail)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The current time of the runtime, which tests can pause.
#[inline]
pub(super) fn now() -> Instant {
    Instant::now()
}
