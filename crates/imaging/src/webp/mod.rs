//! WebP: our own reader of its chunks, and the encoders.

mod chunks;
mod encode;
mod extras;

pub(crate) use chunks::read_header;
pub(crate) use encode::{Loss, encode};
pub(crate) use extras::read_extras;
