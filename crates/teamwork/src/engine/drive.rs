//! A task's driver: takes one task through init, run and finalize.
//!
//! A driver is a boxed future, and there may be a hundred thousand of them: what it holds while its task waits is kept small.
//! That is why functions here return async blocks that capture their parameters (an `async fn` would store them twice), why
//! each phase is a future of its own (their locals then share the same memory), and why flags live in the context.

mod again;

use std::{future::Future, mem::needs_drop, sync::Arc};

use futures_util::future::Either;
use tokio::task::coop;

use self::again::{again, is_again};

use super::{
    clock::Stamp,
    core::{Core, Mail},
    guard::{Clocks, Early, Guard, Shield},
    machine::{After, Ending, Exit, Fault, Signal, Tally},
    nanos::Nanos,
    panics,
    step::{Left, Step, leave},
};
use crate::{
    Cause, CauseKind, Context, Error, Flow, Result, Routine, Task,
    task_handle::{Filler, Unfinished},
};

/// When a task starts, and what becomes of its output; known when the driver is built.
pub(crate) trait Place<O>: Send + 'static {
    const IS_ONESHOT: bool;

    /// Keeps the output if it is the job's value.
    fn keep(core: &Core, output: O) -> Option<O>;
}

/// First and alone; the output becomes the job's value.
pub(crate) struct First;

impl<O: Send + Sync + 'static> Place<O> for First {
    const IS_ONESHOT: bool = true;

    fn keep(core: &Core, output: O) -> Option<O> {
        core.set_value(Arc::new(output));
        None
    }
}

/// With the others: through the start gate while the job starts, at once when it is under way.
pub(crate) struct Among;

impl<O> Place<O> for Among {
    const IS_ONESHOT: bool = false;

    fn keep(_: &Core, output: O) -> Option<O> {
        Some(output)
    }
}

/// What only some tasks have.
pub(crate) struct Extras<O> {
    pub(crate) clocks: Option<Clocks>,
    /// Who waits for the output.
    pub(crate) filler: Option<Filler<O>>,
    /// A failure is only reported.
    pub(crate) is_optional: bool,
    /// The failure of an optional task: that of the job is another one, or none.
    pub(crate) own: Option<Arc<Cause>>,
}

/// A task with what belongs to it. Its phases borrow it as one: each reference that they keep takes room in the driver.
struct Life<V: ?Sized, T: Task<V>>
where
    V: Send + Sync + 'static,
{
    task: T,
    cx: Context<V>,
    extras: Option<Box<Extras<T::Output>>>,
}

/// How a task's life before its finalizer went.
struct Lived<O> {
    exit: Exit,
    output: Option<O>,
    /// The times in init and in run.
    nanos: [Nanos; 2],
}

impl<O> Lived<O> {
    fn early(exit: Exit, init: Nanos) -> Self {
        Self {
            exit,
            output: None,
            nanos: [init, Nanos::default()],
        }
    }

    /// The end of a run, just now or as a guard has noted it.
    ///
    /// Always inline: as a call, it would leave both times in memory, where they are read as one before they have arrived.
    #[inline(always)]
    fn through(exit: Exit, output: Option<O>, (init, since): (Nanos, Stamp)) -> Self {
        let until = match exit {
            Exit::Cut | Exit::Stopped => Stamp::latest(),
            _ => Stamp::now(),
        };
        Self {
            exit,
            output,
            nanos: [init, since.nanos_until(until).into()],
        }
    }
}

/// The end of a task: for the machine, and for its handle. Each time by itself: what is put together is copied at each step on the way,
/// and each copy waits for the pieces to be in memory.
struct Ended<O> {
    exit: Option<Exit>,
    after: Option<After>,
    init: Nanos,
    run: Nanos,
    finalize: Nanos,
    output: Result<O, Unfinished>,
}

/// Builds the driver of a task. `FINALIZES` is false for tasks that are known to have a run only: they need not be polled for an init, and
/// need not come home for a finalizer.
pub(crate) fn drive<V, T, P, const FINALIZES: bool>(
    task: T,
    cx: Context<V>,
    extras: Option<Box<Extras<T::Output>>>,
) -> impl Future<Output = Option<Ending>> + Send
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
    P: Place<T::Output>,
{
    let mut life = Life { task, cx, extras };
    async move {
        let Ended {
            mut exit,
            after,
            init,
            run,
            finalize,
            output,
        } = loop {
            let lived = live::<V, T, P, FINALIZES>(&mut life).await;
            if let Some(ended) = after::<V, T, P, FINALIZES>(&mut life, lived).await {
                break ended;
            }
        };
        let Life { task, cx, extras } = life;
        panics::discard(task);
        if let Some(extras) = &extras {
            exit = extras.own.as_ref().map(own_failure).or(exit);
        }
        hand_over(extras, output);
        cx.end();
        let tally = Tally {
            ticks: cx.ticks(),
            nanos: [init, run, finalize],
        };
        let ending = Ending { exit, after, tally };
        if cx.is_away() {
            cx.core.post(Mail::ended(cx.slot(), ending));
            return None;
        }
        Some(ending)
    }
}

