//! What the suite says to its workers, and what they answer: a line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Files to make thumbnails of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Both sides of the box that each thumbnail fits into.
    pub(crate) side: u32,
    /// The quality of formats with loss.
    pub(crate) quality: u8,
    /// Each source and its thumbnail, whose extension says its format.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
}

/// What a worker has used since it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Used {
    /// Processor time of all threads, in user and system mode; of a tool that is started for each batch, that of the tool.
    pub(crate) cpu_ns: u64,
    /// The most memory that was resident at a time.
    pub(crate) peak_bytes: u64,
    /// Why the batch failed.
    pub(crate) error: Option<String>,
}
