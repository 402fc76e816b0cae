//! A task's driver: takes one task through init, run and finalize.
//!
//! A driver is a boxed future, and there may be a hundred thousand of them: what it holds while its task waits is kept small.
//! That is why it captures its parts instead of taking them as parameters (which would store them twice), why the loop of
//! `run` calls is here and not in a function, and why flags live in the context.

use std::future::Future;

use tokio::task::coop;

use super::{
    clock::Stamp,
    core::{Core, Mail},
    guard::{Clocks, Guard, Shield, Shielded},
    machine::{Ending, Exit, Fault, FinalizerFault, Signal, Tally},
    step::{Home, Step, leave},
};
use crate::{
    CauseKind, Context, Error, Flow, Result, Routine, Task,
    context::IDLE_PAUSE_MIN,
    task_handle::{Filler, Unfinished},
};

/// When a task starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// First and alone.
    Oneshot,
    /// With the others: through the start gate while the job starts, at once when it is under way.
    Recurrent,
}

/// What only some tasks have.
pub(crate) struct Extras<O> {
    pub(crate) clocks: Option<Clocks>,
    pub(crate) sink: Option<Sink<O>>,
}

/// Who gets a task's output.
pub(crate) enum Sink<O> {
    Handle(Filler<O>),
    /// The job: this is how a oneshot's output becomes its value.
    Value(fn(&Core, O)),
}

/// How the run ended, with the output if there is one.
type Ran<O> = (Exit, Option<O>);

/// Builds the driver of a task. `FINALIZES` is false for tasks that are known to have no finalizer: they need not come home for it.
#[expect(
    clippy::manual_async_fn,
    reason = "parameters of an async fn are stored twice"
)]
#[expect(
    clippy::too_many_lines,
    reason = "the life of a task is told in one place; each part of it is a few lines"
)]
pub(crate) fn drive<V, T, const FINALIZES: bool>(
    mut task: T,
    cx: Context<V>,
    role: Role,
    mut extras: Option<Box<Extras<T::Output>>>,
) -> impl Future<Output = Option<Ending>> + Send
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    async move {
        let is_alone = role == Role::Oneshot || !cx.core.spawns();
        cx.set_away(!is_alone && !cx.core.is_starting());

        let mut nanos = [0; 2];
        let (exit, output): Ran<T::Output> = 'life: {
            let since = {
                let init = task.init(&cx);
                let since = stamp_for(&init);
                match Guard::new(&cx, None, init).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => break 'life (failed(Routine::Init, error), None),
                    Err(early) => break 'life (early.exit(Routine::Init), None),
                }
                since
            };
            let mut since = lap(since, &mut nanos[0]);
            if role == Role::Recurrent && cx.core.is_starting() {
                leave(Step::Inited).await;
                cx.set_away(!is_alone);
                since = None;
            }
            match cx.core.signal() {
                Signal::Run | Signal::Drain => {}
                Signal::Finish => break 'life (Exit::Stopped, None),
                Signal::Cut => break 'life (Exit::Cut, None),
            }
            let since = since.unwrap_or_else(Stamp::now);
            if let Some(clocks) = clocks_of(&mut extras) {
                clocks.start();
            }
            let mut pause = IDLE_PAUSE_MIN;
            let ran = loop {
                match Guard::new(&cx, clocks_of(&mut extras), task.run(&cx)).await {
                    Ok(Ok(Flow::Tick)) => {
                        cx.ticked();
                        pause = IDLE_PAUSE_MIN;
                    }
                    Ok(Ok(Flow::Idle)) => {
                        if let Err(early) =
                            Guard::new(&cx, clocks_of(&mut extras), cx.idle(&mut pause)).await
                        {
                            break (early.exit(Routine::Run), None);
                        }
                    }
                    Ok(Ok(Flow::Done(value))) => break (Exit::Done, Some(value)),
                    Ok(Ok(Flow::FinishJob(value))) => break (Exit::FinishJob, Some(value)),
                    Ok(Err(error)) => break (failed(Routine::Run, error), None),
                    Err(early) => break (early.exit(Routine::Run), None),
                }
                match cx.core.signal() {
                    Signal::Run | Signal::Drain => {}
                    Signal::Finish => break (Exit::Stopped, None),
                    Signal::Cut => break (Exit::Cut, None),
                }
                // Lets the neighbours have their turn, however often `run` is ready.
                coop::consume_budget().await;
            };
            nanos[1] = since.nanos_until(Stamp::now());
            ran
        };

        let output = keep(&cx.core, &extras, output);
        let is_free = matches!(exit, Exit::Done)
            && role != Role::Oneshot
            && cx.core.signal() < Signal::Finish;
        let unfinished = Unfinished::from_exit(&exit);
        // A handle's error names the cause, which the machine has to hear of first.
        let comes_home = FINALIZES || (extras.is_some() && matches!(exit, Exit::Failed(_)));
        let mut told = None;
        if comes_home && !is_free {
            let home = cx.is_away().then(|| Home {
                core: cx.core.clone(),
                slot: cx.slot(),
            });
            leave(Step::Parked { exit, home }).await;
            cx.set_away(false);
        } else {
            told = Some(exit);
        }

        let (mut finalizer, mut finalize_nanos) = (None, 0);
        if FINALIZES {
            let finalize = task.finalize(&cx);
            let since = stamp_for(&finalize);
            finalizer = finalizer_fault(Shield::new(is_free.then_some(&cx), finalize).await);
            lap(since, &mut finalize_nanos);
        }
        // A panic in the drop of a task that has ended is too late to be anyone's failure; it has been printed.
        let _ = super::panics::catch(|| drop(task));
        if let Some(Sink::Handle(filler)) = extras.and_then(|extras| extras.sink) {
            filler.fill(output.ok_or(unfinished), cx.core.cause());
        }
        cx.end();
        let tally = Tally {
            ticks: cx.ticks(),
            nanos: [nanos[0], nanos[1], finalize_nanos],
        };
        let ending = Ending {
            exit: told,
            finalizer,
            tally,
        };
        if cx.is_away() {
            cx.core.post(Mail::Ended {
                slot: cx.slot(),
                ending,
            });
            return None;
        }
        Some(ending)
    }
}

