//! Whole runs: the job against a real server and real files, and the program as a process.

// Marked as tests, so that the lints know their helpers for tests as well.
#[cfg(test)]
mod local;
#[cfg(test)]
mod place;
#[cfg(test)]
mod program;
#[cfg(test)]
mod server;
#[cfg(test)]
mod via;
