//! Decodes a PNG.

use std::io::{BufRead, Seek};

use png::{BitDepth, ColorType, DecodingError, Info, Limits, Reader, Transformations};

use super::plain;
use crate::codec::Decoding;
use crate::pixels::Channels;
use crate::raster::to_byte;
use crate::rows::{Form, RowSink};
use crate::watch::WatchedReader;
use crate::{Format, ImageError};

/// The longest match, 258 bytes, in the shortest code, one bit for its length and one for its distance.
const DEFLATE_RATIO_MAX: usize = 258 * 8 / 2;

/// Decodes to 8 bits per channel: palettes and transparent colours are resolved, 16 bits are rounded,
/// 1, 2 and 4 bits are spread.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    let (input, source) = (decoding.input, decoding.source);
    // What the decoder keeps besides pixels are rows and small chunks, which cannot be larger than this.
    let bytes = input.len().max(1 << 24);
    let reader = WatchedReader::new(input, decoding.watch);
    let mut decoder = png::Decoder::new_with_limits(reader, Limits { bytes });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(corrupt)?;
    if reader.info().size() != (source.width, source.height) {
        return Err(ImageError::corrupt(
            Format::Png,
            "the file has two different sizes",
        ));
    }
    check_plausible(input, reader.info())?;
    let (colours, depth) = reader.output_color_type();
    sink.begin(&Form::whole(source.stored_size(), channels(colours)))?;
    let info = reader.info();
    let is_plain = info.bit_depth == BitDepth::Eight && info.trns.is_none() && !info.interlaced;
    match info.color_type {
        ColorType::Grayscale if is_plain => return plain::decode::<1>(decoding, sink),
        ColorType::GrayscaleAlpha if is_plain => return plain::decode::<2>(decoding, sink),
        ColorType::Rgb if is_plain => return plain::decode::<3>(decoding, sink),
        ColorType::Rgba if is_plain => return plain::decode::<4>(decoding, sink),
        _ => {}
    }
    let mut rows = Rows {
        sink,
        is_wide: depth == BitDepth::Sixteen,
        narrow: Vec::new(),
    };
    if reader.info().interlaced {
        whole(&mut reader, &mut rows)?;
    } else {
        let length = line_bytes(&reader, source.width)?;
        let mut row = vec![0; length];
        while reader.read_row(&mut row).map_err(corrupt)?.is_some() {
            rows.take(&row)?;
        }
    }
    // Without this, a file that lacks its end would pass.
    reader.finish().map_err(corrupt)
}

/// What takes rows of 8 or 16 bits per sample.
struct Rows<'a> {
    sink: &'a mut dyn RowSink,
    is_wide: bool,
    narrow: Vec<u8>,
}

impl Rows<'_> {
    fn take(&mut self, row: &[u8]) -> Result<(), ImageError> {
        if !self.is_wide {
            return self.sink.take(0, row);
        }
        let (samples, _) = row.as_chunks::<2>();
        let nearest = samples
            .iter()
            .map(|&sample| to_byte(u16::from_be_bytes(sample)));
        self.narrow.clear();
        self.narrow.extend(nearest);
        self.sink.take(0, &self.narrow)
    }
}

/// Decodes a picture whose first rows are complete only when the last ones are.
fn whole<R: BufRead + Seek>(reader: &mut Reader<R>, rows: &mut Rows<'_>) -> Result<(), ImageError> {
    let length = reader
        .output_buffer_size()
        .ok_or_else(|| ImageError::corrupt(Format::Png, "the picture does not fit into memory"))?;
    let mut data = vec![0; length];
    let frame = reader.next_frame(&mut data).map_err(corrupt)?;
    data.truncate(frame.buffer_size());
    data.chunks_exact(frame.line_size)
        .try_for_each(|row| rows.take(row))
}

fn line_bytes<R: BufRead + Seek>(reader: &Reader<R>, width: u32) -> Result<usize, ImageError> {
    reader
        .output_line_size(width)
        .ok_or_else(|| ImageError::corrupt(Format::Png, "a row does not fit into memory"))
}

/// A small file cannot claim a large picture: nothing compresses better than deflate can at its best.
fn check_plausible(input: &[u8], info: &Info<'_>) -> Result<(), ImageError> {
    if info.raw_bytes() / DEFLATE_RATIO_MAX > input.len() {
        let reason = "the file has too little data for its picture";
        return Err(ImageError::corrupt(Format::Png, reason));
    }
    Ok(())
}

const fn channels(color_type: ColorType) -> Channels {
    match color_type {
        ColorType::Grayscale => Channels::Gray,
        ColorType::GrayscaleAlpha => Channels::GrayAlpha,
        // A palette was expanded to one of the two.
        ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
    }
}

fn corrupt(error: DecodingError) -> ImageError {
    ImageError::corrupt(Format::Png, error)
}
