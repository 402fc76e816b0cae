//! The future of a job: owns the machine and the drivers, and does what the machine says.

mod elsewhere;
mod polls;
mod tell;
mod waits;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::stream::FuturesUnordered;
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};

use tracing::Dispatch;

use self::elsewhere::{Away, Tracked};
use super::{
    clock::{Stamp, later, now},
    core::{Core, Mail},
    machine::{Action, Admission, Deadline, Ending, Exit, Machine, Remains, Signal, make_room},
    panics,
    pile::Pile,
    record::Kind,
    spans::Observer,
    step::Driver,
    sync::{self, Ordering},
};
use crate::{By, Cause, CauseKind, Event, OnPanic, Report, Result, name::Name};

/// Up to so many tasks, an inline job polls all of them whenever it is woken, which needs no memory and no waker of its
/// own; above, it keeps track of who was woken.
const FEW: usize = 8;

/// How long each rung of a stop may last; `None` is for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) job: Option<Duration>,
    pub(crate) drain: Option<Duration>,
    pub(crate) grace: Duration,
}

/// What a job waits for before it starts.
pub(crate) type Prerequisite = Pin<Box<dyn Future<Output = Result> + Send>>;

/// Is over when a token has been cancelled.
pub(crate) type Cancelled = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes a job anew after a failure, unless that panics, and says how long to wait before it starts.
pub(crate) type Again =
    dyn FnMut() -> Option<(Duration, Result<Supervisor, Box<CauseKind>>)> + Send;

/// Where stop signals of the process come from; yields each time one arrives, and says how many that makes.
pub(crate) trait SignalSource: Send {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<u32>;

    /// The next one is not for the job any more.
    fn give_back(&mut self);
}

/// A job, before, while and until it runs.
pub(crate) struct Supervisor {
    pub(crate) core: Arc<Core>,
    machine: Machine,
    /// By slot; `None` while a driver is away, tracked, or over.
    drivers: Vec<Option<Driver>>,
    /// Drivers that are polled whenever this future is: a bit for each of the first few slots. The others are in `rare`.
    near_few: u8,
    /// Drivers that are polled when they are woken.
    tracked: Option<Box<FuturesUnordered<Tracked>>>,
    began: Option<Stamp>,
    pub(crate) rare: Option<Box<Rare>>,
    state: State,
    /// As a child, the job fails alone.
    is_isolated: bool,
    /// Listeners know that every run has ended.
    has_told_finalizing: bool,
}

