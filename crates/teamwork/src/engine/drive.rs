//! A task's driver: takes one task through init, run and finalize.

use std::future::Future;

use tokio::task::coop;
use tokio::time::Instant;

use super::{
    core::{Core, Mail, now},
    guard::{Clocks, Guard, Shield, Shielded, Watched},
    machine::{Ending, Exit, Fault, FinalizerFault, Signal, Tally},
    step::{Home, Step, yield_step},
};
use crate::{
    CauseKind, Context, Error, Flow, Result, Routine, Task,
    context::IDLE_PAUSE_MIN,
    task_handle::{Filler, Unfinished},
};

/// When a task starts, and what its output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// First and alone; its output becomes the job's value.
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

/// How the loop of `run` calls ended by itself.
enum End<T> {
    Done(T),
    FinishJob(T),
    Stopped,
}

/// Builds the driver of a task. `FINALIZES` is false for tasks that are known to have no finalizer: they need not come home for it.
///
/// The task and the context are captured, not passed as parameters, which would store them twice.
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
        let mut life = Life::new();
        let spawns = cx.core.spawns() && role == Role::Recurrent;
        let mut away = spawns && !cx.core.is_starting();

        let (mut exit, mut output) = (Exit::Done, None);
        let init = task.init(&cx);
        let mut stopwatch = Stopwatch::start(&init);
        match Guard::new(Routine::Init, &cx, init, away).await {
            Watched::Returned(Ok(())) => {}
            Watched::Returned(Err(error)) => exit = failed(Routine::Init, error),
            Watched::Ended(early) => exit = early,
        }
        stopwatch.stop(&mut life.tally.nanos[0]);

        if matches!(exit, Exit::Done) {
            if role == Role::Recurrent && cx.core.is_starting() {
                yield_step(Step::Inited).await;
                away = spawns;
            }
            exit = match cx.core.signal() {
                Signal::Finish => Exit::Stopped,
                Signal::Cut => Exit::Cut,
                Signal::Run | Signal::Drain => {
                    let clocks = extras.as_mut().and_then(|extras| extras.clocks.as_mut());
                    (exit, output) = run(&mut task, &cx, clocks, away, &mut life).await;
                    exit
                }
            };
        }

        if let (
            Some(Extras {
                sink: Some(Sink::Value(set)),
                ..
            }),
            Some(_),
        ) = (extras.as_deref(), &output)
        {
            output
                .take()
                .into_iter()
                .for_each(|value| set(&cx.core, value));
        }
        let alone = matches!(exit, Exit::Done)
            && role != Role::Oneshot
            && cx.core.signal() < Signal::Finish;
        let unfinished = Unfinished::from_exit(&exit);
        let mut told = None;
        // A handle's error names the cause, which the machine has to hear of first.
        let comes_home = FINALIZES || (extras.is_some() && matches!(exit, Exit::Failed(_)));
        if comes_home && !alone {
            let home = away.then(|| Home {
                core: cx.core.clone(),
                slot: cx.slot(),
            });
            yield_step(Step::Parked { exit, home }).await;
            away = false;
        } else {
            told = Some(exit);
        }

        let mut finalizer = None;
        if FINALIZES {
            let within = alone.then_some(cx.core.finalizer_deadline());
            let finalize = task.finalize(&cx);
            stopwatch.restart(&finalize);
            finalizer = finalizer_fault(Shield::new(finalize, within).await);
            stopwatch.stop(&mut life.tally.nanos[2]);
        }
        drop(task);
        if let Some(Sink::Handle(filler)) = extras.and_then(|extras| extras.sink) {
            filler.fill(output.ok_or(unfinished), cx.core.cause());
        }
        life.tally.ticks = cx.ticks();
        let ending = Ending {
            exit: told,
            finalizer,
            tally: life.tally,
        };
        if away {
            cx.core.post(Mail::Ended {
                slot: cx.slot(),
                ending,
            });
            return None;
        }
        Some(ending)
    }
}

/// Calls `run` until it ends, under guard.
fn run<'a, V, T>(
    task: &'a mut T,
    cx: &'a Context<V>,
    mut clocks: Option<&'a mut Clocks>,
    away: bool,
    life: &'a mut Life,
) -> impl Future<Output = (Exit, Option<T::Output>)> + Send + 'a
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    if let Some(clocks) = &mut clocks {
        clocks.start();
    }
    let guard = Guard::new(Routine::Run, cx, ticks(task, cx), away).clocked(clocks);
    async move {
        let mut stopwatch = Stopwatch { since: Some(now()) };
        let watched = guard.await;
        stopwatch.stop(&mut life.tally.nanos[1]);
        match watched {
            Watched::Returned(Ok(End::Done(value))) => (Exit::Done, Some(value)),
            Watched::Returned(Ok(End::FinishJob(value))) => (Exit::FinishJob, Some(value)),
            Watched::Returned(Ok(End::Stopped)) => (Exit::Stopped, None),
            Watched::Returned(Err(error)) => (failed(Routine::Run, error), None),
            Watched::Ended(exit) => (exit, None),
        }
    }
}

/// The loop of `run` calls.
fn ticks<'a, V, T>(
    task: &'a mut T,
    cx: &'a Context<V>,
) -> impl Future<Output = Result<End<T::Output>>> + Send + 'a
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    async move {
        let mut pause = IDLE_PAUSE_MIN;
        loop {
            match task.run(cx).await? {
                Flow::Tick => {
                    cx.ticked();
                    pause = IDLE_PAUSE_MIN;
                }
                Flow::Idle => cx.idle(&mut pause).await,
                Flow::Done(value) => return Ok(End::Done(value)),
                Flow::FinishJob(value) => return Ok(End::FinishJob(value)),
            }
            if cx.is_stopping() {
                return Ok(End::Stopped);
            }
            // Lets the neighbours have their turn, however often `run` is ready.
            coop::consume_budget().await;
        }
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

/// What a driver notes on its way.
struct Life {
    tally: Tally,
}

impl Life {
    fn new() -> Self {
        Self {
            tally: Tally::default(),
        }
    }
}

/// Measures a routine, unless its future holds nothing: such a future cannot even reach its task, so it is the default
/// one that does nothing, and a look at the clock would cost more than it.
struct Stopwatch {
    since: Option<Instant>,
}

impl Stopwatch {
    fn start<F>(future: &F) -> Self {
        Self {
            since: (size_of_val(future) > 1).then(now),
        }
    }

    fn restart<F>(&mut self, future: &F) {
        *self = Self::start(future);
    }

    fn stop(&mut self, nanos: &mut u64) {
        if let Some(since) = self.since.take() {
            *nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        }
    }
}
