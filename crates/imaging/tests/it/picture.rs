//! Decoded pictures, to look at what came out.

use std::io::Cursor;

use image_webp::WebPDecoder;
use imaging::{Format, Options, Resized, Size, resize};
use zune_core::bytestream::ZCursor;
use zune_jpeg::JpegDecoder;

/// A decoded picture: its pixels by row, each with as many bytes as the picture has channels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) data: Vec<u8>,
}

impl Picture {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        match Format::detect(bytes).expect("an image") {
            Format::Jpeg => Self::decode_jpeg(bytes),
            Format::Png => Self::decode_png(bytes),
            Format::WebP => Self::decode_webp(bytes),
            other => unreachable!("{other} is not written"),
        }
    }

    /// Decodes to RGB, or to gray if there is one component.
    fn decode_jpeg(bytes: &[u8]) -> Self {
        let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
        decoder.decode_headers().expect("a good header");
        let gray = decoder.info().expect("headers were decoded").components == 1;
        let mut data = decoder.decode().expect("a good picture");
        let (width, height) = decoder.dimensions().expect("it was decoded");
        if gray && data.len() == width * height * 3 {
            data = data.chunks_exact(3).map(|pixel| pixel[0]).collect();
        }
        Self {
            width,
            height,
            channels: data.len() / (width * height),
            data,
        }
    }

    fn decode_png(bytes: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(bytes))
            .read_info()
            .expect("a good header");
        let mut data = vec![0; reader.output_buffer_size().expect("it fits into memory")];
        let frame = reader.next_frame(&mut data).expect("a good picture");
        let (width, height) = (frame.width as usize, frame.height as usize);
        Self {
            width,
            height,
            channels: data.len() / (width * height),
            data,
        }
    }

    fn decode_webp(bytes: &[u8]) -> Self {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).expect("a good header");
        let mut data = vec![0; decoder.output_buffer_size().expect("it fits into memory")];
        decoder.read_image(&mut data).expect("a good picture");
        let (width, height) = decoder.dimensions();
        let (width, height) = (width as usize, height as usize);
        Self {
            width,
            height,
            channels: data.len() / (width * height),
            data,
        }
    }

    pub(crate) fn pixels(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.channels)
    }

    pub(crate) fn pixel(&self, x: usize, y: usize) -> &[u8] {
        self.pixels()
            .nth(y * self.width + x)
            .expect("x and y lie inside")
    }

    pub(crate) fn mean(&self) -> f64 {
        let sum: f64 = self.data.iter().map(|&byte| f64::from(byte)).sum();
        sum / self.data.len() as f64
    }

    /// Returns the largest difference of any byte. The pictures must have the same shape.
    pub(crate) fn furthest(&self, other: &Self) -> u8 {
        assert_eq!(
            (self.width, self.height, self.channels),
            (other.width, other.height, other.channels)
        );
        let differences = self.data.iter().zip(&other.data);
        differences
            .map(|(left, right)| left.abs_diff(*right))
            .max()
            .unwrap_or(0)
    }
}

/// Resizes an image that is known to be good.
pub(crate) fn fit(input: &[u8], width: u32, height: u32) -> Resized {
    resize(input, &Options::new(Size::new(width, height))).expect("a good image")
}

/// Resizes an image that is known to be good and decodes the result.
pub(crate) fn fit_picture(input: &[u8], width: u32, height: u32) -> Picture {
    Picture::decode(&fit(input, width, height).bytes)
}

/// Encodes a PNG of 8 bits with any number of channels.
pub(crate) fn encode_png(picture: &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = (picture.width as u32, picture.height as u32);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(match picture.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&picture.data))
        .expect("a picture of the right length");
    bytes
}
