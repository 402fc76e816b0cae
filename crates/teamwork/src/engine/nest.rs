//! A job as a task of a job.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use tokio::time::{Instant, sleep};

use super::{
    clock::nanos,
    core::{Core, Look, Mail},
    guard::Guard,
    machine::{After, Ending, Exit, Fault, Signal, Tally},
    nanos::Nanos,
    panics,
    step::{Home, Step, leave},
    supervisor::{Again, Supervisor},
    thread::{Threaded, start},
};
use crate::{By, Cause, CauseKind, Outcome, Report, Routine, TaskOutcome, name::Name};

/// Builds the driver of a child job. Its run is the whole child; a stop is passed on to it, and it is not cut but ends by
/// itself, its finalizers included, before the parent's finalizers run. When the parent's time is over, it is told to give up on
/// whatever it has left.
pub(crate) fn drive_job(
    child: Supervisor,
    home: Home,
) -> impl Future<Output = Option<Ending>> + Send {
    let mut nest = Nest::new(child, home);
    async move {
        let is_late = !nest.home.is_at_gate && !nest.home.core.is_starting();
        // One that is added while its parent starts: it waits for its turn.
        if !nest.home.is_at_gate && !is_late {
            leave(Step::Inited).await;
        }
        // When the start fails, it goes on where it is: to its end.
        nest.home.is_away = nest.home.core.spawns() && nest.home.core.has_shipped();
        let ((exit, after), nanos) = match nest.home.core.signal() {
            Signal::Finish | Signal::Cut | Signal::Abandon if is_late => {
                ((Exit::NeverStarted, None), 0)
            }
            Signal::Finish => ((Exit::Stopped, None), 0),
            Signal::Cut | Signal::Abandon => ((Exit::Cut, None), 0),
            Signal::Run | Signal::Drain if nest.child.is_restarted() => {
                attempts(&mut nest, |ended, _| judged(ended)).await
            }
            Signal::Run | Signal::Drain => judged(Nested::begin(&mut nest).await),
        };
        let Nest { child, home } = nest;
        child.leave();
        let ending = Ending {
            exit: Some(exit),
            after,
            tally: Tally {
                ticks: 0,
                nanos: [0, nanos, 0].map(Nanos::from),
            },
        };
        if home.is_away {
            home.core.post(Mail::ended(home.slot, ending));
            return None;
        }
        Some(ending)
    }
}

/// What the end of a child is to its parent.
type Judged = (Exit, Option<After>);

/// The same with the nanoseconds it took. By value, so that the report takes no room in the driver.
fn judged(ended: Result<Report, CauseKind>) -> (Judged, u64) {
    let run = nanos_of(&ended);
    let judged = match ended {
        Ok(report) => judge(report),
        Err(kind) => (failed(kind), None),
    };
    (judged, run)
}

fn nanos_of(ended: &Result<Report, CauseKind>) -> u64 {
    ended.as_ref().map_or(0, |report| nanos(report.elapsed()))
}

/// What the end of a child is to its parent, which keeps the report if something went wrong.
fn judge(report: Report) -> Judged {
    let exit = exit_of(&report);
    let after = report.is_telling().then(|| After::Job(Box::new(report)));
    (exit, after)
}

/// Builds the driver of a job that is the oneshot of its parent. Its value becomes its parent's, if it `has_value`.
pub(crate) fn drive_first_job(
    child: Supervisor,
    home: Home,
    has_value: bool,
) -> impl Future<Output = Option<Ending>> + Send {
    let mut nest = Nest::new(child, home);
    async move {
        let judge = |ended: Result<Report, CauseKind>, nest: &Nest| {
            let run = nanos_of(&ended);
            (judge_first(ended, nest, has_value), run)
        };
        let ((exit, after), run) = if nest.child.is_restarted() {
            attempts(&mut nest, judge).await
        } else {
            judge(Nested::begin(&mut nest).await, &nest)
        };
        nest.child.leave();
        Some(Ending {
            exit: Some(exit),
            after,
            tally: Tally {
                ticks: 0,
                nanos: [0, run, 0].map(Nanos::from),
            },
        })
    }
}

