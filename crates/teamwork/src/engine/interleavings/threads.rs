//! A few threads that take turns as a seed says: an executor for tests.
//!
//! Only one thread goes on at a time. At each [`point`], which every atomic and every lock of the core is, and between two polls, the
//! dice say who goes on: a thread in the midst of a poll, or one that takes a task, any of those that were woken, at times one that was
//! not. When nobody is woken, the paused clock of a Tokio runtime moves on to the next timer. So a seed stands for one interleaving of
//! one script, and plays it again.

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    future::{Future, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use fastrand::Rng;
use tokio::{runtime::Builder, time::sleep};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How much virtual time a script may take before nobody is taken to be woken any more.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Of the thread that moves the clock.
    Clock,
    Thread(usize),
}

struct State {
    rng: Rng,
    turn: Turn,
    tasks: HashMap<u64, Option<Task>>,
    next_task: u64,
    /// Woken, and not being polled.
    woken: Vec<u64>,
    /// Woken while they are being polled.
    woken_again: Vec<u64>,
    /// By thread, the task that it polls.
    polls: Vec<Option<u64>>,
    /// One in so many points is a change of turns.
    calm: u32,
    clock: Option<Waker>,
    is_over: bool,
    panicked: Option<Box<dyn Any + Send>>,
}

/// The threads of one script.
struct Threads {
    state: Mutex<State>,
    turns: Vec<Condvar>,
    clock_turn: Condvar,
}

thread_local! {
    /// The threads that this one is of, and which of them it is.
    static OWN: RefCell<Option<(Arc<Threads>, usize)>> = const { RefCell::new(None) };
}

fn own() -> Option<(Arc<Threads>, usize)> {
    OWN.with_borrow(Clone::clone)
}

/// Another thread may have its turn here. Says whether this is a thread that takes turns at all.
pub(in crate::engine) fn point() -> bool {
    let Some((threads, own)) = own() else {
        return false;
    };
    let mut state = threads.lock();
    let calm = state.calm;
    if state.rng.u32(..calm) == 0 {
        threads.pass(&mut state);
        drop(threads.wait(state, own));
    }
    true
}

/// Takes a future that is to be spawned, if this is a thread that takes turns; gives it back if not.
pub(in crate::engine) fn take<F>(future: F) -> Option<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    let Some((threads, _)) = own() else {
        return Some(future);
    };
    threads
        .lock()
        .add(Box::pin(async move { drop(future.await) }));
    None
}

/// Runs a future, and all that it spawns, on a few threads that take turns as the seed says.
pub(super) fn run(seed: u64, future: impl Future<Output = ()> + Send + 'static) {
    let mut rng = Rng::with_seed(seed);
    let (count, calm) = (rng.usize(2..4), 1 << rng.u32(..5));
    let mut state = State {
        rng,
        turn: Turn::Clock,
        tasks: HashMap::new(),
        next_task: 0,
        woken: Vec::new(),
        woken_again: Vec::new(),
        polls: vec![None; count],
        calm,
        clock: None,
        is_over: false,
        panicked: None,
    };
    let root = state.next_task;
    state.add(Box::pin(future));
    let threads = Arc::new(Threads {
        state: Mutex::new(state),
        turns: (0..count).map(|_| Condvar::new()).collect(),
        clock_turn: Condvar::new(),
    });
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.expect("a test has room for a runtime");
    thread::scope(|scope| {
        for own in 0..count {
            let (threads, handle) = (threads.clone(), runtime.handle().clone());
            scope.spawn(move || {
                let _in_runtime = handle.enter();
                OWN.set(Some((threads.clone(), own)));
                threads.poll_tasks(own);
                OWN.set(None);
            });
        }
        runtime.block_on(threads.tick(root));
    });
    let mut state = threads.lock();
    let (left, panicked) = (mem::take(&mut state.tasks), state.panicked.take());
    drop(state);
    let _in_runtime = runtime.enter();
    drop(left);
    if let Some(panicked) = panicked {
        println!("TEAMWORK_SEED={seed}");
        resume_unwind(panicked);
    }
}

impl State {
    fn add(&mut self, task: Task) {
        let id = self.next_task;
        self.next_task += 1;
        self.tasks.insert(id, Some(task));
        self.woken.push(id);
    }

