//! Decodes a JPEG at its full size with zune-jpeg, in Rust.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::markers::Frame;
use crate::pixels::{Channels, Decoded, Pixels};
use crate::{Format, ImageError};

pub(crate) fn decode(input: &[u8], frame: &Frame) -> Result<Decoded, ImageError> {
    let channels = frame.colours.channels();
    // Our own limits were checked before; those of the decoder must not be lower.
    let options = DecoderOptions::new_fast()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(usize::MAX)
        .jpeg_set_out_colorspace(colour_space(channels));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(input), options);
    decoder.decode_headers().map_err(|error| corrupt(&error))?;
    let agreed = (frame.size().width as usize, frame.size().height as usize);
    if decoder.dimensions() != Some(agreed) {
        return Err(ImageError::corrupt(
            Format::Jpeg,
            "the file has two different sizes",
        ));
    }
    let data = decoder.decode().map_err(|error| corrupt(&error))?;
    let pixels = Pixels::new(frame.size(), channels, data)
        .ok_or_else(|| ImageError::corrupt(Format::Jpeg, "the picture is incomplete"))?;
    Ok(Decoded { pixels, shrink: 1 })
}

const fn colour_space(channels: Channels) -> ColorSpace {
    match channels {
        Channels::Gray => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    }
}

fn corrupt(error: &DecodeErrors) -> ImageError {
    ImageError::corrupt(Format::Jpeg, error.to_string())
}
