//! The way of an image to the server and back, as all connections of a run share it: what is asked, and what an answer means
//! for the image.

use bytes::Bytes;
use http::StatusCode;
use imaging::{Bounds, Format};
use tokio::time::Instant;

use crate::answer::Verdict;
use crate::config::Config;
use crate::exchange::{Answer, Lost, Order};
use crate::failure::{Detail, FileError, chain};
use crate::queue::Lease;
use crate::run::Run;
use crate::tally::Done;
use crate::via::{Action, Address, Via};

/// What the connections of a run share.
pub(crate) struct Line {
    pub(crate) address: Address,
    action: Action,
    pub(crate) order: Order,
    bounds: Bounds,
    pub(crate) run: Run,
}

impl Line {
    pub(crate) fn new(config: &Config, via: &Via, run: Run) -> Self {
        let (address, action) = (via.address.clone(), via.action);
        Self {
            address,
            action,
            order: Order::new(config, via),
            bounds: config.options.bounds,
            run,
        }
    }

    /// Acts on an answer; gives the image back if it is to be sent again over this connection.
    pub(crate) async fn answered(&self, mut image: Lease, answer: Answer) -> Option<Lease> {
        self.run.tally.answered();
        let (pause, error) = match answer.verdict {
            Verdict::Done => {
                self.done(image, answer).await;
                return None;
            }
            Verdict::Rejected => (None, rejected(&answer)),
            Verdict::Busy(after) => {
                self.run.tally.refused();
                let pause = image.trouble.refused(after);
                (
                    pause,
                    FileError::Busy {
                        refusals: image.trouble.refusals,
                    },
                )
            }
            Verdict::Broken => {
                self.run.tally.lost();
                let pause = image.trouble.lost();
                (
                    pause,
                    FileError::NoResult {
                        sends: image.trouble.losses,
                        last: rejected(&answer).to_string(),
                    },
                )
            }
        };
        let Some(pause) = pause else {
            self.run.failed(image, &error);
            return None;
        };
        image.not_before = Some(Instant::now() + pause);
        Some(image)
    }

    /// Returns an image to the queue whose answer did not come, unless it has been sent often enough.
    pub(crate) fn unanswered(&self, mut image: Lease, lost: &Lost) {
        self.run.tally.lost();
        match image.trouble.lost() {
            Some(pause) => image.not_before = Some(Instant::now() + pause),
            None => {
                let error = FileError::NoResult {
                    sends: image.trouble.losses,
                    last: chain(lost),
                };
                self.run.failed(image, &error);
            }
        }
    }

    async fn done(&self, image: Lease, answer: Answer) {
        let (bytes_in, bytes_out) = (answer.bytes_sent, answer.body.len());
        let saved = match self.action {
            Action::Resize if answer.is_too_large => Err(FileError::ResultTooLarge),
            Action::Resize => self.save(&image, answer.body, answer.status).await,
            Action::DryRun => Ok(()),
        };
        match saved {
            Ok(()) => {
                let done = Done {
                    bytes_in,
                    bytes_out,
                    server: answer.server.as_deref(),
                    is_damaged: answer.is_damaged,
                };
                self.run.done(image, &done);
            }
            Err(error) => self.run.failed(image, &error),
        }
    }

    async fn save(
        &self,
        image: &Lease,
        result: Bytes,
        status: StatusCode,
    ) -> Result<(), FileError> {
        let format = Format::detect(&result).ok_or(FileError::NotAnImage { status })?;
        self.run
            .blocking
            .save(image.target(self.bounds, format), result)
            .await
    }
}

fn rejected(answer: &Answer) -> FileError {
    FileError::Rejected {
        status: answer.status,
        detail: Detail::of_problem(&answer.body),
    }
}
