//! Adding tasks by a handle, while the job runs.

use std::{borrow::Cow, future::Future};

use super::JobHandle;
use crate::{
    Context, Flow, Job, Refused, Result, Task, TaskHandle, TaskOptions,
    name::Name,
    place::{child_driver, task_driver},
    task::{Anything, Once, OnceFn, Recurrent, StepFn},
    task_handle::Filler,
};

/// Adding tasks to a running job. For options, and to wait for room, there is [`place`](Self::place).
impl<V: ?Sized + Send + Sync + 'static> JobHandle<V> {
    /// Adds a task to the job. It starts at once if the job is running, in its turn if the job is starting.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the task given back, once the job is closing or while it is full.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Job, Result, Task};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// struct Session(u32);
    ///
    /// impl Task for Session {
    ///     type Output = u32;
    ///
    ///     async fn run(&mut self, _: &Context) -> Result<Flow<u32>> {
    ///         Ok(Flow::Done(self.0 * 2))
    ///     }
    /// }
    ///
    /// let mut server = Job::new("server");
    /// server.add_fn("accept", async |cx: &Context| {
    ///     let session = cx.job().add_task("session", Session(21))?;
    ///     assert_eq!(session.await?, 42); // Or drop the handle: the task goes on.
    ///     Ok(())
    /// });
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn add_task<T: Task<V>>(
        &self,
        name: impl Into<Cow<'static, str>>,
        task: T,
    ) -> Result<TaskHandle<T::Output>, Refused<T>> {
        self.add::<T, true>(name.into(), task)
    }

    /// Adds a state and an async closure that is called with it again and again; see [`Job::add_recurrent`].
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task); both are given back inside a [`Recurrent`].
    pub fn add_recurrent<S, F, O>(
        &self,
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
    /// As [`add_task`](Self::add_task); the closure is given back inside a [`Once`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("accept", async |cx: &Context| {
    ///     for peer in ["ann", "bob"] {
    ///         cx.job().add_fn(peer, async move |_: &Context| {
    ///             println!("hello, {peer}");
    ///             Ok(())
    ///         })?;
    ///     }
    ///     Ok(())
    /// });
    /// server.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "spawn")]
    pub fn add_fn<F, O>(
        &self,
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
    /// As [`add_task`](Self::add_task); the future is given back inside an [`Anything`].
    #[doc(alias = "spawn")]
    pub fn add_future<O: Send + 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: impl Future<Output = Result<O>> + Send + 'static,
    ) -> Result<TaskHandle<O>, Refused<Anything<O>>> {
        self.add::<_, false>(name.into(), Anything::new(future))
    }

    /// Adds a job as a task; see [`Job::add_job`]. This is how a server gives each connection a job of its own.
    ///
    /// # Errors
    ///
    /// As [`add_task`](Self::add_task). A job cannot be part of the error of a task, so `?` wants to have [`why`](Refused::why) only.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut server = Job::new("server");
    /// server.add_fn("accept", async |cx: &Context| {
    ///     for _ in 0..3 {
    ///         let mut connection = Job::new("connection").inline().isolated();
    ///         connection.add_fn("serve", async |_: &Context| Ok(()));
    ///         cx.job().add_job(connection).map_err(|refused| refused.why)?;
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(server.run().await?.come_and_gone(), 3);
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[expect(
        clippy::result_large_err,
        reason = "a refused job is given back whole, and refusals are rare"
    )]
    pub fn add_job<W: ?Sized>(&self, child: Job<W>) -> Result<(), Refused<Job<W>>> {
        let name = child.task_name();
        let make = child_driver::<W>(&self.core);
        let added = self.core.add(name, child, make);
        added.map_err(|(task, why)| Refused { task, why })
    }

    fn add<T: Task<V>, const FINALIZES: bool>(
        &self,
        name: Cow<'static, str>,
        task: T,
    ) -> Result<TaskHandle<T::Output>, Refused<T>> {
        let name = Name::from(name);
        let filler = Filler::new(&self.core);
        let handle = filler.handle();
        let options = TaskOptions::new();
        let make = task_driver::<V, T, FINALIZES>(&self.core, &name, (options, filler));
        match self.core.add(name.clone(), task, make) {
            Ok(()) => Ok(handle),
            Err((task, why)) => Err(Refused { task, why }),
        }
    }
}