/// Gives the output to whoever waits for it, or drops it. A panic in that drop is as late as one in the drop of the task.
fn hand_over<O>(extras: Option<Box<Extras<O>>>, output: Result<O, Unfinished>) {
    let hand_over = move || {
        if let Some(extras) = extras
            && let Some(filler) = extras.filler
        {
            filler.fill(output, extras.own.as_ref());
        }
    };
    if needs_drop::<O>() {
        let _ = panics::catch(hand_over);
    } else {
        hand_over();
    }
}

/// Init, the start gate, and `run` until it ends.
#[expect(
    clippy::manual_async_fn,
    reason = "the parameters of an async fn are stored twice"
)]
fn live<'a, V, T, P, const FINALIZES: bool>(
    life: &'a mut Life<V, T>,
) -> impl Future<Output = Lived<T::Output>> + Send + use<'a, V, T, P, FINALIZES>
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
    P: Place<T::Output>,
{
    async move {
        let cx = &life.cx;
        cx.set_away(!P::IS_ONESHOT && cx.core.spawns() && !cx.core.is_starting());
        // A task that was added to a running job can be too late. Of a further attempt it was decided on before.
        let is_at_gate = !FINALIZES && cx.is_at_gate();
        if !is_at_gate && stopped(cx).is_some() && !cx.is_again() {
            return Lived::early(Exit::NeverStarted, Nanos::default());
        }
        let mut init_nanos = Nanos::default();
        if FINALIZES {
            let init = Guard::new(&life.cx, None, || {
                life.cx.enter(Routine::Init, || life.task.init(&life.cx))
            });
            match inited(&life.cx, init.timed().await) {
                Ok(nanos) => init_nanos = nanos,
                Err(lived) => return lived,
            }
        }
        let mut let_go = None;
        if is_at_gate || !P::IS_ONESHOT && life.cx.core.is_starting() {
            if !is_at_gate {
                leave(Step::Inited).await;
            }
            let_go = let_through(&life.cx);
        }
        if let Some(exit) = stopped(&life.cx) {
            return Lived::early(exit, init_nanos);
        }
        let since = let_go.unwrap_or_else(Stamp::latest);
        if let Some(clocks) = clocks_of(&mut life.extras) {
            clocks.start();
        }
        let mut idled = 0;
        let (exit, output) = loop {
            let is_idle = match Guard::new(&life.cx, clocks_of(&mut life.extras), || {
                life.task.run(&life.cx)
            })
            .await
            {
                Ok(Ok(Flow::Tick)) => false,
                Ok(Ok(Flow::Idle)) => true,
                Ok(Ok(Flow::Done(value))) => break (Exit::Done, Some(value)),
                Ok(Ok(Flow::FinishJob(value))) => break (Exit::FinishJob, Some(value)),
                Ok(Err(error)) => break (failed(Routine::Run, error), None),
                Err(early) => break (early.exit(Routine::Run), None),
            };
            if is_idle {
                let pause = || life.cx.idle(&mut idled);
                if let Err(early) = Guard::new(&life.cx, clocks_of(&mut life.extras), pause).await {
                    break (early.exit(Routine::Run), None);
                }
            } else {
                life.cx.ticked();
                idled = 0;
            }
            // Lets the neighbours have their turn, and the clocks theirs, however often `run` is ready.
            match clocks_of(&mut life.extras) {
                None => coop::consume_budget().await,
                clocks => {
                    if let Err(early) = Guard::new(&life.cx, clocks, coop::consume_budget).await {
                        break (early.exit(Routine::Run), None);
                    }
                }
            }
            // After that turn: a stop that has come with it is the end, not one more call.
            if let Some(exit) = stopped(&life.cx) {
                Stamp::now();
                break (exit, None);
            }
        };
        Lived::through(exit, output, (init_nanos, since))
    }
}

/// Past the start gate: where the driver is, and when all those who are away were let through.
fn let_through<V: ?Sized>(cx: &Context<V>) -> Option<Stamp> {
    // When the start fails, it goes on where it is: to its finalizer.
    cx.set_away(cx.core.spawns() && cx.core.has_shipped());
    cx.core.opened_at()
}

/// What came of `init`: the time it took, or how the task ended there.
///
/// A match on it across an await point would keep all of it in the driver.
fn inited<V: ?Sized, O>(
    cx: &Context<V>,
    (called, nanos): (Result<Result<()>, Early>, u64),
) -> Result<Nanos, Lived<O>> {
    let nanos = nanos.into();
    cx.leave_routine();
    match called {
        Ok(Ok(())) => Ok(nanos),
        Ok(Err(error)) => Err(Lived::early(failed(Routine::Init, error), nanos)),
        Err(early) => Err(Lived::early(early.exit(Routine::Init), nanos)),
    }
}

