//! The codecs and scalers under comparison, each brought to the same shape.

use std::io::Cursor;

use anyhow::{Context, Result, anyhow};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use imaging::Size;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use mozjpeg::{ColorSpace, Compress, Decompress};
use pic_scale_safe::{ImageSize, ResamplingFunction};
use png::DeflateCompression;
use zune_core::bytestream::ZCursor;
use zune_jpeg::JpegDecoder;

/// A picture with 1 to 4 bytes per pixel.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<u8>,
}

impl Picture {
    fn new(size: Size, data: Vec<u8>) -> Self {
        Self {
            width: size.width as usize,
            height: size.height as usize,
            data,
        }
    }

    /// Tells how close `other` is: peak signal to noise ratio, in decibels.
    pub(crate) fn psnr(&self, other: &Self) -> f64 {
        let differences = self.data.iter().zip(&other.data);
        let squares: f64 = differences
            .map(|(&left, &right)| f64::from(left.abs_diff(right)).powi(2))
            .sum();
        10.0 * (255.0 * 255.0 * self.data.len() as f64 / squares).log10()
    }

    fn channels(&self) -> usize {
        self.data.len() / (self.width * self.height)
    }

    /// Adds an opacity that varies, so that no scaler can skip the work.
    pub(crate) fn with_alpha(&self) -> Self {
        let (pixels, _) = self.data.as_chunks::<3>();
        Self {
            data: pixels
                .iter()
                .flat_map(|&[r, g, b]| [r, g, b, g | 1])
                .collect(),
            ..*self
        }
    }
}

/// Decodes at `1/shrink` with libjpeg in C, compiled without assembly.
pub(crate) fn libjpeg(jpeg: &[u8], shrink: u32) -> Result<Picture> {
    let mut decoder = Decompress::new_mem(jpeg)?;
    decoder.scale(u8::try_from(8 / shrink)?);
    let mut decoder = decoder.rgb()?;
    let (width, height) = (decoder.width(), decoder.height());
    let data = decoder.read_scanlines()?;
    Ok(Picture {
        width,
        height,
        data,
    })
}

/// Decodes at `1/shrink` with the Rust decoder that can do so.
pub(crate) fn jpeg_decoder(jpeg: &[u8], shrink: u32) -> Result<Picture> {
    let mut decoder = jpeg_decoder::Decoder::new(jpeg);
    decoder.read_info()?;
    let full = decoder.info().context("a header was read")?;
    let part = |side: u16| u32::from(side).div_ceil(shrink).try_into();
    let (width, height) = decoder.scale(part(full.width)?, part(full.height)?)?;
    let data = decoder.decode()?;
    Ok(Picture {
        width: width.into(),
        height: height.into(),
        data,
    })
}

/// Decodes at full size with the fastest Rust decoder.
pub(crate) fn zune(jpeg: &[u8]) -> Result<Picture> {
    let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
    let data = decoder.decode().map_err(|error| anyhow!("{error}"))?;
    let (width, height) = decoder.dimensions().context("a picture was decoded")?;
    Ok(Picture {
        width,
        height,
        data,
    })
}

/// Scales with `fast_image_resize`: SIMD chosen at run time.
pub(crate) fn fast_image_resize(picture: &Picture, to: Size) -> Result<Picture> {
    let pixel_type = match picture.channels() {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let from = ImageRef::new(
        picture.width.try_into()?,
        picture.height.try_into()?,
        &picture.data,
        pixel_type,
    )?;
    let mut scaled = Image::new(to.width, to.height, pixel_type);
    Resizer::new().resize(&from, &mut scaled, &ResizeOptions::new())?;
    Ok(Picture::new(to, scaled.into_vec()))
}

/// Scales with `pic-scale-safe`: no unsafe code.
pub(crate) fn pic_scale_safe(picture: &Picture, to: Size) -> Result<Picture> {
    let from = ImageSize::new(picture.width, picture.height);
    let target = ImageSize::new(to.width as usize, to.height as usize);
    let data = if picture.channels() == 4 {
        let mut premultiplied = picture.data.clone();
        pic_scale_safe::premultiply_rgba8(&mut premultiplied);
        let mut scaled = pic_scale_safe::resize_rgba8(
            &premultiplied,
            from,
            target,
            ResamplingFunction::Lanczos3,
        );
        if let Ok(scaled) = &mut scaled {
            pic_scale_safe::unpremultiply_rgba8(scaled);
        }
        scaled
    } else {
        pic_scale_safe::resize_rgb8(&picture.data, from, target, ResamplingFunction::Lanczos3)
    };
    Ok(Picture::new(to, data.map_err(|error| anyhow!("{error}"))?))
}

/// Encodes 4:2:0 with the Rust encoder.
pub(crate) fn jpeg_encoder(picture: &Picture, quality: u8, optimized: bool) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_optimized_huffman_tables(optimized);
    let (width, height) = (picture.width.try_into()?, picture.height.try_into()?);
    encoder.encode(&picture.data, width, height, ColorType::Rgb)?;
    Ok(bytes)
}

/// Encodes 4:2:0 with libjpeg in C, in its fast mode.
pub(crate) fn libjpeg_encoder(picture: &Picture, quality: u8, optimized: bool) -> Result<Vec<u8>> {
    let mut encoder = Compress::new(ColorSpace::JCS_RGB);
    encoder.set_fastest_defaults();
    encoder.set_size(picture.width, picture.height);
    encoder.set_quality(quality.into());
    encoder.set_optimize_coding(optimized);
    encoder.set_chroma_sampling_pixel_sizes((2, 2), (2, 2));
    let mut encoder = encoder.start_compress(Vec::new())?;
    encoder.write_scanlines(&picture.data)?;
    Ok(encoder.finish()?)
}

/// Encodes a PNG with filters chosen per row; without a level, in the one-pass mode of `fdeflate`.
pub(crate) fn png(picture: &Picture, level: Option<u8>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = (picture.width.try_into()?, picture.height.try_into()?);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(match picture.channels() {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_deflate_compression(level.map_or(
        DeflateCompression::FdeflateUltraFast,
        DeflateCompression::Level,
    ));
    encoder.set_filter(png::Filter::Adaptive);
    encoder.write_header()?.write_image_data(&picture.data)?;
    Ok(bytes)
}

/// Decodes a PNG in colours.
pub(crate) fn decode_png(png: &[u8]) -> Result<Picture> {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let length = reader.output_buffer_size().context("it fits into memory")?;
    let mut data = vec![0; length];
    let frame = reader.next_frame(&mut data)?;
    Ok(Picture::new(Size::new(frame.width, frame.height), data))
}
