//! Between two attempts of a task that is started over after a failure.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::sleep;

use super::{Ended, Life, Lived, finalizer_fault, stopped};
use crate::{
    Routine, Task,
    engine::{
        guard::{Guard, Shield},
        machine::{Ending, Exit, Fault, Tally},
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
        let Life { task, cx, .. } = life;
        let cx = &*cx;
        let (shielded, nanos) = Shield::new(Some(cx), || task.finalize(cx)).timed().await;
        let finalizer = finalizer_fault(shielded);
        let exit = if finalizer.is_some() {
            Exit::Failed(fault)
        } else {
            let paused = Guard::new(cx, None, || cx.wait(sleep(pause))).await;
            match paused
                .err()
                .map(|early| early.exit(Routine::Run))
                .or_else(|| stopped(cx))
            {
                Some(exit) => exit,
                None => return None,
            }
        };
        let unfinished = Unfinished::from_exit(&exit);
        let tally = Tally {
            ticks: 0,
            nanos: [0, 0, nanos],
        };
        let ending = Ending {
            exit: Some(exit),
            finalizer,
            tally,
        };
        Some((ending, Err(unfinished)))
    })
}