/// What follows a run: the end of the task, or `None` for another attempt.
fn after<'a, V, T, P, const FINALIZES: bool>(
    life: &'a mut Life<V, T>,
    lived: Lived<T::Output>,
) -> impl Future<Output = Option<Ended<T::Output>>> + Send + use<'a, V, T, P, FINALIZES>
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
    P: Place<T::Output>,
{
    // Two futures in the room of the larger: an async block would keep what it decides on beside them.
    match is_again(life, lived) {
        Ok(failed) => Either::Left(again(life, failed)),
        Err(lived) => Either::Right(close::<V, T, P, FINALIZES>(life, lived)),
    }
}

/// From the end of the run to the end of the finalizer; gives the output, or why there is none.
fn close<'a, V, T, P, const FINALIZES: bool>(
    life: &'a mut Life<V, T>,
    lived: Lived<T::Output>,
) -> impl Future<Output = Option<Ended<T::Output>>> + Send + use<'a, V, T, P, FINALIZES>
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
    P: Place<T::Output>,
{
    let Lived {
        exit,
        output,
        nanos: [init, run],
    } = lived;
    let unfinished = Unfinished::from_exit(&exit);
    let output = output
        .and_then(|output| P::keep(&life.cx.core, output))
        .ok_or(unfinished);
    let finalizes = FINALIZES && !matches!(exit, Exit::NeverStarted);
    let is_alone = life.cx.core.signal() < Signal::Finish && !P::IS_ONESHOT;
    let is_free = is_alone && (matches!(exit, Exit::Done) || fails_alone(&exit, life));
    // The machine has to hear of a failure first: a handle's error names the job's cause.
    let parks = !is_free && (finalizes || matches!(exit, Exit::Failed(_)));
    // The step is left here, because the exit would take room in the future; that is polled at once.
    let (parked, plain) = if parks {
        (Some(park(&life.cx, exit)), None)
    } else {
        (None, exit.plain())
    };
    async move {
        if let Some(parked) = parked {
            parked.await;
            life.cx.set_away(false);
        }
        let (after, finalize) = if finalizes {
            let context = is_free.then_some(&life.cx);
            let finalize = Shield::new(context, || {
                life.cx
                    .enter(Routine::Finalize, || life.task.finalize(&life.cx))
            });
            finalize.timed().await
        } else {
            (None, 0)
        };
        Some(Ended {
            exit: plain.map(Exit::from),
            after,
            init,
            run,
            finalize: finalize.into(),
            output,
        })
    }
}

/// Has the machine hear how a run has ended; it says when to go on.
fn park<V: ?Sized>(cx: &Context<V>, exit: Exit) -> Left {
    let home = cx.is_away().then(|| (cx.core.clone(), cx.slot()));
    leave(Step::Parked { exit, home })
}

/// Whether this is the failure of an optional task; keeps it for the task's handle.
fn fails_alone<V, T>(exit: &Exit, life: &mut Life<V, T>) -> bool
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    let (Exit::Failed(fault), Some(extras)) = (exit, &mut life.extras) else {
        return false;
    };
    if extras.is_optional {
        extras.own = Some(Arc::new(Cause {
            task: Some(life.cx.task_name()),
            routine: Some(fault.routine),
            kind: fault.kind.clone(),
        }));
    }
    extras.is_optional
}

/// The failure that [`fails_alone`] kept, for the machine.
fn own_failure(own: &Arc<Cause>) -> Exit {
    Exit::Failed(Box::new(Fault {
        routine: own.routine.unwrap_or(Routine::Run),
        kind: own.kind.clone(),
    }))
}

/// How a task ends that is between two calls while the job stops.
#[inline]
fn stopped<V: ?Sized>(cx: &Context<V>) -> Option<Exit> {
    match cx.core.signal() {
        Signal::Run | Signal::Drain => None,
        Signal::Finish => Some(Exit::Stopped),
        Signal::Cut | Signal::Abandon => Some(Exit::Cut),
    }
}

fn clocks_of<O>(extras: &mut Option<Box<Extras<O>>>) -> Option<&mut Clocks> {
    extras.as_mut().and_then(|extras| extras.clocks.as_mut())
}

fn failed(routine: Routine, error: Error) -> Exit {
    Exit::Failed(Box::new(Fault {
        routine,
        kind: CauseKind::error(error),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoValue, name::Name};

    struct Empty;

    impl Task for Empty {
        type Output = ();

        async fn run(&mut self, _: &Context) -> Result<Flow> {
            Ok(Flow::Done(()))
        }

        async fn finalize(&mut self, _: &Context) -> Result {
            Ok(())
        }
    }

    #[test]
    fn the_driver_of_an_empty_task_takes_at_most_160_bytes() {
        let name = Name::Static("empty");
        let core = Arc::new(Core::new(name.clone(), std::time::Duration::MAX));
        let driver = drive::<NoValue, _, Among, true>(Empty, Context::new(core, name, 0), None);
        assert!(size_of_val(&driver) <= 160, "{}", size_of_val(&driver));
    }
}
