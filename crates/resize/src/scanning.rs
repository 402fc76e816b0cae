//! Passes the images of the input directory on to those who work on them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use teamwork::{Context, Flow, Task};

use crate::config::{Config, Engine};
use crate::failure::FileError;
use crate::run::Run;
use crate::scan::{Found, Scan};
use crate::via::Action;

/// As many files as are looked at before the images among them are passed on.
const BATCH_FILES: usize = 32;

/// Scans the input directory into the queue.
pub(crate) struct Scanning {
    /// The walk blocks, so it happens on the pool; the lock hands it over and back.
    scan: Arc<Mutex<Scan>>,
    times: u32,
    saves: bool,
    run: Run,
}

impl Scanning {
    pub(crate) fn new(config: &Config, run: Run) -> Self {
        let saves = !matches!(&config.engine, Engine::Via(via) if via.action == Action::DryRun);
        let scan = Arc::new(Mutex::new(Scan::new(config)));
        Self {
            scan,
            times: config.times.get(),
            saves,
            run,
        }
    }

    /// The next few files; none at the end.
    async fn look(&self) -> Result<Vec<Found>, FileError> {
        let scan = Arc::clone(&self.scan);
        let batch = move || {
            scan.lock()
                .expect("a scan that panicked is not asked again")
                .by_ref()
                .take(BATCH_FILES)
                .collect()
        };
        self.run.blocking.run(move || Ok(batch())).await
    }

    async fn pass_on(&self, found: Found) -> teamwork::Result {
        match found {
            Found::Directory(path) => self.enter(path).await?,
            Found::Other => self.run.tally.passed_over_other(),
            Found::Special => self.run.tally.passed_over_special(),
            Found::Failed(failure) => self.run.tally.found_failed(failure),
            Found::Image(image) => {
                self.run.tally.found_image(self.times);
                for _ in 0..self.times {
                    self.run.queue.push(image.clone()).await;
                }
            }
        }
        Ok(())
    }

    async fn enter(&self, path: PathBuf) -> Result<(), FileError> {
        if self.saves {
            self.run.blocking.sweep(path).await
        } else {
            Ok(())
        }
    }
}

impl Task for Scanning {
    type Output = ();

    async fn init(&mut self, _cx: &Context) -> teamwork::Result {
        if self.saves {
            self.run.blocking.prepare().await?;
        }
        Ok(())
    }

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        let batch = self.look().await?;
        if cx.is_draining() {
            return Ok(Flow::Done(()));
        }
        if batch.is_empty() {
            self.run.tally.scanned();
            self.run.queue.close();
            return Ok(Flow::Done(()));
        }
        for found in batch {
            // A drain stops the queue, and a stopped queue takes no time.
            self.pass_on(found).await?;
        }
        Ok(Flow::Tick)
    }
}
