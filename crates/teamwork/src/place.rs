//! A place in a running job, for one task that is yet to come.

use std::{borrow::Cow, fmt, future::Future, marker::PhantomData, sync::Arc};

use crate::{
    Context, Flow, Job, NoValue, Refused, Result, Task, TaskHandle, TaskOptions,
    added::extras,
    engine::{
        Driver, Home, Kind,
        core::Core,
        drive::{Among, drive},
        nest::drive_job,
    },
    name::Name,
    task::{Anything, Once, OnceFn, Recurrent, StepFn},
    task_handle::Filler,
};

/// A place in a running job, for one task; see [`JobHandle::place`](crate::JobHandle::place).
///
/// The job counts it as a task, so it is there when the task is. Dropped, it is free for another one.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// # use teamwork::{Context, Job, TaskOptions};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// // "feed" is a task as well: four workers and itself.
/// let mut job = Job::new("pool").max_tasks(5);
/// job.add_fn("feed", async |cx: &Context| {
///     for number in 0..20 {
///         let Some(place) = cx.job().place().await else {
///             break; // The job accepts no more tasks.
///         };
///         let one_minute = TaskOptions::new().timeout(Duration::from_secs(60));
///         place.options(one_minute).add_fn("worker", async move |_: &Context| {
///             tokio::time::sleep(Duration::from_millis(number)).await;
///             Ok(())
///         })?;
///     }
///     Ok(())
/// });
/// let report = job.run().await?;
/// assert_eq!(report.come_and_gone(), 20);
/// # Ok::<(), teamwork::Error>(()) }).unwrap();
/// ```
#[must_use = "dropped, it is free for another task"]
pub struct Place<V: ?Sized = NoValue> {
    core: Arc<Core>,
    options: TaskOptions,
    is_used: bool,
    value: PhantomData<fn() -> Box<V>>,
}

impl<V: ?Sized> Place<V> {
    /// Of a place that was taken.
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            options: TaskOptions::new(),
            is_used: false,
            value: PhantomData,
        }
    }

    /// Sets the options of the task. For a job they count for nothing: it has its own, such as [`timeout`](Job::timeout) and
    /// [`isolated`](Job::isolated).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job, OnIdle, TaskOptions};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("accept", async |cx: &Context| {
    ///     let session = TaskOptions::new().idle_timeout(Duration::from_secs(8)).on_idle(OnIdle::FinishTask);
    ///     if let Some(place) = cx.job().place().await {
    ///         place.options(session).add_fn("session", async |cx: &Context| {
    ///             cx.wait(std::future::pending::<()>()).await; // The peer is silent.
    ///             Ok(())
    ///         })?;
    ///     }
    ///     Ok(())
    /// });
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn options(mut self, options: TaskOptions) -> Self {
        self.options = options;
        self
    }
}

/// Adding the task.
impl<V: ?Sized + Send + Sync + 'static> Place<V> {
    /// Adds a task; see [`JobHandle::add_task`](crate::JobHandle::add_task).
    ///
    /// # Errors
    ///
    /// [`Refused`], with the task given back, if the job has been closing since.
    pub fn add_task<T: Task<V>>(
        self,
        name: impl Into<Cow<'static, str>>,
        task: T,
    ) -> Result<TaskHandle<T::Output>, Refused<T>> {
        self.add::<T, true>(name.into(), task)
    }

    /// Adds a state and an async closure that is called with it again and again; see [`Job::add_recurrent`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task).
    pub fn add_recurrent<S, F, O>(
        self,
        name: impl Into<Cow<'static, str>>,
        state: S,
        call: F,
    ) -> Result<TaskHandle<O>, Refused<Recurrent<S, F, O>>>
    where
        S: Send + 'static,
        O: Send + 'static,
        F: for<'a> StepFn<&'a mut S, &'a Context<V>, Returned = Result<Flow<O>>>,
    {
        self.add::<_, false>(name.into(), Recurrent::new(state, call))
    }

    /// Adds an async closure that runs once, to completion; see [`Job::add_fn`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task).
    pub fn add_fn<F, O>(
        self,
        name: impl Into<Cow<'static, str>>,
        call: F,
    ) -> Result<TaskHandle<O>, Refused<Once<F, O>>>
    where
        O: Send + 'static,
        F: for<'a> OnceFn<V, &'a Context<V>, Returned = Result<O>>,
    {
        self.add::<_, false>(name.into(), Once::new(call))
    }

    /// Adds a future as a task; see [`Job::add_future`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task).
    pub fn add_future<O: Send + 'static>(
        self,
        name: impl Into<Cow<'static, str>>,
        future: impl Future<Output = Result<O>> + Send + 'static,
    ) -> Result<TaskHandle<O>, Refused<Anything<O>>> {
        self.add::<_, false>(name.into(), Anything::new(future))
    }

    /// Adds a job as a task; see [`Job::add_job`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task).
    #[expect(
        clippy::result_large_err,
        reason = "a refused job is given back whole, and refusals are rare"
    )]
    pub fn add_job<W: ?Sized>(mut self, child: Job<W>) -> Result<(), Refused<Job<W>>> {
        self.is_used = true;
        let name = child.task_name();
        let make = child_driver::<W>(&self.core);
        let added = self.core.add_placed(name, child, make);
        added.map_err(|(task, why)| Refused { task, why })
    }

    fn add<T: Task<V>, const FINALIZES: bool>(
        mut self,
        name: Cow<'static, str>,
        task: T,
    ) -> Result<TaskHandle<T::Output>, Refused<T>> {
        self.is_used = true;
        let name = Name::from(name);
        let filler = Filler::new(&self.core);
        let handle = filler.handle();
        let make = task_driver::<V, T, FINALIZES>(&self.core, &name, (self.options, filler));
        match self.core.add_placed(name.clone(), task, make) {
            Ok(()) => Ok(handle),
            Err((task, why)) => Err(Refused { task, why }),
        }
    }
}

impl<V: ?Sized> Drop for Place<V> {
    fn drop(&mut self) {
        if !self.is_used {
            self.core.ended_one();
        }
    }
}

impl<V: ?Sized> fmt::Debug for Place<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("job", &self.core.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What makes the driver of a task that is to be added, once it has a slot.
pub(crate) fn task_driver<'a, V, T, const FINALIZES: bool>(
    core: &'a Arc<Core>,
    name: &'a Name,
    (options, filler): (TaskOptions, Filler<T::Output>),
) -> impl FnOnce(T, u32) -> (Driver, Kind) + use<'a, V, T, FINALIZES>
where
    V: ?Sized + Send + Sync + 'static,
    T: Task<V>,
{
    move |task, slot| {
        let cx = Context::new(core.clone(), name.clone(), slot);
        let extras = extras(options, Some(filler));
        let driver: Driver = Box::pin(drive::<V, T, Among, FINALIZES>(task, cx, extras));
        (driver, options.kind())
    }
}

/// What makes the driver of a child job that is to be added, once it has a slot.
pub(crate) fn child_driver<W: ?Sized>(
    core: &Arc<Core>,
) -> impl FnOnce(Job<W>, u32) -> (Driver, Kind) + use<'_, W> {
    move |child: Job<W>, slot| {
        let core = core.clone();
        let child = child.into_supervisor();
        let kind = child.kind();
        let driver: Driver = Box::pin(drive_job(child, Home::new(core, slot)));
        (driver, kind)
    }
}