/// What few jobs have, and what is needed once.
pub(crate) struct Rare {
    pub(crate) deadlines: Deadlines,
    pub(crate) max_tasks: Option<u32>,
    pub(crate) prerequisites: Vec<Prerequisite>,
    /// What follows from a panic, if the job is awaited by itself.
    pub(crate) on_panic: OnPanic,
    /// The job's own subscriber.
    pub(crate) dispatch: Option<Dispatch>,
    /// What tasks are observed with, if anybody wants to know.
    observer: Option<Observer>,
    /// Each cancels the job when it is over.
    pub(crate) tokens: Vec<Cancelled>,
    /// As a child, the job is started over after a failure.
    pub(crate) again: Option<Box<Again>>,
    /// As a child, the job gets a thread of its own.
    pub(crate) own_thread: bool,
    pub(crate) signals: Option<Box<dyn SignalSource>>,
    /// When the job's own timeout is over.
    job_ends: Option<Instant>,
    /// When the rung of a stop that the machine armed is over.
    rung_ends: Option<(Deadline, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Drivers in higher slots that are polled whenever the supervisor is.
    near: Vec<u32>,
    /// Reused for each batch of mail.
    mail: Pile<Mail>,
    freed: Vec<u32>,
}

impl Default for Rare {
    fn default() -> Self {
        Self {
            deadlines: Deadlines {
                job: None,
                drain: None,
                grace: crate::job::GRACE,
            },
            max_tasks: None,
            prerequisites: Vec::new(),
            on_panic: OnPanic::Fail,
            dispatch: None,
            observer: None,
            tokens: Vec::new(),
            again: None,
            own_thread: false,
            signals: None,
            job_ends: None,
            rung_ends: None,
            timer: None,
            near: Vec::new(),
            mail: Pile::default(),
            freed: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Running,
    /// Ending on the runtime after its future was dropped.
    Adrift,
    Over,
}

impl Supervisor {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            core: Arc::new(Core::new(name, crate::job::FINALIZER_DEADLINE)),
            machine: Machine::new(),
            drivers: Vec::new(),
            near_few: 0,
            tracked: None,
            began: None,
            rare: None,
            state: State::Idle,
            is_isolated: false,
            has_told_finalizing: false,
        }
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The slot that the next task added before the start gets.
    pub(crate) fn next_slot(&self) -> u32 {
        u32::try_from(self.drivers.len()).unwrap_or(u32::MAX)
    }

    /// Adds a task before the start.
    pub(crate) fn add(&mut self, name: Name, driver: Driver, kind: Kind) {
        let slot = self.next_slot();
        self.machine.add(slot, name, kind);
        make_room(&mut self.drivers);
        self.drivers.push(Some(driver));
    }

    /// The next task is the oneshot. Makes room for two more: what a oneshot makes is there for others.
    pub(crate) fn expect_oneshot(&mut self) {
        self.machine.set_oneshot();
        self.machine.reserve(3);
        self.drivers.reserve_exact(3);
    }

    pub(crate) fn set_isolated(&mut self) {
        self.is_isolated = true;
    }

    /// What the job is to its parent.
    pub(crate) fn kind(&self) -> Kind {
        if self.is_isolated {
            Kind::IsolatedJob
        } else {
            Kind::Job
        }
    }

    pub(super) fn take_again(&mut self) -> Option<Box<Again>> {
        self.rare.as_mut()?.again.take()
    }

    pub(super) fn has_own_thread(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.own_thread)
    }

    /// Moves the job elsewhere.
    pub(super) fn take_whole(&mut self) -> Self {
        std::mem::replace(self, Self::over())
    }

    fn begin(&mut self) {
        self.state = State::Running;
        self.tell(|_| Event::Started);
        self.began = Some(Stamp::latest());
        if let Some(rare) = &mut self.rare {
            rare.job_ends = rare.deadlines.job.map(|timeout| later(now(), timeout));
        }
        self.observe();
        let max = self.rare.as_ref().and_then(|rare| rare.max_tasks);
        self.core.begin(self.next_slot(), max.unwrap_or(u32::MAX));
        if self
            .rare
            .as_ref()
            .is_none_or(|rare| rare.prerequisites.is_empty())
        {
            self.machine.begin();
        }
    }

    /// Has every driver observed, if anybody wants to know.
    fn observe(&mut self) {
        let own = self.rare.as_mut().and_then(|rare| rare.dispatch.take());
        let observer = Observer::new(&self.core.name, own);
        if observer.is_blind() {
            return;
        }
        for (slot, driver) in (0..).zip(&mut self.drivers) {
            let observed = driver
                .take()
                .map(|driver| observer.wrap(driver, self.machine.name(slot)));
            *driver = observed;
        }
        self.rare().observer = Some(observer);
    }

    /// Polls the job as part of a poll under way, whose time it shares.
    pub(super) fn poll_within(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        if self.state == State::Idle {
            self.begin();
        }
        loop {
            if let Some(report) = self.advance(cx) {
                return Poll::Ready(report);
            }
            // Invariant 5: look for mail again once the waker is known.
            self.core.listen(cx.waker());
            if !self.core.has_mail() {
                return Poll::Pending;
            }
        }
    }

    /// Everything that can be done without waiting; the report once the job is over.
    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Report> {
        if self.core.has_mail() {
            self.handle_mail();
        }
        if !self.machine.has_signal() {
            self.poll_near(cx);
        }
        if self.core.is_looked_at() {
            self.gather_tracked(cx);
        }
        self.poll_tracked(cx);
        self.poll_prerequisites(cx);
        self.poll_signals(cx);
        self.poll_tokens(cx);
        loop {
            if let Some(report) = self.act(cx) {
                return Some(report);
            }
            if !self.poll_timer(cx) {
                return None;
            }
        }
    }

