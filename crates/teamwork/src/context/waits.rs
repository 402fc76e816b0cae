//! How a routine waits: where it may be stopped, for a drain, while it is idle.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Poll},
};

use pin_project_lite::pin_project;
use tokio::sync::Notify;

use super::{Context, TOUCHED, WOKEN};

/// Waiting.
impl<V: ?Sized> Context<V> {
    /// Waits for a future at a safe point: if the job is to finish, the task stops right here.
    ///
    /// A stop needs no code in the task: this call does not return then, the `run` future is dropped instead, and
    /// [`finalize`](crate::Task::finalize) follows. Use it for the wait that begins a piece of work (the next request, the next
    /// chunk) and plain `.await` for what belongs to the piece. While it waits, the *whole* `run` call counts as being at a safe
    /// point: do not run it beside work that must not be torn.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the future it is given.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job};
    /// # use tokio::sync::mpsc;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (sender, mut receiver) = mpsc::channel::<&str>(8);
    /// let mut job = Job::new("mail");
    /// job.add_fn("deliver", async move |cx: &Context| {
    ///     while let Some(letter) = cx.wait(receiver.recv()).await { // Nothing is begun: it may end here.
    ///         tokio::time::sleep(Duration::from_millis(5)).await; // A letter is on its way: a finish waits.
    ///         println!("delivered: {letter}");
    ///     }
    ///     Ok(())
    /// });
    /// let handle = job.run_in_background().await?;
    /// sender.send("a letter").await?;
    /// handle.finish();
    /// handle.await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "select", alias = "cancelled")]
    pub fn wait<F: Future>(&self, future: F) -> Wait<'_, F> {
        Wait {
            future,
            is_waiting: &self.is_waiting,
        }
    }

    /// Waits for a future at a safe point, or gives `None` once the job drains, finishes or is cancelled.
    ///
    /// This is how an accept loop learns that it is time to end:
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Result, Task};
    /// # struct Accept(tokio::sync::mpsc::Receiver<u32>);
    /// # impl Task for Accept {
    /// #     type Output = ();
    /// async fn run(&mut self, cx: &Context) -> Result<Flow> {
    ///     let Some(next) = cx.unless_draining(self.0.recv()).await else {
    ///         return Ok(Flow::Done(()));
    ///     };
    ///     // … add a task for it …
    /// #   let _ = next;
    ///     Ok(Flow::Tick)
    /// }
    /// # }
    /// ```
    ///
    /// Like [`drained`](Self::drained), it does not belong inside a `FuturesUnordered`.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the future it is given.
    #[doc(alias = "cancelled", alias = "run_until_cancelled")]
    pub async fn unless_draining<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut wait = std::pin::pin!(self.wait(future));
        std::future::poll_fn(|cx| {
            if self.is_draining() {
                return Poll::Ready(None);
            }
            wait.as_mut().poll(cx).map(Some)
        })
        .await
    }

    /// Waits until the job drains, finishes or is cancelled; not a safe point.
    ///
    /// For a task that has something to do about a drain while it goes on with its work: close idle connections, say good-bye.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe. Every task is polled when the signal rises, so a signal is never missed; but what polls its parts only when they are
    /// woken, such as `FuturesUnordered`, does not pass that on. Put this beside such a thing, not into it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("chat");
    /// job.add_fn("say good-bye", async |cx: &Context| {
    ///     cx.drained().await;
    ///     println!("the server closes soon"); // Those who are connected go on until they are done.
    ///     Ok(())
    /// });
    /// job.handle().drain();
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub async fn drained(&self) {
        std::future::poll_fn(|_| {
            if self.is_draining() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Sets the idle clock back, as a tick does: for a `run` call that makes progress without returning.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use teamwork::{Context, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("copy");
    /// job.add_fn("copy", async |cx: &Context| {
    ///     for _block in 0..100 {
    ///         tokio::time::sleep(Duration::from_secs(1)).await; // … copy it …
    ///         cx.touch(); // This one call lasts for a hundred seconds, and is never idle for ten.
    ///     }
    ///     Ok(())
    /// }).idle_timeout(Duration::from_secs(10));
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "heartbeat")]
    pub fn touch(&self) {
        self.bits.fetch_or(TOUCHED, Ordering::Relaxed);
    }

    /// Has `run` called again at once if it returns [`Flow::Idle`](crate::Flow::Idle) the next time.
    ///
    /// To wake a task from another one, give that one a [`waker`](Self::waker).
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Flow, Job};
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let mut job = Job::new("queue");
    /// job.add_recurrent("work", vec![1, 2, 3], async |queue: &mut Vec<u32>, cx: &Context| {
    ///     if queue.pop().is_some() {
    ///         cx.wake(); // There may be more: no pause.
    ///         return Ok(Flow::Idle);
    ///     }
    ///     Ok(Flow::Done(()))
    /// });
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn wake(&self) {
        self.bits.fetch_or(WOKEN, Ordering::Relaxed);
    }

    /// A waker for this task, to be given to others: it ends the pause of an idle task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicBool, Ordering};
    /// # use teamwork::{Context, Flow, Job, TaskWaker};
    /// # use tokio::sync::oneshot;
    /// static HAS_WORK: AtomicBool = AtomicBool::new(false);
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// let (tell, told) = oneshot::channel::<TaskWaker>();
    /// let mut job = Job::new("queue");
    /// job.add_recurrent("work", Some(tell), async |tell: &mut Option<oneshot::Sender<TaskWaker>>, cx: &Context| {
    ///     if let Some(tell) = tell.take() {
    ///         let _ = tell.send(cx.waker());
    ///     }
    ///     let has_work = HAS_WORK.load(Ordering::Relaxed);
    ///     Ok(if has_work { Flow::Done(()) } else { Flow::Idle })
    /// });
    /// job.add_fn("feed", async move |_: &Context| {
    ///     let worker = told.await?;
    ///     HAS_WORK.store(true, Ordering::Relaxed);
    ///     Ok(worker.wake())
    /// });
    /// job.run().await?;
    /// # Ok::<(), teamwork::Error>(()) }).unwrap();
    /// ```
    pub fn waker(&self) -> TaskWaker {
        TaskWaker { bell: self.bell() }
    }
}

