//! What a supervisor waits for besides its tasks: prerequisites, signals of the process, deadlines.

use std::{
    future::pending,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{Cancelled, Prerequisite, Supervisor};
use crate::{
    By, Cause, CauseKind,
    engine::{
        clock::{later, now, poll_timer},
        machine::{Deadline, Signal},
        panics,
    },
};

/// How long a child job may take to give up on what it has left. It takes no time, unless something keeps its thread.
const ABANDON_TIME: Duration = Duration::from_secs(1);

/// The least that those have who only have to come home, which takes a turn of the runtime: runs that were cut.
const TURN: Duration = Duration::from_millis(100);

/// Drops a prerequisite. A panic in that is a failure as well.
fn dropped(prerequisite: Prerequisite) -> Option<CauseKind> {
    let caught = panics::catch(|| drop(prerequisite));
    caught.err().map(|panicked| *panicked)
}

impl Supervisor {
    pub(super) fn poll_prerequisites(&mut self, cx: &mut Context<'_>) {
        let Some(rare) = self
            .rare
            .as_mut()
            .filter(|rare| !rare.prerequisites.is_empty())
        else {
            return;
        };
        let mut failed = Vec::new();
        rare.prerequisites.retain_mut(|prerequisite| {
            match panics::catch(|| prerequisite.as_mut().poll(cx)) {
                Ok(Poll::Pending) => return true,
                Ok(Poll::Ready(Ok(()))) => {}
                Ok(Poll::Ready(Err(error))) => failed.push(CauseKind::error(error)),
                Err(panicked) => failed.push(*panicked),
            }
            failed.extend(dropped(std::mem::replace(
                prerequisite,
                Box::pin(pending()),
            )));
            false
        });
        if !failed.is_empty() || self.machine.signal() >= Signal::Finish {
            failed.extend(rare.prerequisites.drain(..).filter_map(dropped));
        } else if rare.prerequisites.is_empty() {
            self.machine.begin();
        }
        for kind in failed {
            self.machine.fail_job(Cause::of_job(kind));
        }
    }

    /// The first signal of the process drains, the second cancels, a third is not for the job.
    pub(super) fn poll_signals(&mut self, cx: &mut Context<'_>) {
        while let Some(rare) = &mut self.rare
            && let Some(signals) = &mut rare.signals
        {
            let Poll::Ready(received) = signals.poll_signal(cx) else {
                return;
            };
            // Somebody else may have had the job drain; that was no signal.
            if received == 1 && self.machine.signal() < Signal::Cut {
                tracing::info!(job = %self.core.name, "signal received: draining; a second one cancels");
                self.machine.stop(Signal::Drain, None);
            } else {
                tracing::warn!(job = %self.core.name, "second signal received: cancelling; a third one ends the process");
                signals.give_back();
                let kind = CauseKind::cancelled(By::Signal, "interrupted twice");
                self.machine.stop(Signal::Cut, Some(Cause::of_job(kind)));
            }
        }
    }

    /// A token that is cancelled cancels the job.
    pub(super) fn poll_tokens(&mut self, cx: &mut Context<'_>) {
        let Some(rare) = &mut self.rare else { return };
        let is_cancelled = |token: &mut Cancelled| token.as_mut().poll(cx).is_ready();
        if rare.tokens.iter_mut().any(is_cancelled) {
            rare.tokens.clear();
            let kind = CauseKind::cancelled(By::Caller, "its token was cancelled");
            self.machine.stop(Signal::Cut, Some(Cause::of_job(kind)));
        }
    }

    /// What is left of the time that the job's parent has, if that is less.
    fn within(&self, time: Duration) -> Duration {
        let left = |end: Instant| end.saturating_duration_since(now());
        self.core.ends_by().map_or(time, |end| time.min(left(end)))
    }

    /// How long runs that were cut, and children, may take to end. A child job has half of what its parent gives it, so that it has some
    /// left for its finalizers however its own tasks and children behave.
    fn cut_time(&self) -> Duration {
        let own = self.core.finalizer_deadline().max(TURN);
        own.min(self.within(own.saturating_mul(2)) / 2)
    }

    /// Tells child jobs, before they are cut, how much time they have: one deadline for all levels, not a sum.
    pub(super) fn limit_children(&self, signal: Signal) {
        if signal >= Signal::Cut && self.machine.has_children() {
            self.core.end_children_by(later(now(), self.cut_time()));
        }
    }

    pub(super) fn arm(&mut self, deadline: Deadline) {
        let after = self.time_for(deadline);
        self.rare().rung_ends = after.map(|after| (deadline, later(now(), after)));
    }

    /// How long a rung of a stop lasts; `None` is for ever.
    fn time_for(&self, deadline: Deadline) -> Option<Duration> {
        let finalizers = self.core.finalizer_deadline();
        let deadlines = self.rare.as_ref().map(|rare| rare.deadlines);
        match deadline {
            Deadline::Drain => deadlines?.drain,
            Deadline::Grace => Some(deadlines.map_or(crate::job::GRACE, |given| given.grace)),
            Deadline::Cut => Some(self.cut_time()),
            Deadline::Abandon => Some(finalizers.clamp(TURN, ABANDON_TIME)),
            Deadline::Now => Some(Duration::ZERO),
            Deadline::Order => Some(self.within(finalizers) / 2),
            Deadline::Finalizers => Some(self.within(finalizers.saturating_sub(finalizers / 2))),
        }
    }

    /// Moves the end of the rung under way forward, if the parent has said since that it has less time.
    pub(super) fn hurry(&mut self) {
        let rung = self.rare.as_ref().and_then(|rare| rare.rung_ends);
        let (Some((deadline, at)), Some(_)) = (rung, self.core.ends_by()) else {
            return;
        };
        if let Some(time) = self.time_for(deadline) {
            self.rare().rung_ends = Some((deadline, at.min(later(now(), time))));
        }
    }

    pub(super) fn job_ends(&self) -> Option<(Instant, Duration)> {
        let rare = self.rare.as_ref()?;
        let is_stopping = self.machine.signal() >= Signal::Finish;
        rare.job_ends
            .filter(|_| !is_stopping)
            .zip(rare.deadlines.job)
    }

    /// Says whether something was due.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let mut passed = false;
        loop {
            let job_ends = self.job_ends();
            let Some(rare) = &mut self.rare else { break };
            let rung_ends = rare.rung_ends;
            let due = [job_ends.map(|(at, _)| at), rung_ends.map(|(_, at)| at)]
                .into_iter()
                .flatten()
                .min();
            let Some(due) = due else { break };
            let timer = rare.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            if poll_timer(timer, cx).is_pending() {
                break;
            }
            passed = true;
            let now = now();
            if let Some((deadline, _)) = rung_ends.filter(|(_, at)| *at <= now) {
                rare.rung_ends = None;
                // Who has come home by now is not late, though its mail alone is no reason to be called.
                if self.core.has_annex().is_some() {
                    self.handle_mail();
                }
                self.machine.passed(deadline);
            }
            if let Some((_, timeout)) = job_ends.filter(|(at, _)| *at <= now) {
                // Once: a job that is finalizing, having been done by itself, takes no notice.
                self.rare().job_ends = None;
                self.machine
                    .fail_job(Cause::of_job(CauseKind::Timeout(timeout)));
            }
        }
        passed
    }
}
