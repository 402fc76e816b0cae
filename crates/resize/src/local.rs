//! Images that are resized in this process.

use bytes::Bytes;
use imaging::{Options, Warning};
use teamwork::{Context, Flow, Task};

use crate::failure::FileError;
use crate::queue::Lease;
use crate::run::Run;
use crate::tally::Done;

/// Takes one image after the other, and resizes it on the pool.
pub(crate) struct Worker {
    pub(crate) options: Options,
    pub(crate) run: Run,
}

impl Task for Worker {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        let Some(image) = cx.wait(self.run.queue.take()).await else {
            return Ok(Flow::Done(()));
        };
        match self.work(&image).await {
            Ok(done) => self.run.done(image, &done),
            Err(error) => self.run.failed(image, &error),
        }
        Ok(Flow::Tick)
    }
}

impl Worker {
    async fn work(&self, image: &Lease) -> Result<Done<'static>, FileError> {
        let (blocking, options) = (&self.run.blocking, self.options);
        let bytes = blocking.read(&image.path).await?;
        let bytes_in = bytes.len();
        // Saving is a step of its own: a run that is cancelled while it resizes saves nothing afterwards.
        let resized = blocking.resize(bytes, options).await?;
        let bytes_out = resized.bytes.len();
        let is_damaged = resized.warnings.contains(&Warning::Damaged);
        blocking
            .save(
                image.target(self.options.bounds, resized.format),
                Bytes::from(resized.bytes),
            )
            .await?;
        Ok(Done {
            bytes_in,
            bytes_out,
            server: None,
            is_damaged,
        })
    }
}
