//! Drivers that the supervisor does not poll itself each time it is woken.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::engine::{
    clock::Stamp,
    core::Mail,
    step::{Driver, Progress, poll_driver, poll_one_of_several},
};

/// A driver with the slot it belongs to.
pub(super) struct Tracked {
    pub(super) slot: u32,
    pub(super) driver: Option<Driver>,
}

impl Future for Tracked {
    type Output = (u32, Option<Driver>, Progress);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(driver) = &mut self.driver else {
            return Poll::Pending;
        };
        match poll_one_of_several(driver, cx) {
            Progress::Pending => Poll::Pending,
            progress => Poll::Ready((self.slot, self.driver.take(), progress)),
        }
    }
}

/// A driver on a runtime task of its own; it mails itself home when its run has ended and somebody else decides what follows.
pub(super) struct Away(pub(super) Option<Driver>);

impl Future for Away {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(driver) = &mut self.0 else {
            return Poll::Ready(());
        };
        Stamp::forget();
        match poll_driver(driver, cx) {
            Progress::Pending => Poll::Pending,
            Progress::Parked {
                exit,
                home: Some(home),
            } => {
                if let Some(driver) = self.0.take() {
                    home.core.post(Mail::Parked {
                        slot: home.slot,
                        exit,
                        driver,
                    });
                }
                Poll::Ready(())
            }
            Progress::Parked { home: None, .. } | Progress::Inited | Progress::Ended(_) => {
                Poll::Ready(())
            }
        }
    }
}
