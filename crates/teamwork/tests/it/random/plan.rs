//! What happens in a random job, decided by a seed before it runs.

use std::collections::HashMap;

use fastrand::Rng;

use crate::scripted::{Do, Scripted, task};

/// Ends the name of a task whose finalizer hangs.
pub(super) const STAYS: &str = "-stays";

/// Is in the name of a task or a child that its job can do without.
pub(super) const SPARE: &str = "spare";

/// Comes before the number of an attempt in a name; the first has none.
pub(super) const ATTEMPT: char = '#';

/// One script: a tree of jobs, and what is done to its root when.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) job: JobPlan,
    pub(super) events: Vec<Event>,
    /// Whether anything in it asks for a finish.
    pub(super) finishes: bool,
    /// How many restarts there may be, by the name of the first attempt.
    pub(super) restarts: HashMap<&'static str, usize>,
}

/// A job: its tasks and its children.
#[derive(Debug, Clone)]
pub(super) struct JobPlan {
    pub(super) name: &'static str,
    /// What it is made of when it starts over after a failure.
    pub(super) attempts: Vec<Self>,
    pub(super) inline: bool,
    pub(super) timeout: Option<u64>,
    pub(super) oneshot: Option<Scripted>,
    /// A whole job as the oneshot, instead.
    pub(super) oneshot_job: Option<Box<Self>>,
    /// Whether its tasks are added before its children.
    pub(super) is_parent_first: bool,
    pub(super) tasks: Vec<TaskPlan>,
    pub(super) children: Vec<Self>,
}

#[derive(Debug, Clone)]
pub(super) struct TaskPlan {
    pub(super) script: Scripted,
    /// What it does when it starts over after a failure.
    pub(super) attempts: Vec<Scripted>,
    /// Whether somebody waits for its value.
    pub(super) is_asked: bool,
    pub(super) timeout: Option<u64>,
}

impl JobPlan {
    pub(super) fn is_spare(&self) -> bool {
        is_spare(self.name)
    }
}

impl TaskPlan {
    pub(super) fn is_spare(&self) -> bool {
        is_spare(self.script.name())
    }
}

/// Whether a job can do without the task or the child of this name.
pub(super) fn is_spare(name: &str) -> bool {
    let last = name.rsplit('.').next();
    last.is_some_and(|last| last.contains(SPARE))
}

/// What is done from outside, and at which millisecond.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Drain,
    Finish,
    Cancel,
    /// Of the future that runs the root.
    Drop,
    Add(TaskPlan),
    AddJob(JobPlan),
}

/// How long things may take, and how bad they may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// For a cut, and for all finalizers of one job, in milliseconds. A job four levels down has an eighth of it.
    pub(super) deadline: u64,
    /// Whether finalizers may hang.
    pub(super) finalizers_hang: bool,
}

impl Plan {
    pub(super) fn new(seed: u64, pace: Pace) -> Self {
        let mut dice = Dice {
            rng: Rng::with_seed(seed),
            pace,
            finishes: false,
            restarts: HashMap::new(),
        };
        let job = dice.job("r".to_owned(), 0);
        let few = dice.rng.u32(..5);
        let mut events: Vec<_> = (0..few).map(|number| dice.event(number)).collect();
        events.sort_by_key(|event| event.at);
        // Without an end from outside, waiting tasks would wait for ever.
        let what = if dice.rng.bool() {
            What::Cancel
        } else {
            What::Drop
        };
        events.push(Event { at: 100, what });
        Self {
            job,
            events,
            finishes: dice.finishes,
            restarts: dice.restarts,
        }
    }
}

struct Dice {
    rng: Rng,
    pace: Pace,
    finishes: bool,
    restarts: HashMap<&'static str, usize>,
}

impl Dice {
    fn event(&mut self, number: u32) -> Event {
        let what = match self.rng.u32(..9) {
            0 => What::Drain,
            1..=2 => {
                self.finishes = true;
                What::Finish
            }
            3 => What::Cancel,
            4 => What::Drop,
            5..=7 => {
                let spare = self.spare();
                What::Add(self.task(&format!("r.l{number}{spare}")))
            }
            _ => {
                let spare = self.spare();
                What::AddJob(self.child(&format!("r.k{number}{spare}"), 2))
            }
        };
        Event {
            at: self.rng.u64(..60),
            what,
        }
    }

    /// Whether one of so many cases is this one.
    fn is_rare(&mut self, cases: u32) -> bool {
        self.rng.u32(..cases) == 0
    }

