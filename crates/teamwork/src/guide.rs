//! Longer reading: how a job lives, what a stop may interrupt, how clean-up works, and where to begin when coming from elsewhere.
//!
//! The programs in the `examples` folder are the course that goes with it, from `01_hello` to `12_scripted_tasks`.

#[doc = include_str!("../docs/lifecycle.md")]
pub mod lifecycle {}

#[doc = include_str!("../docs/cancel_safety.md")]
pub mod cancel_safety {}

#[doc = include_str!("../docs/finalizers.md")]
pub mod finalizers {}

#[doc = include_str!("../docs/coming_from_go_work.md")]
pub mod coming_from_go_work {}

#[doc = include_str!("../docs/coming_from_join_set.md")]
pub mod coming_from_join_set {}