/// Wakes an idle task; see [`Context::waker`].
///
/// # Examples
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// # use teamwork::TaskWaker;
/// struct Queue {
///     jobs: Arc<Mutex<Vec<u32>>>,
///     worker: TaskWaker,
/// }
///
/// impl Queue {
///     fn push(&self, job: u32) -> Result<(), &'static str> {
///         self.jobs.lock().map_err(|_| "a worker panicked")?.push(job);
///         self.worker.wake(); // It need not wait for the end of its pause.
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TaskWaker {
    bell: Arc<Notify>,
}

impl TaskWaker {
    /// Has the task's `run` called again. A wake is not lost if the task is not idle yet; several count as one.
    pub fn wake(&self) {
        self.bell.notify_one();
    }
}

pin_project! {
    /// The future of [`Context::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use teamwork::{Context, Wait};
    /// # use tokio::sync::mpsc;
    /// async fn next(cx: &Context, lines: &mut mpsc::Receiver<String>) -> Option<String> {
    ///     let line: Wait<'_, _> = cx.wait(lines.recv());
    ///     line.await
    /// }
    /// ```
    #[must_use = "futures do nothing unless awaited"]
    #[derive(Debug)]
    pub struct Wait<'a, F> {
        #[pin]
        future: F,
        is_waiting: &'a AtomicBool,
    }

    impl<F> PinnedDrop for Wait<'_, F> {
        fn drop(this: Pin<&mut Self>) {
            this.project().is_waiting.store(false, Ordering::Relaxed);
        }
    }
}

impl<F: Future> Future for Wait<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polled = this.future.poll(cx);
        this.is_waiting
            .store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}
