//! What few jobs have, and what a job needs when it stops: apart, so that ten thousand small jobs do not pay for it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};
use tracing::Dispatch;

use super::{Supervisor, tracked::Tracked};
use crate::{
    CauseKind, OnPanic, Result,
    engine::{core::Mail, machine::Deadline, pile::Pile, spans::Observer},
};

/// How long each rung of a stop may last; `None` is for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) job: Option<Duration>,
    pub(crate) drain: Option<Duration>,
    pub(crate) grace: Duration,
}

/// What a job waits for before it starts.
pub(crate) type Prerequisite = Pin<Box<dyn Future<Output = Result> + Send>>;

/// Is over when a token has been cancelled.
pub(crate) type Cancelled = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes a job anew after a failure, unless that panics, and says how long to wait before it starts.
pub(crate) type Again =
    dyn FnMut() -> Option<(Duration, Result<Supervisor, Box<CauseKind>>)> + Send;

/// Where stop signals of the process come from; yields each time one arrives, and says how many that makes.
pub(crate) trait SignalSource: Send {
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<u32>;

    /// The next one is not for the job any more.
    fn give_back(&mut self);
}

/// What few jobs have, and what is needed once.
pub(crate) struct Rare {
    pub(crate) deadlines: Deadlines,
    pub(crate) max_tasks: Option<u32>,
    pub(crate) prerequisites: Vec<Prerequisite>,
    /// What follows from a panic, if the job is awaited by itself.
    pub(crate) on_panic: OnPanic,
    /// The job's own subscriber.
    pub(crate) dispatch: Option<Dispatch>,
    /// What tasks are observed with, if anybody wants to know.
    pub(super) observer: Option<Observer>,
    /// Each cancels the job when it is over.
    pub(crate) tokens: Vec<Cancelled>,
    /// As a child, the job is started over after a failure.
    pub(crate) again: Option<Box<Again>>,
    /// As a child, the job gets a thread of its own.
    pub(crate) own_thread: bool,
    pub(crate) signals: Option<Box<dyn SignalSource>>,
    /// When the job's own timeout is over.
    pub(super) job_ends: Option<Instant>,
    /// When the rung of a stop that the machine armed is over.
    pub(super) rung_ends: Option<(Deadline, Instant)>,
    pub(super) timer: Option<Pin<Box<Sleep>>>,
    /// Drivers in higher slots that are polled whenever the supervisor is.
    pub(super) near: Vec<u32>,
    /// Drivers that are polled when they are woken.
    pub(super) tracked: Option<Tracked>,
    /// Reused for each batch of mail.
    pub(super) mail: Pile<Mail>,
    pub(super) freed: Vec<u32>,
}

impl Default for Rare {
    fn default() -> Self {
        Self {
            deadlines: Deadlines {
                job: None,
                drain: None,
                grace: crate::job::GRACE,
            },
            max_tasks: None,
            prerequisites: Vec::new(),
            on_panic: OnPanic::Fail,
            dispatch: None,
            observer: None,
            tokens: Vec::new(),
            again: None,
            own_thread: false,
            signals: None,
            job_ends: None,
            rung_ends: None,
            timer: None,
            near: Vec::new(),
            tracked: None,
            mail: Pile::default(),
            freed: Vec::new(),
        }
    }
}