/// What the end of a oneshot is to its parent, which gets its value.
fn judge_first(
    ended: Result<Report, CauseKind>,
    Nest { child, home }: &Nest,
    has_value: bool,
) -> Judged {
    let core = &home.core;
    match ended {
        // What would rely on it does not start anyway.
        Ok(report) if core.signal() >= Signal::Finish => judge(report),
        Ok(report) if report.outcome() == Outcome::Done => {
            match child.core().and_then(|child| child.share_value()) {
                // It was finished before it had one: what would rely on it does not start.
                None if has_value => (Exit::FinishJob, judge(report).1),
                value => {
                    if let Some(value) = value {
                        core.set_value(value);
                    }
                    judge(report)
                }
            }
        }
        // It failed, or was cancelled on its own: there is nothing to go on with.
        Ok(report) => {
            let cause = report.cause.clone();
            let exit = cause.map_or(Exit::Cut, |cause| failed(CauseKind::Job(cause)));
            (exit, judge(report).1)
        }
        Err(kind) => (failed(kind), None),
    }
}

/// The life of a child that is started over after failures: attempts, until one does not fail or there are no more.
fn attempts<'a>(
    nest: &'a mut Nest,
    judge: impl Fn(Result<Report, CauseKind>, &Nest) -> (Judged, u64) + Send + 'a,
) -> Pin<Box<impl Future<Output = (Judged, u64)> + Send + 'a>> {
    // Boxed, because what is rare should take no room in every driver; as what it is, because that pointer is a thin one.
    Box::pin(async move {
        let cx = nest.home.lend(nest.child.name());
        let ended = Nested::begin(nest).await;
        let (mut last, mut nanos) = judge(ended, nest);
        let mut again = nest.child.take_again();
        while let Exit::Failed(fault) = &last.0
            && !is_cancelled(&fault.kind)
            && cx.core.signal() < Signal::Finish
            && let Some((pause, fresh)) = again.as_mut().and_then(|again| again())
        {
            tracing::warn!(job = %cx.core.name, task = cx.name(), error = %fault.kind, ?pause, "failed; starting again");
            let paused = Guard::new(&cx, None, || cx.wait(sleep(pause))).await;
            if let Err(early) = paused {
                panics::discard(last);
                return ((early.exit(Routine::Run), None), nanos);
            }
            let fresh = match fresh {
                Ok(fresh) => Child::Here(fresh),
                Err(panicked) => Child::Nowhere(*panicked),
            };
            mem::replace(&mut nest.child, fresh).leave();
            let ended = Nested::begin(nest).await;
            let judged = judge(ended, nest);
            panics::discard(mem::replace(&mut last, judged.0));
            nanos = judged.1;
        }
        (last, nanos)
    })
}

/// Whether a oneshot was cancelled on its own, which is a failure of its parent and none of itself.
fn is_cancelled(kind: &CauseKind) -> bool {
    matches!(kind, CauseKind::Job(cause) if cause.is_cancelled())
}

fn failed(kind: CauseKind) -> Exit {
    Exit::Failed(Box::new(Fault {
        routine: Routine::Run,
        kind,
    }))
}

fn exit_of(report: &Report) -> Exit {
    let leaked = report.leaked().find_map(|task| match task.outcome {
        TaskOutcome::Leaked(routine) => Some(routine),
        _ => None,
    });
    match (report.outcome(), &report.cause, leaked) {
        (Outcome::Failed, Some(cause), _) => failed(CauseKind::Job(cause.clone())),
        (.., Some(routine)) => Exit::Leaked(Box::new(routine)),
        (Outcome::Cancelled, ..) => Exit::Cut,
        _ => Exit::Done,
    }
}

/// A child job and where it belongs. As one, because each reference that is kept takes room in the driver.
struct Nest {
    child: Child,
    home: Home,
}

impl Nest {
    fn new(child: Supervisor, home: Home) -> Self {
        let child = Child::Here(child);
        Self { child, home }
    }
}

/// Where a child job runs.
enum Child {
    /// It is polled by its driver.
    Here(Supervisor),
    OnThread(Box<Threaded>),
    /// There is no thread for it, or it could not be made.
    Nowhere(CauseKind),
}

