//! One routine under guard: panics caught, signals obeyed, clocks watched.

use std::{
    future::Future,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    core::now,
    machine::{Exit, Fault, Signal},
    panics,
};
use crate::{CauseKind, Context, OnIdle, Routine};

/// What came of a routine.
pub(super) enum Watched<T> {
    Returned(T),
    /// It did not return: cut, stopped at a safe point, or failed.
    Ended(Exit),
}

/// The clocks of one task; most tasks have none.
pub(crate) struct Clocks {
    pub(crate) idle: Option<Duration>,
    pub(crate) on_idle: OnIdle,
    pub(crate) timeout: Option<Duration>,
    deadline: Option<Instant>,
    last_progress: Instant,
    ticks_seen: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clocks {
    pub(crate) fn new(idle: Option<Duration>, on_idle: OnIdle, timeout: Option<Duration>) -> Self {
        let last_progress = now();
        Self {
            idle,
            on_idle,
            timeout,
            deadline: None,
            last_progress,
            ticks_seen: 0,
            sleep: None,
        }
    }

    /// Sets the clocks as the run begins.
    pub(super) fn start(&mut self) {
        self.last_progress = now();
        self.deadline = self.timeout.map(|timeout| self.last_progress + timeout);
    }

    /// Looks at the clocks after a `run` call has returned `Pending`; arms at most one timer, and moves it only when it fires.
    fn poll<V: ?Sized>(&mut self, context: &Context<V>, cx: &mut task::Context<'_>) -> Poll<Exit> {
        let ticks = context.ticks();
        if context.take_touched() || ticks != self.ticks_seen {
            self.ticks_seen = ticks;
            self.last_progress = now();
        }
        loop {
            let Some(next) = self.next() else {
                return Poll::Pending;
            };
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(next)));
            if sleep.deadline() > next {
                sleep.as_mut().reset(next);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = now();
            if let Some(exit) = self.expired(now) {
                return Poll::Ready(exit);
            }
            if let (Some(next), Some(sleep)) = (self.next(), &mut self.sleep) {
                sleep.as_mut().reset(next);
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        let idle = self.idle.map(|idle| self.last_progress + idle);
        [idle, self.deadline].into_iter().flatten().min()
    }

    fn expired(&self, now: Instant) -> Option<Exit> {
        let fault = |kind| {
            Exit::Failed(Box::new(Fault {
                routine: Routine::Run,
                kind,
            }))
        };
        if let (Some(deadline), Some(timeout)) = (self.deadline, self.timeout)
            && deadline <= now
        {
            return Some(fault(CauseKind::Timeout(timeout)));
        }
        let idle = self.idle.filter(|idle| self.last_progress + *idle <= now)?;
        Some(match self.on_idle {
            OnIdle::FailJob => fault(CauseKind::IdleTimeout(idle)),
            OnIdle::FinishTask => Exit::Done,
            OnIdle::FinishJob => Exit::FinishJob,
        })
    }
}

pin_project! {
    /// A routine's future under guard. `V` is the job's value.
    pub(super) struct Guard<'a, F, V: ?Sized> {
        #[pin]
        future: Option<F>,
        context: &'a Context<V>,
        clocks: Option<&'a mut Clocks>,
        routine: Routine,
        // The driver is on a runtime task of its own.
        away: bool,
        // The signal under which the waker was registered, plus one.
        registered: u8,
    }
}

impl<'a, F, V: ?Sized> Guard<'a, F, V> {
    /// Guards `init` or `run`.
    pub(super) fn new(routine: Routine, context: &'a Context<V>, future: F, away: bool) -> Self {
        Self {
            future: Some(future),
            context,
            clocks: None,
            routine,
            away,
            registered: 0,
        }
    }

