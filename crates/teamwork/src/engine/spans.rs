//! A `tracing` span for each job and each task, and a job's own subscriber.
//!
//! A driver is wrapped when its job begins, or when it is added later, and only if somebody wants to know: nobody pays for spans that
//! are switched off.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tracing::{Dispatch, Instrument, Span, dispatcher};

use super::{machine::Ending, step::Driver};

thread_local! {
    /// What is polled right now belongs to a job with a subscriber of its own.
    static IS_SCOPED: Cell<bool> = const { Cell::new(false) };
}

/// What a job's tasks are observed with.
#[derive(Default)]
pub(super) struct Observer {
    span: Option<Span>,
    dispatch: Option<Dispatch>,
}

impl Observer {
    /// As a job begins: makes its span, inside the current one. Its subscriber is its own, or that of the job around it.
    pub(super) fn new(job: &str, own: Option<Dispatch>) -> Self {
        let inherited = || {
            IS_SCOPED
                .get()
                .then(|| dispatcher::get_default(Dispatch::clone))
        };
        let dispatch = own.or_else(inherited);
        let make = || tracing::debug_span!("job", name = job);
        let span = match &dispatch {
            Some(dispatch) => dispatcher::with_default(dispatch, make),
            None => make(),
        };
        Self {
            span: (!span.is_disabled()).then_some(span),
            dispatch,
        }
    }

    pub(super) fn is_blind(&self) -> bool {
        self.span.is_none() && self.dispatch.is_none()
    }

    /// Wraps the driver of a task.
    pub(super) fn wrap(&self, driver: Driver, task: &str) -> Driver {
        let driver = match &self.span {
            None => driver,
            Some(job) => {
                let make = || tracing::debug_span!(parent: job, "task", name = task);
                let span = match &self.dispatch {
                    Some(dispatch) => dispatcher::with_default(dispatch, make),
                    None => make(),
                };
                Box::pin(driver.instrument(span))
            }
        };
        match &self.dispatch {
            None => driver,
            Some(dispatch) => Box::pin(Scoped {
                driver,
                dispatch: dispatch.clone(),
            }),
        }
    }
}

/// A driver whose job has a subscriber of its own.
struct Scoped {
    driver: Driver,
    dispatch: Dispatch,
}

impl Future for Scoped {
    type Output = Option<Ending>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { driver, dispatch } = &mut *self;
        let outer = IS_SCOPED.replace(true);
        let polled = dispatcher::with_default(dispatch, || driver.as_mut().poll(cx));
        IS_SCOPED.set(outer);
        polled
    }
}
