//! Behaviour of jobs, on paused time.

mod lifecycle;
mod scripted;