    pub(super) fn clocked(mut self, clocks: Option<&'a mut Clocks>) -> Self {
        self.clocks = clocks;
        self
    }
}

impl<F: Future, V: ?Sized> Future for Guard<'_, F, V> {
    type Output = Watched<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let signal = this.context.core.signal();
            let stopped = match signal {
                Signal::Cut => Some(Exit::Cut),
                Signal::Finish if this.context.is_waiting() => Some(Exit::Stopped),
                _ => None,
            };
            if let Some(exit) = stopped {
                return Poll::Ready(ended(this.future, *this.routine, exit));
            }
            let polled = panics::catch(|| {
                this.future
                    .as_mut()
                    .as_pin_mut()
                    .map(|future| future.poll(cx))
            });
            match polled {
                Ok(Some(Poll::Ready(returned))) => {
                    return Poll::Ready(returned_from(this.future, *this.routine, returned));
                }
                Ok(Some(Poll::Pending)) => {}
                // Polled again after its end; there is nothing left to run.
                Ok(None) => return Poll::Ready(Watched::Ended(Exit::Cut)),
                Err(kind) => {
                    let exit = Exit::Failed(Box::new(Fault {
                        routine: *this.routine,
                        kind,
                    }));
                    return Poll::Ready(ended(this.future, *this.routine, exit));
                }
            }
            if let Some(clocks) = this.clocks
                && let Poll::Ready(exit) = clocks.poll(this.context, cx)
            {
                return Poll::Ready(ended(this.future, *this.routine, exit));
            }
            // Invariant 5: look at the signal again once the waker is known.
            if *this.away && *this.registered != signal as u8 + 1 {
                *this.registered = signal as u8 + 1;
                if !this
                    .context
                    .core
                    .register(this.context.slot(), cx.waker(), signal)
                {
                    continue;
                }
            }
            if signal == Signal::Finish && this.context.is_waiting() {
                continue;
            }
            return Poll::Pending;
        }
    }
}

/// Drops what is left of a routine's future. A panic in that is a failure too, unless there is one already.
fn ended<F, T>(mut future: Pin<&mut Option<F>>, routine: Routine, exit: Exit) -> Watched<T> {
    match panics::catch(|| future.set(None)) {
        Err(kind) if !matches!(exit, Exit::Failed(_)) => {
            Watched::Ended(Exit::Failed(Box::new(Fault { routine, kind })))
        }
        _ => Watched::Ended(exit),
    }
}

#[inline]
fn returned_from<F, T>(
    mut future: Pin<&mut Option<F>>,
    routine: Routine,
    returned: T,
) -> Watched<T> {
    match panics::catch(|| future.set(None)) {
        Ok(()) => Watched::Returned(returned),
        Err(kind) => Watched::Ended(Exit::Failed(Box::new(Fault { routine, kind }))),
    }
}

pin_project! {
    /// A finalizer under guard: shielded from signals, with a deadline of its own unless the supervisor keeps one.
    pub(super) struct Shield<F> {
        #[pin]
        future: Option<F>,
        within: Option<Duration>,
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl<F> Shield<F> {
    pub(super) fn new(future: F, within: Option<Duration>) -> Self {
        Self {
            future: Some(future),
            within,
            sleep: None,
        }
    }
}

/// What came of a finalizer.
pub(super) enum Shielded<T> {
    Returned(T),
    Panicked(CauseKind),
    TimedOut(CauseKind),
}

impl<F: Future> Future for Shield<F> {
    type Output = Shielded<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = panics::catch(|| {
            let polled = this
                .future
                .as_mut()
                .as_pin_mut()
                .map(|future| future.poll(cx));
            if let Some(Poll::Ready(_)) = polled {
                this.future.set(None);
            }
            polled
        });
        match polled {
            Ok(Some(Poll::Ready(returned))) => return Poll::Ready(Shielded::Returned(returned)),
            Err(kind) => return Poll::Ready(Shielded::Panicked(kind)),
            Ok(Some(Poll::Pending) | None) => {}
        }
        let Some(within) = *this.within else {
            return Poll::Pending;
        };
        let sleep = this
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(now() + within)));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        match panics::catch(|| this.future.set(None)) {
            Ok(()) => Poll::Ready(Shielded::TimedOut(CauseKind::Timeout(within))),
            Err(kind) => Poll::Ready(Shielded::Panicked(kind)),
        }
    }
}
