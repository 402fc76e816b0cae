//! What the user asked for ([`RawConfig`]) and what the demo relies on ([`Config`]).

use std::num::{NonZero, NonZeroU32};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use imaging::Size;

/// How many resizers there are.
pub(crate) const RESIZERS: usize = 3;

/// How often each sample is resized: together some dozens of images, so that there is something to share out.
const SAMPLE_TIMES: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");

/// Threads for the client's files: eight to read and save, one to scan, and one to spare.
const CLIENT_THREADS: usize = 10;

/// The thread that writes the log.
const LOG_THREADS: usize = 1;

/// Resizes photos with three resizers, a balancer and a client, all in this process and over real sockets.
///
/// Without arguments it takes the sample photos of the repository. With INPUT_DIR and OUTPUT_DIR it takes your own
/// images; originals are never written to. Ctrl-C takes no new images and finishes those that a server has begun; a
/// second one stops at once.
///
/// Exit status: 0 all images are done, 1 some failed, 2 the command line or a directory is wrong, 130 interrupted.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "demo", version)]
pub struct RawConfig {
    /// The directory to read photos from, with all its sub-directories.
    #[arg(requires = "output_dir")]
    pub input_dir: Option<PathBuf>,

    /// The directory to save the results in; it is created if it is missing.
    pub output_dir: Option<PathBuf>,

    /// The box that each image is fitted into; images are never enlarged.
    #[arg(long, value_name = "WxH", default_value = "256x256")]
    pub size: Size,
}

/// A demo whose every setting has been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the client does; who it is sent to is not known before there is a balancer.
    pub client: resize::Config,
    /// How many images each resizer works on at the same time.
    pub threads_each: NonZero<usize>,
}

/// Why the demo cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There are no sample photos.
    #[error(
        "found no sample photos, neither in {} nor in {}: run this in the repository, or give photos of your own: demo INPUT_DIR OUTPUT_DIR",
        places[0].display(), places[1].display()
    )]
    NoSamples {
        /// Where they were looked for.
        places: [PathBuf; 2],
    },
    /// A directory cannot be used.
    #[error(transparent)]
    Directory(#[from] resize::ConfigError),
}

impl Config {
    /// A demo on photos of one's own, each resized once.
    ///
    /// # Errors
    /// If `photos` is no directory, or results could replace photos.
    pub fn new(photos: &Path, out: &Path, size: Size) -> Result<Self, ConfigError> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Ok(Self {
            client: resize::Config::new(photos, out, size)?,
            threads_each: NonZero::new(cores.div_ceil(RESIZERS)).unwrap_or(NonZero::<usize>::MIN),
        })
    }

    /// A demo on the sample photos of the repository, each resized several times; results go to `target/demo` beside them.
    ///
    /// # Errors
    /// If the samples are neither where this was built nor in the current directory.
    pub fn on_samples(size: Size) -> Result<Self, ConfigError> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("."));
        let root = [repository, Path::new(".")]
            .into_iter()
            .find(|root| root.join("samples").is_dir());
        let Some(root) = root else {
            return Err(ConfigError::NoSamples {
                places: [repository.join("samples"), PathBuf::from("samples")],
            });
        };
        let mut config = Self::new(&root.join("samples"), &root.join("target/demo"), size)?;
        config.client.times = SAMPLE_TIMES;
        Ok(config)
    }

    /// How many threads the runtime needs for work that blocks: those of the resizers, the client's for files, and the log's.
    pub fn blocking_threads(&self) -> usize {
        RESIZERS * self.threads_each.get() + CLIENT_THREADS + LOG_THREADS
    }
}

impl TryFrom<RawConfig> for Config {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        match (&raw.input_dir, &raw.output_dir) {
            (Some(photos), Some(out)) => Self::new(photos, out, raw.size),
            _samples => Self::on_samples(raw.size),
        }
    }
}
