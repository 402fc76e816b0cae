//! Reading and saving on a bounded pool of threads, because files block.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use teamwork::{BlockingPool, StopFlag};
use tokio::sync::RwLock;

use crate::config::Config;
use crate::failure::FileError;
use crate::file;

/// The directories of a run, and the threads that work on them.
#[derive(Clone)]
pub(crate) struct Disk {
    pool: BlockingPool,
    /// Read-locked by each piece of work, so that the end of the run can wait for all of them.
    working: Arc<RwLock<()>>,
    places: Arc<Places>,
}

struct Places {
    input: PathBuf,
    output: PathBuf,
}

impl Disk {
    /// The directories of `config`, worked on by so many threads.
    pub(crate) fn new(config: &Config, threads: NonZeroUsize) -> Self {
        let places = Places {
            input: config.input.clone(),
            output: config.output.clone(),
        };
        // Each waiting piece of work belongs to a task that waits for it, and there are about as many as threads.
        Self {
            pool: BlockingPool::new(threads, threads.get()),
            working: Arc::default(),
            places: Arc::new(places),
        }
    }

    /// Reads an image, given by its path in the input directory.
    pub(crate) async fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        let path = self.places.input.join(path);
        self.run(move || file::read(&path).map(Bytes::from)).await
    }

    /// Saves a result under its path in the output directory.
    pub(crate) async fn save(&self, path: PathBuf, image: Bytes) -> Result<(), FileError> {
        let path = self.places.output.join(path);
        self.run(move || file::save(&path, &image)).await
    }

    /// Makes the output directory.
    pub(crate) async fn prepare(&self) -> Result<(), FileError> {
        let path = self.places.output.clone();
        self.run(move || {
            std::fs::create_dir_all(&path).map_err(|source| FileError::Save { path, source })
        })
        .await
    }

    /// Removes what killed runs left in a directory of results, given by its path in the output directory.
    pub(crate) async fn sweep(&self, path: PathBuf) -> Result<(), FileError> {
        let path = self.places.output.join(path);
        self.run(move || {
            file::sweep(&path);
            Ok(())
        })
        .await
    }

    /// Does blocking work on the pool, waiting for a thread.
    ///
    /// # Cancel safety
    /// Work that has begun is not torn when the future is dropped; its result is lost.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let working = Arc::clone(&self.working).read_owned().await;
        let work = move |_: &StopFlag| {
            let _working = working;
            work()
        };
        self.pool.run(work).await.map_err(FileError::Crashed)?
    }

    /// Waits until no work is left, that of tasks which were cut included.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn idle(&self) {
        drop(self.working.write().await);
    }
}
