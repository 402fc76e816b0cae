//! The future of a job: owns the machine and the drivers, and does what the machine says.

mod drivers;
mod elsewhere;
mod end;
mod mail;
mod polls;
mod rare;
mod tell;
mod tracked;
mod waits;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

#[cfg(feature = "signal")]
pub(crate) use self::rare::SignalSource;
pub(crate) use self::rare::{Again, Cancelled, Prerequisite};
use self::{drivers::Drivers, elsewhere::Away, rare::Rare};
use super::{
    clock::{Stamp, later, now},
    core::Core,
    machine::{Action, Machine},
    record::Kind,
    spans::Observer,
    step::{Driver, Home},
    sync::{self, Ordering},
};
use crate::{Event, Report, name::Name};

/// Up to so many tasks, an inline job polls all of them whenever it is woken, which needs no memory and no waker of its
/// own; above, it keeps track of who was woken. In the library's own tests so few that random jobs have more.
const FEW: usize = if cfg!(test) { 2 } else { 8 };

/// A job, before, while and until it runs.
pub(crate) struct Supervisor {
    pub(crate) core: Arc<Core>,
    machine: Machine,
    drivers: Drivers,
    /// Drivers that are polled whenever this future is: a bit for each of the first few slots. The others are in `rare`.
    near_few: u8,
    began: Option<Stamp>,
    pub(crate) rare: Option<Box<Rare>>,
    state: State,
    /// As a child, the job fails alone.
    is_isolated: bool,
    /// Nobody takes the report that its future gives: handles have it.
    is_in_background: bool,
    /// Listeners know that every run has ended.
    has_told_finalizing: bool,
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
            drivers: Drivers::new(),
            near_few: 0,
            began: None,
            rare: None,
            state: State::Idle,
            is_isolated: false,
            is_in_background: false,
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

    /// Where it belongs, if it is a job.
    pub(crate) fn next_home(&self) -> Home {
        let mut home = Home::new(self.core.clone(), self.next_slot());
        home.is_at_gate = true;
        home
    }

    /// Adds a task before the start.
    pub(crate) fn add(&mut self, name: Name, driver: Driver, kind: Kind) {
        let slot = self.next_slot();
        self.machine.add(slot, name, kind);
        self.drivers.push(driver);
    }

    /// Adds a task before the start that has no init: it is not polled before its run.
    pub(crate) fn add_at_gate(&mut self, name: Name, driver: Driver, kind: Kind) {
        self.add(name, driver, kind);
        self.machine.spare_init();
    }

    /// The next task is the oneshot. Makes room for two more: what a oneshot makes is there for others.
    pub(crate) fn expect_oneshot(&mut self) {
        self.machine.set_oneshot();
        self.machine.reserve(3);
        self.drivers.reserve(3);
    }

    pub(crate) fn set_isolated(&mut self) {
        self.is_isolated = true;
    }

    pub(crate) fn set_in_background(&mut self) {
        self.is_in_background = true;
    }

    /// What the job is to its parent.
    pub(crate) fn kind(&self) -> Kind {
        if self.is_isolated {
            Kind::IsolatedJob
        } else {
            Kind::Job
        }
    }

    /// Whether it is started over after failures.
    pub(super) fn has_again(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.again.is_some())
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
        for (slot, driver) in (0..).zip(self.drivers.slots()) {
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
            if let Some(tracked) = self.rare.as_ref().and_then(|rare| rare.tracked.as_ref()) {
                tracked.listen(cx.waker());
            }
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
            self.gather_tracked();
        }
        self.poll_tracked();
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
                    self.gather_tracked();
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
            self.drivers.forget_away();
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
            self.poll_tracked();
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
}

impl Future for Supervisor {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        Stamp::forget();
        self.get_mut().poll_within(cx)
    }
}
