//! Event journal, misbehaving backends and tiny images for the tests of this workspace.

pub mod backends;
pub mod images;
