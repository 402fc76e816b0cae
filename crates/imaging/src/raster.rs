//! Decodes the formats that others read for us: WebP, GIF, BMP and TIFF.

use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder};

use crate::codec::Decoding;
use crate::pixels::{Channels, Pixels};
use crate::rows::{RowSink, give};
use crate::watch::WatchedReader;
use crate::{Format, ImageError, tiff};

/// What a decoder may use besides its pixels: rows, tables and small files.
const WORK_BYTES: u64 = 16 << 20;

/// Decodes a picture to 8 bits per channel. These decoders give it whole.
pub(crate) fn decode(decoding: &Decoding<'_>, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    let format = decoding.source.format;
    let reader = WatchedReader::new(decoding.input, decoding.watch);
    let pixels = match format {
        Format::WebP => read(WebPDecoder::new(reader), decoding),
        Format::Gif => read(GifDecoder::new(reader), decoding),
        Format::Bmp => read(BmpDecoder::new(reader), decoding),
        _ => read(TiffDecoder::new(reader), decoding).map(|mut pixels| {
            if tiff::is_weighted(decoding.input) {
                unweight(&mut pixels);
            }
            pixels
        }),
    }?;
    give(&pixels, 1, sink)
}

fn read(
    decoder: image::ImageResult<impl ImageDecoder>,
    decoding: &Decoding<'_>,
) -> Result<Pixels, ImageError> {
    let source = decoding.source;
    let failed = |error| failed(source.format, error);
    let mut decoder = decoder.map_err(failed)?;
    if decoder.dimensions() != (source.width, source.height) {
        return Err(ImageError::corrupt(
            source.format,
            "the file has two different sizes",
        ));
    }
    let (channels, depth) = kind(decoder.color_type()).ok_or(ImageError::Unsupported {
        format: source.format,
        feature: "samples that are no whole numbers",
    })?;
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(2 * decoder.total_bytes() + WORK_BYTES);
    decoder.set_limits(limits).map_err(failed)?;
    let length = source.stored_size().pixels() as usize * channels.count() * depth.bytes();
    let mut data = vec![0; length];
    decoder.read_image(&mut data).map_err(failed)?;
    let data = match depth {
        Depth::Eight => data,
        Depth::Sixteen => halve(&data),
    };
    Pixels::new(source.stored_size(), channels, data)
        .ok_or_else(|| ImageError::corrupt(source.format, "the picture is incomplete"))
}

/// Divides colours by their opacity.
fn unweight(pixels: &mut Pixels) {
    if !pixels.channels.has_alpha() {
        return;
    }
    for pixel in pixels.data.chunks_exact_mut(pixels.channels.count()) {
        if let Some((&mut opacity @ 1.., colours)) = pixel.split_last_mut() {
            let opacity = u32::from(opacity);
            for colour in colours {
                let quotient = (u32::from(*colour) * 255 + opacity / 2) / opacity;
                *colour = quotient.min(255) as u8;
            }
        }
    }
}

/// How many bits a sample has.
#[derive(Clone, Copy)]
enum Depth {
    Eight,
    Sixteen,
}

impl Depth {
    const fn bytes(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Sixteen => 2,
        }
    }
}

const fn kind(color_type: ColorType) -> Option<(Channels, Depth)> {
    Some(match color_type {
        ColorType::L8 => (Channels::Gray, Depth::Eight),
        ColorType::La8 => (Channels::GrayAlpha, Depth::Eight),
        ColorType::Rgb8 => (Channels::Rgb, Depth::Eight),
        ColorType::Rgba8 => (Channels::Rgba, Depth::Eight),
        ColorType::L16 => (Channels::Gray, Depth::Sixteen),
        ColorType::La16 => (Channels::GrayAlpha, Depth::Sixteen),
        ColorType::Rgb16 => (Channels::Rgb, Depth::Sixteen),
        ColorType::Rgba16 => (Channels::Rgba, Depth::Sixteen),
        _ => return None,
    })
}

/// Turns 16-bit samples, in the order of this machine, into the nearest of 8 bits.
fn halve(samples: &[u8]) -> Vec<u8> {
    let (samples, _) = samples.as_chunks::<2>();
    samples
        .iter()
        .map(|&sample| to_byte(u16::from_ne_bytes(sample)))
        .collect()
}

/// Returns the nearest of 256 steps.
pub(crate) const fn to_byte(sample: u16) -> u8 {
    ((sample as u32 + 128) / 257) as u8
}

fn failed(format: Format, error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::Unsupported(_) => ImageError::Unsupported {
            format,
            feature: "this kind of pixels or compression",
        },
        error => ImageError::corrupt(format, error),
    }
}