    /// Takes a task that was woken, at times one that was not.
    fn take_any(&mut self) -> Option<u64> {
        if self.rng.u32(..16) == 0 {
            let mut idle: Vec<_> = self
                .tasks
                .iter()
                .filter(|(_, task)| task.is_some())
                .collect();
            idle.sort_unstable_by_key(|(id, _)| **id);
            if !idle.is_empty() {
                let id = *idle[self.rng.usize(..idle.len())].0;
                self.woken.retain(|&woken| woken != id);
                return Some(id);
            }
        }
        let many = self.woken.len();
        (many > 0).then(|| self.woken.swap_remove(self.rng.usize(..many)))
    }
}

impl Threads {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the turn to anyone who can go on; to the clock if nobody can.
    fn pass(&self, state: &mut State) {
        let is_any_woken = !state.woken.is_empty();
        let can_go_on = |poll: &Option<u64>| poll.is_some() || is_any_woken;
        let threads = state.polls.iter().enumerate();
        let threads: Vec<_> = threads.filter(|(_, poll)| can_go_on(poll)).collect();
        let threads: Vec<_> = threads.into_iter().map(|(thread, _)| thread).collect();
        if threads.is_empty() || state.is_over {
            state.turn = Turn::Clock;
            self.clock_turn.notify_one();
        } else {
            let next = threads[state.rng.usize(..threads.len())];
            state.turn = Turn::Thread(next);
            self.turns[next].notify_one();
        }
    }

    /// Waits for the turn of this thread, or the end.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, own: usize) -> MutexGuard<'a, State> {
        while state.turn != Turn::Thread(own) && !state.is_over {
            let waited = self.turns[own].wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// What a thread does.
    fn poll_tasks(self: &Arc<Self>, own: usize) {
        loop {
            let mut state = self.wait(self.lock(), own);
            if state.is_over {
                return;
            }
            let Some(id) = state.take_any() else {
                self.pass(&mut state);
                continue;
            };
            let Some(mut task) = state.tasks.get_mut(&id).and_then(Option::take) else {
                continue;
            };
            state.polls[own] = Some(id);
            drop(state);
            let threads = self.clone();
            let waker = Waker::from(Arc::new(Rouse { threads, id }));
            let polled = catch_unwind(AssertUnwindSafe(|| {
                task.as_mut().poll(&mut Context::from_waker(&waker))
            }));
            if !matches!(polled, Ok(Poll::Pending)) {
                // What it drops may have to wait for others as well.
                drop(task);
                self.end(id, own, polled.err());
                continue;
            }
            let mut state = self.lock();
            state.tasks.insert(id, Some(task));
            state.polls[own] = None;
            if let Some(at) = state.woken_again.iter().position(|&again| again == id) {
                state.woken_again.swap_remove(at);
                state.woken.push(id);
            }
            self.pass(&mut state);
        }
    }

    fn end(&self, id: u64, own: usize, panicked: Option<Box<dyn Any + Send>>) {
        let mut state = self.lock();
        state.tasks.remove(&id);
        state.woken_again.retain(|&again| again != id);
        state.polls[own] = None;
        state.panicked = panicked.or(state.panicked.take());
        self.pass(&mut state);
    }

    /// Lets the threads have their turns, then the clock, until the root is done.
    async fn tick(&self, root: u64) {
        let mut patience = std::pin::pin!(sleep(TIME_MAX));
        poll_fn(|cx| {
            let mut state = self.lock();
            if !state.woken.is_empty() {
                self.pass(&mut state);
            }
            while state.turn != Turn::Clock {
                let waited = self.clock_turn.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            let is_hung = patience.as_mut().poll(cx).is_ready();
            if is_hung {
                state.panicked = Some(Box::new("nobody is woken any more"));
            }
            if is_hung || state.panicked.is_some() || !state.tasks.contains_key(&root) {
                state.is_over = true;
                self.turns.iter().for_each(Condvar::notify_one);
                return Poll::Ready(());
            }
            state.clock = Some(cx.waker().clone());
            if state.woken.is_empty() {
                Poll::Pending
            } else {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
    }
}

/// Wakes a task.
struct Rouse {
    threads: Arc<Threads>,
    id: u64,
}

impl Wake for Rouse {
    fn wake(self: Arc<Self>) {
        let mut state = self.threads.lock();
        let list = match state.tasks.get(&self.id) {
            Some(Some(_)) => &mut state.woken,
            Some(None) => &mut state.woken_again,
            None => return,
        };
        if !list.contains(&self.id) {
            list.push(self.id);
        }
        let clock = state.clock.take();
        drop(state);
        if let Some(clock) = clock {
            clock.wake();
        }
    }
}