impl Child {
    /// Moves the child to a thread of its own, if it is to have one.
    fn settle(&mut self) {
        let placed = match self {
            Self::Here(child) if child.has_own_thread() => start(child.take_whole()),
            _ => return,
        };
        *self = match placed {
            Ok(thread) => Self::OnThread(Box::new(thread)),
            Err(error) => Self::Nowhere(CauseKind::error(error.into())),
        };
    }

    /// Drops a job that has ended, its value included.
    fn leave(self) {
        panics::discard(self);
    }

    /// Before it is settled: whether there is something that makes it anew.
    fn is_restarted(&self) -> bool {
        matches!(self, Self::Here(child) if child.has_again())
    }

    /// The name of the job, before it is settled.
    fn name(&self) -> Name {
        self.core()
            .map_or(Name::Static(""), |core| core.name.clone())
    }

    /// Takes out what makes the job anew.
    fn take_again(&mut self) -> Option<Box<Again>> {
        match self {
            Self::Here(child) => child.take_again(),
            Self::OnThread(thread) => thread.take_again(),
            Self::Nowhere(_) => None,
        }
    }

    /// Passes a stop on, and when the parent no longer waits for its end.
    fn stop(&mut self, signal: Signal, cause: Option<Cause>, ends_by: Option<Instant>) {
        if let (Some(core), Some(end)) = (self.core(), ends_by) {
            core.end_by(end);
        }
        match self {
            Self::Here(child) => child.stop_next(signal, cause),
            Self::OnThread(thread) => thread.core().stop(signal, cause),
            Self::Nowhere(_) => {}
        }
    }

    fn core(&self) -> Option<&Arc<Core>> {
        match self {
            Self::Here(child) => Some(&child.core),
            Self::OnThread(thread) => Some(thread.core()),
            Self::Nowhere(_) => None,
        }
    }

    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<Report, CauseKind>> {
        match self {
            Self::Here(child) => child.poll_within(cx).map(Ok),
            Self::OnThread(thread) => thread.poll_report(cx),
            Self::Nowhere(kind) => Poll::Ready(Err(kind.clone())),
        }
    }
}

/// Polls the child and passes the parent's signal on.
struct Nested<'a> {
    nest: &'a mut Nest,
}

impl<'a> Nested<'a> {
    /// Moves the child to where it runs.
    fn begin(nest: &'a mut Nest) -> Self {
        nest.child.settle();
        nest.home.told = Signal::Run;
        nest.home.registered = None;
        Self { nest }
    }
}

impl Nest {
    /// Says to those who look which job this is.
    #[cold]
    fn answer(&self, cx: &task::Context<'_>) {
        if let Child::Here(child) = &self.child {
            child.core.watch();
            child.core.listen(cx.waker());
        }
        let look = Look {
            ticks: 0,
            is_waiting: false,
            same_for: None,
            child: self.child.core().cloned(),
        };
        self.home.core.answer(self.home.slot, look);
    }
}

impl Future for Nested<'_> {
    type Output = Result<Report, CauseKind>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        loop {
            let Nest { child, home } = &mut *self.nest;
            let signal = home.core.signal();
            if signal > home.told {
                home.told = signal;
                let cause = (signal >= Signal::Cut).then(|| parent_stopped(home.core.cause()));
                child.stop(signal, cause, home.core.children_end_by());
            }
            if let Poll::Ready(ended) = child.poll(cx) {
                return Poll::Ready(ended);
            }
            if home.core.is_looked_at() {
                self.nest.answer(cx);
            }
            let home = &mut self.nest.home;
            if !home.is_away || home.registered == Some(signal) {
                return Poll::Pending;
            }
            home.registered = Some(signal);
            if home.core.register(home.slot, cx.waker(), signal) {
                return Poll::Pending;
            }
        }
    }
}

fn parent_stopped(cause: Option<&Arc<Cause>>) -> Cause {
    let reason = cause.map_or_else(|| "its grace is over".into(), |cause| cause.to_string());
    Cause::of_job(CauseKind::cancelled(By::Parent, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_of_a_child_takes_at_most_160_bytes() {
        let parent = Supervisor::new(Name::Static("parent"));
        let child = Supervisor::new(Name::Static("child"));
        let driver = drive_job(child, parent.next_home());
        assert!(size_of_val(&driver) <= 160, "{}", size_of_val(&driver));
    }
}
