//! What the user asked for ([`RawConfig`]) and what the program relies on ([`Config`]).

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Component, Path, PathBuf};
use std::thread::available_parallelism;

use imaging::{Options, Size};

use crate::via::{
    Action, Address, CONNECTIONS_LIMIT, CONNECTIONS_MAX, CONNECTIONS_MIN, Connections, Via,
};
use crate::wish::Wish;

const EXAMPLES: &str = "\
Examples:
  resize PHOTOS THUMBS --size 256x256
  resize PHOTOS SQUARES --size 96x96 --fit fill --gravity north --format jpeg
  resize PHOTOS BANNERS --size 1200x --metadata copyright --quality 90
  resize PHOTOS CARDS --size 640x480 --fit pad --background 202020 --enlarge --via 127.0.0.1:9090

The resizers take the same names and words in their query: /resize?width=96&height=96&fit=fill&gravity=north";

/// Resizes the images of a directory tree: JPEG, PNG, WebP, GIF, BMP and TIFF; AVIF if built with that feature.
///
/// Every image of INPUT_DIR is fitted into --size and saved under OUTPUT_DIR as `name-WxH.jpg`, or with the extension of
/// its format, in the same sub-directory. Images are recognized by their content, not by their extension; symbolic links are not
/// followed. Without --via the work is done in this process, on all cores.
///
/// Exit status: 0 all images are done, 1 some failed, 2 the command line is wrong, 130 interrupted.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "resize", version, after_help = EXAMPLES)]
pub struct RawConfig {
    /// The directory to read images from, with all its sub-directories.
    pub input_dir: PathBuf,

    /// The directory to save the results in; it is created if it is missing.
    pub output_dir: PathBuf,

    /// Resizes every image N times, to put a load on the resizers; only one result is kept.
    #[arg(long, value_name = "N", default_value = "1", value_parser = times)]
    pub times: NonZeroU32,

    /// Threads that resize in this process, 1 to 1024. The default is one more than there are cores.
    #[arg(long, value_name = "N", conflicts_with = "via", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,

    /// Sends the images to the resizers (or to the balancer before them) at this address.
    #[arg(long, value_name = "HOST:PORT")]
    pub via: Option<Address>,

    /// Connections that are open from the start.
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_MIN, requires = "via", value_parser = connections)]
    pub min_connections: NonZeroUsize,

    /// Connections that are open at most, up to 65535: one more is opened while images wait for a free one.
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_MAX, requires = "via", value_parser = connections)]
    pub max_connections: NonZeroUsize,

    /// Sends the images but asks for no work and saves nothing: measures the way to the resizers and back.
    #[arg(long, requires = "via")]
    pub dry_run: bool,

    /// What the results are to be. It has a heading of its own, which would also stand above what came after it.
    #[command(flatten)]
    pub wish: Wish,
}

/// A run whose every setting has been checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where images are read: an existing directory, as an absolute path without symbolic links.
    pub input: PathBuf,
    /// Where results are saved: absolute, neither the input directory nor one above it. It need not exist yet.
    pub output: PathBuf,
    /// What each image becomes. The resizers have limits of their own.
    pub options: Options,
    /// How often each image is resized.
    pub times: NonZeroU32,
    /// Who does the work.
    pub engine: Engine,
}

/// Who resizes the images.
#[derive(Clone, Debug)]
pub enum Engine {
    /// This process, on so many threads.
    Local {
        /// Images that are worked on at the same time.
        threads: NonZeroUsize,
    },
    /// Resizers that are reached over the network.
    Via(Via),
}

