//! The job tree as a value, and the program as its user meets it.

// Marked as tests, so that the lints know their helpers for tests as well.
#[cfg(test)]
mod program;
#[cfg(test)]
mod tree;
