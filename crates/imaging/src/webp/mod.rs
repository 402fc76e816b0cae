//! WebP: our own reader of its chunks, the decoders and the encoders.

mod chunks;
mod decode;
mod encode;
mod extras;
mod opacity;

pub(crate) use chunks::{has_opacity, read_header};
pub(crate) use decode::decode;
pub(crate) use encode::{Loss, encode};
pub(crate) use extras::read_extras;
