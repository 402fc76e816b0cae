//! Work that would block the runtime, on bounded pools of threads: files on one, resizing on the other.
//!
//! Two pools, because a core that resizes should not wait for a disk, nor the other way round.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use imaging::{Options, Resized};
use teamwork::{BlockingPool, StopFlag};
use tokio::sync::RwLock;

use crate::config::{Config, Engine};
use crate::failure::FileError;
use crate::file;

/// Threads that read and save, at most. Local files take so little time that a few threads serve many connections.
const FILE_THREADS_MAX: usize = 8;

/// The threads of a run, and the directories that they read and write.
#[derive(Clone)]
pub(crate) struct Blocking {
    files: BlockingPool,
    engine: BlockingPool,
    /// Read-locked by each piece of work, so that the end of the run can wait for all of them.
    working: Arc<RwLock<()>>,
    places: Arc<Places>,
}

struct Places {
    input: PathBuf,
    output: PathBuf,
}

impl Places {
    /// Whether a directory, given without links in its path, holds originals: a result there could replace one.
    fn is_among_originals(&self, directory: &Path) -> bool {
        directory.starts_with(&self.input) && !directory.starts_with(&self.output)
    }
}

impl Blocking {
    /// The threads that a run needs; they are started when there is work for them.
    pub(crate) fn new(config: &Config) -> Self {
        let places = Places {
            input: config.input.clone(),
            output: config.output.clone(),
        };
        let (files, engine) = match &config.engine {
            Engine::Local { threads } => (threads.get(), *threads),
            Engine::Via(via) => (via.connections.max(), NonZeroUsize::MIN),
        };
        // One more, for the scan.
        let files = NonZeroUsize::MIN.saturating_add(files.min(FILE_THREADS_MAX));
        Self {
            files: pool(files),
            engine: pool(engine),
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
        let places = Arc::clone(&self.places);
        self.run(move || {
            let path = places.output.join(path);
            let directory = file::prepare(&path)?;
            if places.is_among_originals(&directory) {
                let source = io::Error::other("a link in it leads back to the input directory");
                return Err(FileError::Save { path, source });
            }
            file::save(&path, &image)
        })
        .await
    }

    /// Makes the output directory, and tries whether something can be saved there before any work is done in vain.
    pub(crate) async fn prepare(&self) -> Result<(), FileError> {
        let path = self.places.output.clone();
        self.run(move || file::try_out(&path).map_err(|source| FileError::Output { path, source }))
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

    /// Resizes an image.
    pub(crate) async fn resize(
        &self,
        image: Bytes,
        options: Options,
    ) -> Result<Resized, FileError> {
        self.run_on(&self.engine, move || {
            imaging::resize(&image, &options).map_err(FileError::Image)
        })
        .await
    }

    /// Does other work with files.
    ///
    /// # Cancel safety
    /// Of all work here: what has begun is not torn when the future is dropped; its result is lost.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        self.run_on(&self.files, work).await
    }

    async fn run_on<T: Send + 'static>(
        &self,
        pool: &BlockingPool,
        work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let working = Arc::clone(&self.working).read_owned().await;
        let work = move |_: &StopFlag| {
            let _working = working;
            work()
        };
        pool.run(work).await.map_err(FileError::Crashed)?
    }

    /// Waits until no work is left, that of tasks which were cut included.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub(crate) async fn idle(&self) {
        drop(self.working.write().await);
    }
}

/// A pool with a short queue: each call belongs to a task that waits for it, and those are few.
fn pool(threads: NonZeroUsize) -> BlockingPool {
    BlockingPool::new(threads, threads.get())
}
