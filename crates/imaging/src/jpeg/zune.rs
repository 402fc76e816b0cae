//! Decodes a JPEG at its full size with zune-jpeg, in Rust.

use zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom};
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::markers::Frame;
use crate::codec::Decoding;
use crate::pixels::{Channels, Decoded, Pixels};
use crate::watch::{BATCH_BYTES, Watch};
use crate::{Format, ImageError};

pub(crate) fn decode(decoding: &Decoding<'_>, frame: &Frame) -> Result<Decoded, ImageError> {
    // This decoder turns inks into light itself.
    let channels = match frame.colours.channels() {
        Channels::Inks => Channels::Rgb,
        channels => channels,
    };
    // Our own limits were checked before; those of the decoder must not be lower.
    let options = DecoderOptions::new_fast()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(usize::MAX)
        .jpeg_set_out_colorspace(colour_space(channels));
    let mut decoder = JpegDecoder::new_with_options(Reader::new(decoding), options);
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

/// Reads from memory as fast as [`ZCursor`] alone, and asks from time to time whether to go on.
///
/// The decoder asks after each few bytes whether the file has ended, which is when an error reaches it.
struct Reader<'a> {
    cursor: ZCursor<&'a [u8]>,
    watch: &'a Watch<'a>,
    /// The position at which to ask next.
    ask_at: u64,
}

impl<'a> Reader<'a> {
    fn new(decoding: &Decoding<'a>) -> Self {
        Self {
            cursor: ZCursor::new(decoding.input),
            watch: decoding.watch,
            ask_at: 0,
        }
    }

    #[inline(always)]
    fn check(&mut self) -> Result<(), ZByteIoError> {
        match self.cursor.z_position()? >= self.ask_at {
            true => self.ask(),
            false => Ok(()),
        }
    }

    #[cold]
    fn ask(&mut self) -> Result<(), ZByteIoError> {
        self.watch.check_io()?;
        self.ask_at = self.cursor.z_position()? + BATCH_BYTES as u64;
        Ok(())
    }
}

impl ZByteReaderTrait for Reader<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        self.cursor.read_byte_no_error()
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.check()?;
        self.cursor.read_exact_bytes(buffer)
    }

    #[inline(always)]
    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.check()?;
        self.cursor.read_bytes(buffer)
    }

    #[inline(always)]
    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.cursor.peek_bytes(buffer)
    }

    #[inline(always)]
    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.cursor.peek_exact_bytes(buffer)
    }

    #[inline(always)]
    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        self.cursor.z_seek(from)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        self.check()?;
        self.cursor.is_eof()
    }

    #[inline(always)]
    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        self.cursor.z_position()
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        self.cursor.read_remaining(sink)
    }
}
