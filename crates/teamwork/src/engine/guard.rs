//! One call of a routine under guard: panics caught, signals obeyed, clocks watched.

use std::{
    future::Future,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    clock::{Stamp, later, now, poll_timer},
    machine::{After, Exit, Fault, Signal},
    panics,
};
use crate::{CauseKind, Context, OnIdle, Result, Routine};

/// Why a call did not return.
pub(super) enum Early {
    Cut,
    /// At a safe point, because the job finishes.
    Stopped,
    Panicked(Box<CauseKind>),
    /// A clock has run out.
    Expired(Exit),
}

impl Early {
    pub(super) fn exit(self, routine: Routine) -> Exit {
        match self {
            Self::Cut => Exit::Cut,
            Self::Stopped => Exit::Stopped,
            Self::Panicked(kind) => Exit::Failed(Box::new(Fault {
                routine,
                kind: *kind,
            })),
            Self::Expired(exit) => exit,
        }
    }
}

/// The clocks of one task; most tasks have none.
pub(crate) struct Clocks {
    idle: Option<Duration>,
    on_idle: OnIdle,
    timeout: Option<Duration>,
    began: Instant,
    last_progress: Instant,
    ticks_seen: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clocks {
    pub(crate) fn new(idle: Option<Duration>, on_idle: OnIdle, timeout: Option<Duration>) -> Self {
        let now = now();
        Self {
            idle,
            on_idle,
            timeout,
            began: now,
            last_progress: now,
            ticks_seen: 0,
            sleep: None,
        }
    }

    /// Sets the clocks as the run begins.
    pub(super) fn start(&mut self) {
        self.began = now();
        self.last_progress = self.began;
    }

    /// Looks at the clocks after a call has returned `Pending`; arms at most one timer, and moves it only when it fires.
    fn poll<V: ?Sized>(&mut self, context: &Context<V>, cx: &mut task::Context<'_>) -> Poll<Exit> {
        let ticks = context.ticks();
        if context.take_touched() || ticks != self.ticks_seen {
            self.ticks_seen = ticks;
            self.last_progress = now();
        }
        while let Some(next) = self.next() {
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(next)));
            if poll_timer(sleep, cx).is_pending() {
                break;
            }
            sleep.as_mut().reset(next);
            if let Some(exit) = self.expired(now()) {
                return Poll::Ready(exit);
            }
        }
        Poll::Pending
    }

    fn ends(&self) -> Option<Instant> {
        self.timeout.map(|timeout| later(self.began, timeout))
    }

    fn next(&self) -> Option<Instant> {
        let idle = self.idle.map(|idle| later(self.last_progress, idle));
        [idle, self.ends()].into_iter().flatten().min()
    }

    fn expired(&self, now: Instant) -> Option<Exit> {
        let fault = |kind| {
            Exit::Failed(Box::new(Fault {
                routine: Routine::Run,
                kind,
            }))
        };
        let is_over = |since, time: &Duration| later(since, *time) <= now;
        if let Some(timeout) = self.timeout.filter(|time| is_over(self.began, time)) {
            return Some(fault(CauseKind::Timeout(timeout)));
        }
        let idle = self.idle.filter(|time| is_over(self.last_progress, time))?;
        Some(match self.on_idle {
            OnIdle::FailJob => fault(CauseKind::IdleTimeout(idle)),
            OnIdle::FinishTask => Exit::Done,
            OnIdle::FinishJob => Exit::FinishJob,
        })
    }
}