fn clocks_of<O>(extras: &mut Option<Box<Extras<O>>>) -> Option<&mut Clocks> {
    extras.as_mut().and_then(|extras| extras.clocks.as_mut())
}

/// Makes a oneshot's output the value of its job.
fn keep<O>(core: &Core, extras: &Option<Box<Extras<O>>>, output: Option<O>) -> Option<O> {
    match (extras.as_deref(), output) {
        (
            Some(Extras {
                sink: Some(Sink::Value(set)),
                ..
            }),
            Some(value),
        ) => {
            set(core, value);
            None
        }
        (_, output) => output,
    }
}

fn failed(routine: Routine, error: Error) -> Exit {
    Exit::Failed(Box::new(Fault {
        routine,
        kind: CauseKind::error(error),
    }))
}

fn finalizer_fault(shielded: Shielded<Result>) -> Option<FinalizerFault> {
    let fault = |kind| {
        Box::new(Fault {
            routine: Routine::Finalize,
            kind,
        })
    };
    match shielded {
        Shielded::Returned(Ok(())) => None,
        Shielded::Returned(Err(error)) => {
            Some(FinalizerFault::Failed(fault(CauseKind::error(error))))
        }
        Shielded::Panicked(kind) => Some(FinalizerFault::Failed(fault(kind))),
        Shielded::TimedOut(kind) => Some(FinalizerFault::TimedOut(fault(kind))),
    }
}

/// The time before a routine; none if its future holds nothing. Such a future cannot even reach its task, so it is the default
/// routine that does nothing, and a look at the clock would cost more than it.
#[inline]
fn stamp_for<F>(future: &F) -> Option<Stamp> {
    (size_of_val(future) > 1).then(Stamp::now)
}

/// Notes how long a routine took, and gives the time at its end.
#[inline]
fn lap(since: Option<Stamp>, nanos: &mut u64) -> Option<Stamp> {
    let (since, now) = (since?, Stamp::now());
    *nanos = since.nanos_until(now);
    Some(now)
}
