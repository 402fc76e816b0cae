//! Misbehaving backends, tiny images and programs under test, for the tests of this workspace.

pub mod backends;
pub mod exposition;
pub mod images;
pub mod programs;