pin_project! {
    /// A call of a routine, in which every panic is caught, from the making of its future to the drop of it.
    #[project = CallUnderWay]
    enum Call<C, F> {
        Ahead { call: Option<C> },
        Begun { #[pin] future: F },
        Over,
    }
}

impl<C: FnOnce() -> F, F: Future> Call<C, F> {
    /// Polls the future; it is over after it has returned.
    #[inline]
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<F::Output, Box<CauseKind>>> {
        let polled = panics::catch(|| {
            if let CallUnderWay::Ahead { call } = self.as_mut().project()
                && let Some(call) = call.take()
            {
                let future = call();
                self.set(Self::Begun { future });
            }
            let CallUnderWay::Begun { future } = self.as_mut().project() else {
                // Polled again after its end: there is nothing left to run.
                return Poll::Pending;
            };
            let polled = future.poll(cx).map(Ok);
            if polled.is_ready() {
                self.set(Self::Over);
            }
            polled
        });
        polled.unwrap_or_else(|kind| Poll::Ready(Err(kind)))
    }

    /// Drops what is left.
    fn end(mut self: Pin<&mut Self>) -> Result<(), Box<CauseKind>> {
        panics::catch(|| self.set(Self::Over))
    }
}

pin_project! {
    /// One call of `init` or `run` under guard. `V` is the job's value.
    pub(super) struct Guard<'a, C, F, V: ?Sized> {
        #[pin]
        call: Call<C, F>,
        context: &'a Context<V>,
        clocks: Option<&'a mut Clocks>,
    }
}

impl<'a, C: FnOnce() -> F, F: Future, V: ?Sized> Guard<'a, C, F, V> {
    #[inline]
    pub(super) fn new(context: &'a Context<V>, clocks: Option<&'a mut Clocks>, call: C) -> Self {
        Self {
            call: Call::Ahead { call: Some(call) },
            context,
            clocks,
        }
    }

    /// Measures the call, if it is worth a look at the clock.
    pub(super) fn timed(self) -> Timed<Self> {
        Timed {
            guarded: self,
            since: stamp_for::<F>(),
        }
    }
}

pin_project! {
    /// Measures a guarded call: resolves to what came of it and the nanoseconds it took.
    pub(super) struct Timed<G> {
        #[pin]
        guarded: G,
        since: Option<Stamp>,
    }
}

impl<G: Future> Future for Timed<G> {
    type Output = (G::Output, u64);

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let since = *this.since;
        let nanos = || since.map_or(0, |since| since.nanos_until(Stamp::now()));
        this.guarded.poll(cx).map(|output| (output, nanos()))
    }
}

/// The time before a routine; none if its future holds nothing. Such a future cannot even reach its task, so it is the
/// default routine that does nothing, and a look at the clock would cost more than it.
#[inline]
fn stamp_for<F>() -> Option<Stamp> {
    (size_of::<F>() > 1).then(Stamp::latest)
}

impl<C: FnOnce() -> F, F: Future, V: ?Sized> Future for Guard<'_, C, F, V> {
    type Output = Result<F::Output, Early>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut has_polled = false;
        loop {
            let signal = this.context.core.signal();
            // What is called here was decided on before; so much of it is done.
            if !matches!(*this.call, Call::Ahead { .. })
                && let Some(early) = stopped(signal, this.context)
            {
                note_end(this.context, has_polled);
                return Poll::Ready(Err(dropped(this.call, early)));
            }
            has_polled = true;
            match this.call.as_mut().poll(cx) {
                Poll::Ready(Ok(returned)) => return Poll::Ready(Ok(returned)),
                Poll::Ready(Err(kind)) => {
                    return Poll::Ready(Err(dropped(this.call, Early::Panicked(kind))));
                }
                Poll::Pending => {}
            }
            if let Some(clocks) = this.clocks
                && let Poll::Ready(exit) = clocks.poll(this.context, cx)
            {
                return Poll::Ready(Err(dropped(this.call, Early::Expired(exit))));
            }
            // Invariant 5: look at the signal again once the waker is known.
            let is_known = !this.context.is_away() || this.context.is_registered(signal, cx);
            if is_known && stopped(signal, this.context).is_none() {
                if this.context.core.is_looked_at() {
                    this.context.answer();
                }
                return Poll::Pending;
            }
        }
    }
}

#[inline]
fn stopped<V: ?Sized>(signal: Signal, context: &Context<V>) -> Option<Early> {
    match signal {
        Signal::Cut | Signal::Abandon => Some(Early::Cut),
        Signal::Finish if context.is_waiting() => Some(Early::Stopped),
        _ => None,
    }
}