    /// Does what the machine says until it says nothing.
    fn act(&mut self, cx: &mut Context<'_>) -> Option<Report> {
        self.read_on_the_way();
        let mut has_shipped = false;
        while let Some(action) = self.machine.next() {
            match action {
                Action::Signal(signal) => {
                    self.tell_stop(signal);
                    self.limit_children(signal);
                    self.core.show(signal, self.machine.cause());
                    self.poll_near(cx);
                    self.gather_tracked(cx);
                }
                Action::Arm(deadline) => self.arm(deadline),
                Action::Init(slot) | Action::Start(slot) => {
                    self.poll_new(slot, cx);
                    self.read_on_the_way();
                }
                Action::Run(slot) => has_shipped |= self.run(slot, cx),
                Action::Finalize(slot) => {
                    self.tell_finalizing();
                    // A finalizer before this one may have been the first to fail.
                    self.core.set_cause(self.machine.cause());
                    self.poll_new(slot, cx);
                }
                Action::GiveUp(slot) => self.give_up(slot),
                Action::Close => self.close(cx),
                Action::End => {
                    self.tell_finalizing();
                    return Some(self.end());
                }
            }
        }
        self.note_started();
        if has_shipped {
            self.forget_shipped();
        }
        None
    }

    /// Reads what a oneshot or an init has left before the machine goes on to what follows it.
    fn read_on_the_way(&mut self) {
        if !self.machine.is_started() && self.core.has_mail() {
            self.handle_mail();
        }
    }

    /// Closes the desk before the last finalizers, unless something was accepted in the meantime: then that comes first.
    fn close(&mut self, cx: &mut Context<'_>) {
        if self.core.close_if_empty() {
            self.machine.closed();
        } else {
            self.note_started();
            self.handle_mail();
            self.poll_near(cx);
            self.poll_tracked(cx);
        }
    }

    /// Lets a task run: here, or on a runtime task of its own. Says if it has left.
    fn run(&mut self, slot: u32, cx: &mut Context<'_>) -> bool {
        self.note_started();
        if !self.core.spawns() {
            self.poll_new(slot, cx);
        } else if let Some(driver) = self.take(slot) {
            self.ship(driver);
            return true;
        }
        false
    }

    fn ship(&self, driver: Driver) {
        self.core.note_away(1);
        sync::spawn(Away(Some(driver)));
    }

