//! AVIF: our own reader of its boxes, a decoder and an encoder.
//!
//! What is read: one coded picture (`av01`), or a grid of such, that is the primary item of the file; its opacity, rotation,
//! mirror, colours, EXIF and XMP. Written from ISO/IEC 14496-12, ISO/IEC 23008-12 and the AVIF specification, which names them.

mod bands;
mod boxes;
mod coded;
mod colours;
mod container;
mod decode;
mod encode;
mod extras;
mod header;
mod opacity;
mod picture;
mod places;
mod properties;
mod samples;
mod turn;
mod units;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use extras::read_extras;
pub(crate) use header::read_header;