/// Notes when a run that is stopped or cut has ended: one that only waited, when that was shown, which spares a look at the clock. Where
/// nobody has noted that, it was in the poll under way.
fn note_end<V: ?Sized>(context: &Context<V>, has_polled: bool) {
    if has_polled {
        Stamp::now();
    } else if let Some(at) = context.core.cut_at() {
        at.recall();
    }
}

/// Drops what is left of a call. A panic in that is a failure too, unless there is one already.
#[cold]
fn dropped<C: FnOnce() -> F, F: Future>(call: Pin<&mut Call<C, F>>, early: Early) -> Early {
    match call.end() {
        Err(kind) if !matches!(early, Early::Panicked(_) | Early::Expired(Exit::Failed(_))) => {
            Early::Panicked(kind)
        }
        _ => early,
    }
}

pin_project! {
    /// A finalizer under guard: shielded from signals, with a deadline of its own unless the supervisor keeps one.
    pub(super) struct Shield<'a, C, F, V: ?Sized> {
        #[pin]
        call: Call<C, F>,
        // Whose deadline to keep; the supervisor keeps that of a stopping job.
        context: Option<&'a Context<V>>,
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl<'a, C: FnOnce() -> F, F: Future, V: ?Sized> Shield<'a, C, F, V> {
    pub(super) fn new(context: Option<&'a Context<V>>, call: C) -> Self {
        Self {
            call: Call::Ahead { call: Some(call) },
            context,
            sleep: None,
        }
    }

    /// Measures the call, if it is worth a look at the clock.
    pub(super) fn timed(self) -> Timed<Self> {
        Timed {
            guarded: self,
            since: stamp_for::<F>(),
        }
    }
}

impl<C, F, V> Future for Shield<'_, C, F, V>
where
    C: FnOnce() -> F,
    F: Future<Output = Result<()>>,
    V: ?Sized,
{
    /// What there is to say of the finalizer, if it did not go well.
    type Output = Option<After>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        match this.call.as_mut().poll(cx) {
            Poll::Ready(Ok(Ok(()))) => return Poll::Ready(None),
            Poll::Ready(Ok(Err(error))) => return failed(CauseKind::error(error)),
            Poll::Ready(Err(kind)) => return failed(*kind),
            Poll::Pending => {}
        }
        let Some(context) = this.context else {
            return Poll::Pending;
        };
        let within = context.core.finalizer_deadline();
        let sleep = this.sleep.get_or_insert_with(|| {
            context.note_routine(Some(Routine::Finalize));
            Box::pin(sleep_until(later(now(), within)))
        });
        if poll_timer(sleep, cx).is_pending() {
            return Poll::Pending;
        }
        match this.call.end() {
            Ok(()) => {
                let timeout = fault(CauseKind::Timeout(within));
                Poll::Ready(Some(After::TimedOut(timeout)))
            }
            Err(kind) => failed(*kind),
        }
    }
}

/// The finalizer has failed in this way.
#[cold]
fn failed(kind: CauseKind) -> Poll<Option<After>> {
    Poll::Ready(Some(After::Failed(fault(kind))))
}

fn fault(kind: CauseKind) -> Box<Fault> {
    let routine = Routine::Finalize;
    Box::new(Fault { routine, kind })
}

#[cfg(all(test, not(teamwork_loom)))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{NoValue, engine::core::Core, name::Name};

    /// Between the decision to call a routine and the call, another thread may stop the job.
    #[tokio::test]
    async fn what_was_decided_on_is_called_though_the_job_has_been_cut_since() {
        let core = Arc::new(Core::new(Name::Static("test"), Duration::ZERO));
        let cx = Context::<NoValue>::new(core.clone(), Name::Static("a"), 0);
        core.show(Signal::Cut, None);
        let mut is_called = false;
        let guard = Guard::new(&cx, None, || {
            is_called = true;
            std::future::pending::<()>()
        });
        assert!(matches!(guard.await, Err(Early::Cut)));
        assert!(is_called, "it is finalized, so its init was started");
    }
}
