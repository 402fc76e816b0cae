//! PNG: our own reader of its chunks, the decoder and the encoder.

mod chunks;
mod decode;
mod encode;
mod plain;
mod unfilter;

pub(crate) use chunks::{read_extras, read_header, whole_pixel_bytes};
pub(crate) use decode::decode;
pub(crate) use encode::encode;
