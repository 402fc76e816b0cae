//! Between two attempts of a task that is started over after a failure.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::sleep;

use super::{Ended, Life, Lived, fails_alone, park, stopped};
use crate::{
    Routine, Task,
    engine::{
        guard::{Guard, Shield},
        machine::{Exit, Fault},
        nanos::Nanos,
        panics,
    },
    task_handle::Unfinished,
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a task that has failed is to start over: after which pause, and what has happened. Otherwise gives back how it went; by
/// value, so that it takes no room in the driver.
pub(super) fn is_again<V, T>(
    life: &mut Life<V, T>,
    lived: Lived<T::Output>,
) -> Result<(Duration, Box<Fault>), Lived<T::Output>>
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    if stopped(&life.cx).is_some() {
        return Err(lived);
    }
    let Exit::Failed(fault) = lived.exit else {
        return Err(lived);
    };
    let Ok(Some(pause)) = panics::catch(|| life.task.restart(&fault.kind)) else {
        let exit = Exit::Failed(fault);
        return Err(Lived { exit, ..lived });
    };
    tracing::warn!(job = %life.cx.core.name, task = life.cx.name(), error = %fault.kind, ?pause, "failed; starting again");
    Ok((pause, fault))
}

/// Between two attempts: finalizes the one that has failed, then pauses. Gives the end of the task if there is none after that.
pub(super) fn again<'a, V, T>(
    life: &'a mut Life<V, T>,
    (pause, fault): (Duration, Box<Fault>),
) -> Boxed<'a, Option<Ended<T::Output>>>
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    // Boxed, because what is rare should take no room in every driver.
    Box::pin(async move {
        let finalize = Shield::new(Some(&life.cx), || {
            life.cx
                .enter(Routine::Finalize, || life.task.finalize(&life.cx))
        });
        let (finalizer, nanos) = finalize.timed().await;
        life.cx.leave_routine();
        let (exit, unfinished) = if finalizer.is_some() {
            let exit = Exit::Failed(fault);
            if !fails_alone(&exit, life) {
                // The machine has to hear of it first: a handle's error names the job's cause.
                park(&life.cx, exit).await;
                life.cx.set_away(false);
            }
            (None, Unfinished::Failed)
        } else {
            panics::discard(fault);
            let paused = Guard::new(&life.cx, None, || life.cx.wait(sleep(pause))).await;
            let early = paused.err().map(|early| early.exit(Routine::Run));
            // From here on there is another attempt, whatever has happened before it begins.
            life.cx.set_again();
            let exit = early.or_else(|| stopped(&life.cx))?;
            let unfinished = Unfinished::from_exit(&exit);
            (Some(exit), unfinished)
        };
        Some(Ended {
            exit,
            after: finalizer,
            init: Nanos::default(),
            run: Nanos::default(),
            finalize: nanos.into(),
            output: Err(unfinished),
        })
    })
}
