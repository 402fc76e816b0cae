//! Decodes a JPEG at its full size with zune-jpeg, in Rust.

use zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZSeekFrom};
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::markers::Frame;
use crate::codec::Decoding;
use crate::pixels::{Channels, Pixels};
use crate::rows::{RowSink, give};
use crate::watch::{BATCH_BYTES, Watch};
use crate::{Format, ImageError};

pub(crate) fn decode(
    decoding: &Decoding<'_>,
    frame: &Frame,
    sink: &mut dyn RowSink,
) -> Result<(), ImageError> {
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
    give(&pixels, 1, sink)
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

/// Reads from memory, and asks from time to time whether to go on.
///
/// This is where the decoder spends much of its time, so one comparison tells both that nothing is due and that there is
/// enough left to read.
struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    /// Up to here, nothing has to be asked; never behind the end of the input.
    calm_until: usize,
    watch: &'a Watch<'a>,
}

impl<'a> Reader<'a> {
    const fn new(decoding: &Decoding<'a>) -> Self {
        Self {
            input: decoding.input,
            position: 0,
            calm_until: 0,
            watch: decoding.watch,
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    #[cold]
    fn ask(&mut self) -> Result<(), ZByteIoError> {
        self.watch.check_io()?;
        self.calm_until = (self.position + BATCH_BYTES).min(self.input.len());
        Ok(())
    }
}

impl ZByteReaderTrait for Reader<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        let byte = self.input.get(self.position).copied().unwrap_or(0);
        self.position += 1;
        byte
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        let end = self.position + buffer.len();
        if end > self.calm_until {
            self.ask()?;
        }
        let Some(bytes) = self.input.get(self.position..end) else {
            return Err(ZByteIoError::NotEnoughBytes(
                self.rest().len(),
                buffer.len(),
            ));
        };
        buffer.copy_from_slice(bytes);
        self.position = end;
        Ok(())
    }

    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let count = self.peek_bytes(buffer)?;
        self.position += count;
        Ok(count)
    }

    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let rest = self.rest();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        let position = self.position;
        self.read_exact_bytes(buffer)?;
        self.position = position;
        Ok(())
    }

    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let position = match from {
            ZSeekFrom::Start(position) => usize::try_from(position).ok(),
            ZSeekFrom::End(by) => self.input.len().checked_add_signed(by as isize),
            ZSeekFrom::Current(by) => self.position.checked_add_signed(by as isize),
        };
        // So far from the end of all numbers, positions can be added to without a care.
        let position = position.filter(|&position| position <= isize::MAX as usize);
        self.position = position.ok_or(ZByteIoError::SeekError("out of range"))?;
        Ok(self.position as u64)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        // When the decoder is refused some bytes it tries one at a time, without asking for errors but here.
        if self.watch.has_stopped() {
            self.watch.check_io()?;
        }
        Ok(self.position >= self.input.len())
    }

    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.position as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let rest = self.rest();
        sink.extend_from_slice(rest);
        self.position += rest.len();
        Ok(rest.len())
    }
}
