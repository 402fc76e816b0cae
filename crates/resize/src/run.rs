//! A run as one job.
//!
//! ```text
//! resize ─┬─ end          waits until every image is settled, or the run is asked to stop
//!         ├─ scan         directory tree → queue
//!         ├─ connections  opens and replaces connections            (with a server)
//!         ├─ connection n queue → server → disk: a job of its own   (with a server)
//!         └─ worker n     queue → engine → disk                     (without)
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;

use imaging::Warning;
use teamwork::{Context, Flow, Job, Task};

use crate::blocking::Blocking;
use crate::config::{Config, Engine};
use crate::connections::Connections;
use crate::failure::{Failure, FileError, Shown};
use crate::line::Line;
use crate::local::Worker;
use crate::queue::{Lease, Queue};
use crate::scanning::Scanning;
use crate::tally::{Done, Tally};

/// Workers for each thread that resizes: while it resizes the image of one, another one saves the last image and reads the
/// next, so that no core waits for the disk.
const WORKERS_PER_THREAD: usize = 2;

/// Resizes the images of a directory tree, as one job.
///
/// The job is done when every image is either saved or has failed for good; a file that fails does not fail the job.
/// The [`Tally`] tells what happened, while the job runs and after it has ended. Drained, the job finishes and saves the
/// images that are worked on, and leaves the others. Cancelled, it leaves those as well; either way each result is
/// whole or absent, and nothing is written after the job has ended.
///
/// The job fails when nothing can be reached through [`Via`](crate::Via), or the output directory cannot be made.
pub fn resize(config: &Config) -> (Job, Tally) {
    let run = Run::new(config);
    let tally = run.tally.clone();
    let mut job = Job::new("resize");
    job.add_task("end", End(run.clone()));
    job.add_task("scan", Scanning::new(config, run.clone()));
    match &config.engine {
        Engine::Local { threads } => add_workers(&mut job, config, *threads, &run),
        Engine::Via(via) => {
            let line = Line::new(config, via, run);
            job.add_task("connections", Connections::new(line, via.connections));
        }
    }
    (job, tally)
}

fn add_workers(job: &mut Job, config: &Config, threads: NonZeroUsize, run: &Run) {
    for number in 1..=threads.get().saturating_mul(WORKERS_PER_THREAD) {
        let worker = Worker {
            options: config.options,
            run: run.clone(),
        };
        job.add_task(format!("worker {number}"), worker);
    }
}

/// What all tasks of a run share.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) queue: Arc<Queue>,
    pub(crate) blocking: Blocking,
    pub(crate) tally: Tally,
}

impl Run {
    fn new(config: &Config) -> Self {
        Self {
            queue: Arc::default(),
            blocking: Blocking::new(config),
            tally: Tally::new(config),
        }
    }

    /// Settles an image that is done.
    pub(crate) fn done(&self, image: Lease, done: &Done<'_>) {
        if done.is_damaged {
            tracing::warn!("{}: {}", Shown(&image.path), Warning::Damaged);
        }
        self.tally.done(done);
        image.settle();
    }

    /// Settles an image that has failed for good.
    pub(crate) fn failed(&self, image: Lease, error: &FileError) {
        self.tally.failed(Failure::new(&image.path, error));
        image.settle();
    }
}

/// Ends the run: stops the queue when the job drains, and the clock when everything else has ended.
struct End(Run);

impl Task for End {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        let Run { queue, tally, .. } = &self.0;
        let finished = cx.unless_draining(queue.finished()).await;
        // A failure or a cancel looks like a drain here, but leaves nothing to finish.
        if finished.is_none() && cx.cause().is_none() {
            queue.stop();
            tally.interrupted();
            tracing::warn!(
                "finishing the images that are in flight; interrupt again to leave them"
            );
            cx.wait(queue.finished()).await;
        }
        Ok(Flow::Done(()))
    }

    /// If the run was cut, this comes last, because the task was started first. Calls that were cut may still hold a
    /// thread, and are waited for: nothing is written after the job has ended.
    async fn finalize(&mut self, _cx: &Context) -> teamwork::Result {
        self.0.blocking.idle().await;
        self.0.tally.ended();
        Ok(())
    }
}
