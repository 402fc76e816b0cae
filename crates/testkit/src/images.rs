//! Small images made on the spot: known pixels in, encoded bytes out.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// High enough that a decoded picture is within a few steps of what was drawn.
const QUALITY: u8 = 95;

/// Encodes a JPEG of one colour.
#[must_use]
pub fn solid_jpeg(width: u16, height: u16, colour: [u8; 3]) -> Vec<u8> {
    jpeg(width, height, |_, _| colour)
}

/// Encodes a JPEG that gets redder to the right and greener to the bottom.
#[must_use]
pub fn gradient_jpeg(width: u16, height: u16) -> Vec<u8> {
    jpeg(width, height, |x, y| {
        [ramp(x, width.into()), ramp(y, height.into()), 96]
    })
}

/// Encodes a grayscale JPEG that gets brighter to the right.
#[must_use]
pub fn gray_jpeg(width: u16, height: u16) -> Vec<u8> {
    let row: Vec<u8> = (0..width).map(|x| ramp(x.into(), width.into())).collect();
    encode_jpeg(width, height, (&row.repeat(height.into()), ColorType::Luma))
}

/// Encodes a JPEG, asking `colour` for the pixel at each x and y.
#[must_use]
pub fn jpeg(width: u16, height: u16, colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let pixels = draw(width.into(), height.into(), colour);
    encode_jpeg(width, height, (&pixels, ColorType::Rgb))
}

/// Encodes a PNG of one colour, given as red, green, blue and opacity.
#[must_use]
pub fn solid_png(width: u32, height: u32, colour: [u8; 4]) -> Vec<u8> {
    png(width, height, |_, _| colour)
}

/// Encodes an opaque PNG that gets redder to the right and greener to the bottom.
#[must_use]
pub fn gradient_png(width: u32, height: u32) -> Vec<u8> {
    png(width, height, |x, y| {
        [ramp(x, width), ramp(y, height), 96, 255]
    })
}

/// Encodes a PNG, asking `colour` for red, green, blue and opacity at each x and y.
///
/// # Panics
///
/// If a side is 0, which no PNG can have.
#[must_use]
pub fn png(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let pixels = draw(width, height, colour);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("the sides are not 0, and a buffer in memory takes everything");
    bytes
}

/// Returns `jpeg` with an EXIF segment that says `orientation`, from 1 to 8, or something wrong on purpose.
#[must_use]
pub fn with_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    let mut exif = b"Exif\0\0II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend(orientation.to_le_bytes());
    exif.extend([0; 6]);
    with_segment(jpeg, 0xE1, &exif)
}

/// Returns `jpeg` with another segment in front: its marker, its length, and `payload`.
///
/// # Panics
///
/// If the payload is longer than a segment can be.
#[must_use]
pub fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("a segment has at most 65533 bytes");
    let (start, rest) = jpeg.split_at(2);
    let header = [&[0xFF, marker], &length.to_be_bytes()[..]].concat();
    [start, &header, payload, rest].concat()
}

/// Returns the first half of `jpeg` with an end of its own: a picture with half of its rows, which is damaged but can be read.
#[must_use]
pub fn cut_short(jpeg: &[u8]) -> Vec<u8> {
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
    [&jpeg[..jpeg.len() / 2], &END_OF_IMAGE].concat()
}

fn draw<const N: usize>(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; N]) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| colour(x, y))
        .collect()
}

fn encode_jpeg(width: u16, height: u16, (pixels, color_type): (&[u8], ColorType)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder
        .encode(pixels, width, height, color_type)
        .expect("a buffer in memory takes everything, and it has the right length");
    bytes
}

/// Goes from 0 to 255 over `length` steps.
fn ramp(position: u32, length: u32) -> u8 {
    u8::try_from(position * 255 / length.saturating_sub(1).max(1)).unwrap_or(u8::MAX)
}