/// Why a run cannot begin. Each message says which setting is wrong and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The input directory cannot be used.
    #[error("INPUT_DIR {} is not a directory that can be read", path.display())]
    Input {
        /// What was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output directory cannot be used.
    #[error("OUTPUT_DIR {} is not a directory, and none can be made there", path.display())]
    Output {
        /// What was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Results would land among the originals.
    #[error(
        "OUTPUT_DIR {} is or contains the input directory, so a result could replace an original: \
         choose another output directory (one inside the input directory is fine)",
        path.display()
    )]
    Overlap {
        /// The output directory.
        path: PathBuf,
    },
    /// More connections at the start than at most.
    #[error("--min-connections {min} is more than --max-connections {max}")]
    Connections {
        /// Connections at the start.
        min: NonZeroUsize,
        /// Connections at most.
        max: NonZeroUsize,
    },
    /// More connections than there can be to one address.
    #[error(
        "--max-connections {max} is more than the {CONNECTIONS_LIMIT} ports that connections to one address can have"
    )]
    TooManyConnections {
        /// Connections at most.
        max: NonZeroUsize,
    },
    /// Not an address.
    #[error("\"{text}\" is not HOST:PORT, such as 127.0.0.1:9090 or [::1]:9090")]
    Address {
        /// What was given.
        text: String,
    },
}

impl Config {
    /// A run on all cores of this machine, each image once. Change the public fields for another.
    ///
    /// # Errors
    /// If `input` is not a directory that can be opened, `output` is something else than a directory, or results
    /// could replace originals because `output` is `input` or lies above it.
    pub fn new(input: &Path, output: &Path, size: Size) -> Result<Self, ConfigError> {
        Self::with_options(input, output, Options::new(size))
    }

    fn with_options(input: &Path, output: &Path, options: Options) -> Result<Self, ConfigError> {
        let input_error = |source| ConfigError::Input {
            path: input.to_owned(),
            source,
        };
        let output_error = |source| ConfigError::Output {
            path: output.to_owned(),
            source,
        };
        let source = input.canonicalize().map_err(input_error)?;
        // Opening it now tells a file, or a directory that may not be read, before any work begins.
        std::fs::read_dir(&source).map_err(input_error)?;
        let target = resolve(output).map_err(output_error)?;
        if target.exists() && !target.is_dir() {
            return Err(output_error(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        if source.starts_with(&target) {
            return Err(ConfigError::Overlap {
                path: output.to_owned(),
            });
        }
        let engine = Engine::Local {
            threads: threads_default(),
        };
        Ok(Self {
            input: source,
            output: target,
            options,
            times: NonZeroU32::MIN,
            engine,
        })
    }
}

impl TryFrom<RawConfig> for Config {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        let Wish(options) = raw.wish;
        let mut config = Self::with_options(&raw.input_dir, &raw.output_dir, options)?;
        config.times = raw.times;
        if let Some(threads) = raw.threads {
            config.engine = Engine::Local { threads };
        }
        if let Some(address) = raw.via {
            let connections = Connections::new(raw.min_connections, raw.max_connections)?;
            let action = if raw.dry_run {
                Action::DryRun
            } else {
                Action::Resize
            };
            config.engine = Engine::Via(Via {
                connections,
                action,
                ..Via::new(address)
            });
        }
        Ok(config)
    }
}

/// Threads at most: each holds an image, and no machine has more cores.
const THREADS_MAX: usize = 1024;

/// Reads how often each image is resized.
fn times(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| format!("must be a whole number from 1 to {}", u32::MAX))
}

/// Reads a number of connections, whose limits are checked together.
fn connections(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "must be a whole number above 0")
}

/// Reads how many threads there are to be.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse() {
        Ok(threads) if NonZeroUsize::get(threads) <= THREADS_MAX => Ok(threads),
        _ => Err(format!("must be a whole number from 1 to {THREADS_MAX}")),
    }
}

/// One thread more than there are cores: a core then has something to do while a thread hands its image over and waits for
/// the next.
fn threads_default() -> NonZeroUsize {
    available_parallelism()
        .unwrap_or(NonZeroUsize::MIN)
        .saturating_add(1)
}

/// Where `path` leads, also when its last components do not exist yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        match ancestor.canonicalize() {
            Ok(found) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(found, |path, part| path.join(part)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A missing component followed by `..` leads nowhere, and a dangling link cannot be made a directory.
                let Some(Component::Normal(name)) = ancestor.components().next_back() else {
                    return Err(error);
                };
                if ancestor.is_symlink() {
                    return Err(error);
                }
                missing.push(name.to_owned());
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests;
