//! The decoder as those see it that use it.

mod conformance;
mod damage;
mod files;