    fn handle_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.rare().mail);
        self.core.take_mail(&mut mail);
        mail.drain(|message| self.handle(message));
        let rare = self.rare.get_or_insert_default();
        rare.mail = mail;
        if !rare.freed.is_empty() {
            self.core.free(&rare.freed);
            rare.freed.clear();
        }
    }

    fn handle(&mut self, message: Mail) {
        match message {
            Mail::Add {
                slot,
                name,
                driver,
                kind,
            } => self.admit(slot, name, (driver, kind)),
            Mail::Stop { signal, cause } => self.stop(signal, cause.map(|cause| *cause)),
            Mail::Look(asker) => {
                // Who has asked may not be there any more.
                let _ = asker.send(self.machine.seen());
                self.core.wake_away();
            }
            Mail::Parked { slot, exit, driver } => {
                self.put(slot, Some(driver));
                self.machine.parked(slot, exit);
                self.tell_done(slot);
            }
            Mail::Over { slot, exit, tally } => {
                let exit = exit.map(Exit::from);
                self.end_away(
                    slot,
                    Ending {
                        exit,
                        after: None,
                        tally,
                    },
                );
            }
            Mail::Ended { slot, ending } => self.end_away(slot, *ending),
        }
    }

    fn stop(&mut self, signal: Signal, cause: Option<Cause>) {
        self.machine.stop(signal, cause);
        self.hurry();
    }

    /// Stops the job on behalf of its poller, who polls it next: as a message would, without the way there.
    pub(super) fn stop_next(&mut self, signal: Signal, cause: Option<Cause>) {
        if self.state == State::Running {
            self.core.shut();
            self.stop(signal, cause);
        } else {
            self.core.stop(signal, cause);
        }
    }

    fn end_away(&mut self, slot: u32, ending: Ending) {
        self.end_task(slot, ending);
        if self.machine.is_vacant(slot) {
            self.rare().freed.push(slot);
        }
    }

    fn admit(&mut self, slot: u32, name: Name, (mut driver, kind): (Driver, Kind)) {
        if let Some(observer) = self.rare.as_ref().and_then(|rare| rare.observer.as_ref()) {
            driver = observer.wrap(driver, &name);
        }
        let admission = self.machine.add(slot, name, kind);
        if admission == Admission::Later {
            self.put(slot, Some(driver));
        } else if self.core.spawns() {
            self.ship(driver);
        } else {
            self.put(slot, Some(driver));
            self.keep_near(slot);
            self.track_near();
        }
    }

    fn note_started(&mut self) {
        if !self.machine.is_running() || !self.core.is_starting() {
            return;
        }
        self.core.set_started();
        self.tell(|_| Event::Ready);
        if let Some(annex) = self.core.has_annex()
            && !annex.is_started.swap(true, Ordering::AcqRel)
        {
            annex.started.notify_waiters();
        }
    }

    /// The job is over: drops what never started, and says so.
    fn end(&mut self) -> Report {
        self.state = State::Over;
        // Those who wait for what never started learn of it.
        self.core.set_cause(self.machine.cause());
        if let Some(mut left) = self.core.close() {
            left.drain(|message| {
                if let Mail::Add {
                    slot,
                    name,
                    driver,
                    kind,
                } = message
                {
                    self.admit(slot, name, (driver, kind));
                } else {
                    panics::discard(message);
                }
            });
        }
        for driver in self.drivers.drain(..) {
            panics::discard(driver);
        }
        let report = self.report();
        self.tell(|_| Event::Ended(report.outcome()));
        if let Some(annex) = self.core.has_annex() {
            let _ = annex.report.set(Arc::new(report.clone()));
            annex.ended.notify_waiters();
            annex.started.notify_waiters();
        }
        report
    }

    fn report(&mut self) -> Report {
        let outcome = self.machine.outcome();
        let cause = self.machine.cause().cloned();
        let Remains { records, more } = self.machine.take_remains();
        // Runs on other threads may have ended after the time that this one has looked at last.
        let ended = if self.core.spawns() {
            Stamp::now()
        } else {
            Stamp::latest()
        };
        let nanos = self.began.map_or(0, |began| began.nanos_until(ended));
        let elapsed = Duration::from_nanos(nanos);
        let name = self.core.name.clone();
        Report {
            name,
            outcome,
            cause,
            records,
            more,
            elapsed,
        }
    }
}

impl Future for Supervisor {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        Stamp::forget();
        self.get_mut().poll_within(cx)
    }
}

impl Drop for Supervisor {
    /// A running job is not just dropped: it is cancelled, and what is left of it ends on the runtime.
    fn drop(&mut self) {
        if self.state == State::Over {
            return;
        }
        let kind = CauseKind::cancelled(By::Drop, "the job's future was dropped");
        self.machine.stop(Signal::Cut, Some(Cause::of_job(kind)));
        if self.state == State::Idle {
            while let Some(action) = self.machine.next() {
                if action == Action::End {
                    self.end();
                    return;
                }
            }
            return;
        }
        match Handle::try_current() {
            Ok(_) if self.state == State::Running => {
                // Finalizers have to run somewhere, and their future is gone.
                let mut rest = self.take_whole();
                rest.state = State::Adrift;
                sync::spawn(rest);
            }
            // The runtime is gone or going, or it is not this one: nothing can be finalized, but those who wait for the end must not
            // hang, and who runs elsewhere must not go on.
            _ => self.forsake(),
        }
    }
}

impl Supervisor {
    /// Ends the job where it is.
    fn forsake(&mut self) {
        if self.core.has_annex().is_some() {
            // Who has come home by now is not left behind.
            self.handle_mail();
        }
        self.machine.forsake();
        self.core.show(Signal::Cut, self.machine.cause());
        drop(self.end());
    }

    fn over() -> Self {
        let mut over = Self::new(Name::Static(""));
        over.state = State::Over;
        over
    }
}
