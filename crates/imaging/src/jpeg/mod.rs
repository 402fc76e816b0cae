//! JPEG: our own reader of its structure, the decoders and the encoder.

mod coverage;
mod decode;
mod encode;
mod extras;
mod frame;
mod joined;
#[cfg(feature = "mozjpeg")]
mod libjpeg;
mod markers;
mod ours;
mod zune;

pub(crate) use decode::decode;
pub(crate) use encode::{encode, encode_planes};
pub(crate) use extras::read_extras;
pub(crate) use markers::{read_header, whole_bytes};

use crate::{Format, ImageError};

fn corrupt(reason: &'static str) -> ImageError {
    ImageError::corrupt(Format::Jpeg, reason)
}

const fn unsupported(feature: &'static str) -> ImageError {
    ImageError::Unsupported {
        format: Format::Jpeg,
        feature,
    }
}
