//! Drivers that the supervisor does not poll itself.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::engine::{
    clock::Stamp,
    core::Mail,
    step::{Driver, Step, take_step},
};

/// A driver on a runtime task of its own; it mails itself home when its run has ended and somebody else decides what follows.
pub(super) struct Away(pub(super) Option<Driver>);

impl Future for Away {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(driver) = &mut self.0 else {
            return Poll::Ready(());
        };
        Stamp::forget();
        if driver.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match take_step() {
            None => return Poll::Pending,
            Some(Step::Parked {
                exit,
                home: Some((core, slot)),
            }) => {
                if let Some(driver) = self.0.take() {
                    core.post(Mail::Parked { slot, exit, driver });
                }
            }
            Some(Step::Parked { home: None, .. } | Step::Inited) => {}
        }
        Poll::Ready(())
    }
}