    fn job(&mut self, name: String, depth: u32) -> JobPlan {
        let most = if self.is_rare(20) { 12 } else { 5 };
        let (tasks, children) = (self.rng.u32(..most), self.rng.u32(..3));
        let tasks = (0..tasks).map(|number| {
            let spare = self.spare();
            self.task(&format!("{name}.t{number}{spare}"))
        });
        let tasks = tasks.collect();
        let children = if depth < 3 { children } else { 0 };
        let children = (0..children).map(|number| {
            let spare = self.spare();
            self.child(&format!("{name}.j{number}{spare}"), depth + 1)
        });
        let children = children.collect();
        let oneshot_job = (depth < 3 && self.is_rare(5))
            .then(|| Box::new(self.job(format!("{name}.prepare"), depth + 1)));
        JobPlan {
            attempts: Vec::new(),
            oneshot_job,
            inline: self.rng.bool(),
            is_parent_first: self.rng.bool(),
            timeout: self.timeout(),
            oneshot: self
                .is_rare(3)
                .then(|| self.script(format!("{name}.first"), Do::Done)),
            tasks,
            children,
            name: name.leak(),
        }
    }

    fn task(&mut self, name: &str) -> TaskPlan {
        let restarts = self.restarts();
        let last = if restarts > 0 {
            self.failure()
        } else {
            Do::Done
        };
        // One name is for all of them, so it says what any of them may do.
        let may_stay = if restarts > 0 { STAYS } else { "" };
        let script = self.script(format!("{name}{may_stay}"), last);
        let attempts = (1..=restarts).map(|attempt| {
            let last = self.failure();
            self.script(format!("{name}{may_stay}{ATTEMPT}{attempt}"), last)
        });
        let attempts: Vec<_> = attempts.collect();
        self.restarts.insert(script.name(), attempts.len());
        TaskPlan {
            script,
            attempts,
            is_asked: self.is_rare(3),
            timeout: self.timeout(),
        }
    }

    fn child(&mut self, name: &str, depth: u32) -> JobPlan {
        let restarts = if depth < 3 { self.restarts() } else { 0 };
        let mut job = self.job(name.to_owned(), depth);
        for attempt in 1..=restarts {
            // One value, or none, for all of them.
            (job.oneshot, job.oneshot_job) = (None, None);
            let mut again = self.job(format!("{name}{ATTEMPT}{attempt}"), depth + 1);
            (again.oneshot, again.oneshot_job) = (None, None);
            let before = match job.attempts.len() {
                0 => &mut job,
                many => &mut job.attempts[many - 1],
            };
            let last = self.failure();
            before.tasks.push(TaskPlan {
                script: self.script(format!("{}.fails", before.name), last),
                attempts: Vec::new(),
                is_asked: false,
                timeout: None,
            });
            job.attempts.push(again);
        }
        self.restarts.insert(job.name, job.attempts.len());
        job
    }

    /// How many attempts there may be after the first; usually none.
    fn restarts(&mut self) -> u32 {
        if self.is_rare(5) {
            self.rng.u32(1..4)
        } else {
            0
        }
    }

    /// How an attempt ends that is good for a restart.
    fn failure(&mut self) -> Do {
        match self.rng.u32(..4) {
            0 => Do::Fail,
            1 => Do::Unwind,
            2 => Do::FailAfter(self.rng.u64(..10)),
            _ => Do::Done,
        }
    }

    fn spare(&mut self) -> &'static str {
        if self.is_rare(6) { SPARE } else { "" }
    }

    fn timeout(&mut self) -> Option<u64> {
        self.is_rare(20).then(|| self.rng.u64(1..60))
    }

    /// A script of a few runs before this one.
    fn script(&mut self, name: String, last: Do) -> Scripted {
        let runs = self.rng.u32(..5);
        let mut runs: Vec<_> = (0..runs).map(|_| self.run()).collect();
        runs.push(last);
        let (init, finalize) = (self.around(), self.around());
        let (finalize, name) = match finalize {
            Do::Hang if self.pace.finalizers_hang => (Do::Hang, format!("{name}{STAYS}")),
            Do::Hang => (Do::Nothing, name),
            other => (other, name),
        };
        task(name.leak(), runs)
            .init(init)
            .finalize(finalize)
            .telling()
    }

    /// What an init or a finalizer does: usually nothing.
    fn around(&mut self) -> Do {
        match self.rng.u32(..60) {
            0 => Do::Fail,
            1 => Do::Unwind,
            2 => Do::Hang,
            3..=12 => Do::Sleep(self.rng.u64(..10)),
            _ => Do::Nothing,
        }
    }

    fn run(&mut self) -> Do {
        match self.rng.u32(..60) {
            0 => Do::Fail,
            1 => Do::Unwind,
            2 => Do::FailAfter(self.rng.u64(..30)),
            3 => {
                self.finishes = true;
                Do::FinishJob
            }
            4..=6 => Do::Done,
            7..=10 => Do::Hang,
            11..=20 => Do::Wait,
            21..=28 => Do::Idle,
            29..=45 => Do::Tick,
            _ => Do::Sleep(self.rng.u64(..30)),
        }
    }
}
