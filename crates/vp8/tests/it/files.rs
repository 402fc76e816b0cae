//! Files to be decoded.

use std::fs;

use fastrand::Rng;
use webp::WebPConfig;

/// Bytes before the frame in a file that holds nothing else.
const CONTAINER_BYTES: usize = 20;

/// Returns the frame of a file that holds nothing else.
pub(crate) fn chunk(file: &[u8]) -> &[u8] {
    let length = file[16..CONTAINER_BYTES].first_chunk().copied();
    let length = u32::from_le_bytes(length.expect("the length of the chunk")) as usize;
    &file[CONTAINER_BYTES..CONTAINER_BYTES + length]
}

/// Makes a file of a frame.
pub(crate) fn with_container(frame: &[u8]) -> Vec<u8> {
    let even = frame.len().next_multiple_of(2);
    let mut file = b"RIFF".to_vec();
    file.extend((even as u32 + 12).to_le_bytes());
    file.extend(b"WEBPVP8 ");
    file.extend((frame.len() as u32).to_le_bytes());
    file.extend(frame);
    file.resize(CONTAINER_BYTES + even, 0);
    file
}

/// A photo as RGB, and its width and height.
pub(crate) fn photo() -> (Vec<u8>, u32, u32) {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");
    let file = fs::read(format!("{samples}/coffee.jpg")).expect("the repository has samples");
    let picture = jpeg::decode(&file, &jpeg::Request::default()).expect("a good photo");
    let planes = picture.planes.first_chunk();
    let [light, blue, red] = planes.expect("the photo has colours");
    let (width, height) = (light.width as usize, light.height as usize);
    let mut rgb = vec![0; width * height * 3];
    for (at, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at % width, at / width);
        let sample = |plane: &jpeg::Plane| {
            let (columns, rows) = (plane.pitch.0 as usize, plane.pitch.1 as usize);
            plane.data[y / rows * plane.width as usize + x / columns]
        };
        let [light, blue, red] = [light, blue, red].map(|plane| f32::from(sample(plane)));
        let (blue, red) = (blue - 128.0, red - 128.0);
        pixel[0] = (light + 1.402 * red) as u8;
        pixel[1] = (light - 0.344 * blue - 0.714 * red) as u8;
        pixel[2] = (light + 1.772 * blue) as u8;
    }
    (rgb, light.width, light.height)
}

/// What a picture looks like.
#[derive(Debug, Clone, Copy)]
enum Look {
    Flat,
    Noise,
    /// Waves with a little noise: has all directions of prediction.
    Waves,
}

/// A file that libwebp writes.
#[derive(Debug)]
pub(crate) struct Made {
    size: (u32, u32),
    look: Look,
    quality: f32,
    method: i32,
    segments: i32,
    /// The logarithm of their number.
    partitions: i32,
    /// Strength, sharpness and kind of the filter.
    filter: (i32, i32, i32),
    sns: i32,
}

impl Made {
    pub(crate) fn random(random: &mut Rng) -> Self {
        let side = |random: &mut Rng| match random.u8(..4) {
            0 => random.u32(1..=20),
            1 => random.u32(1..=300),
            _ => random.u32(1..=90),
        };
        Self {
            size: (side(random), side(random)),
            look: random
                .choice([Look::Flat, Look::Noise, Look::Waves, Look::Waves])
                .expect("some"),
            quality: random.u32(0..=100) as f32,
            method: random.i32(0..=6),
            segments: random.i32(1..=4),
            partitions: random.i32(0..=3),
            filter: (random.i32(0..=100), random.i32(0..=7), random.i32(0..=1)),
            sns: random.i32(0..=100),
        }
    }

    fn pixels(&self, random: &mut Rng) -> Vec<u8> {
        let (width, height) = self.size;
        let flat: [u8; 3] = [random.u8(..), random.u8(..), random.u8(..)];
        let turns: [f32; 6] = std::array::from_fn(|_| random.f32() * 0.6 - 0.3);
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x as f32, y as f32)));
        let mut pixels = Vec::new();
        for (x, y) in places {
            for (colour, &flat) in flat.iter().enumerate() {
                let wave = (x * turns[colour * 2] + y * turns[colour * 2 + 1]).sin();
                pixels.push(match self.look {
                    Look::Flat => flat,
                    Look::Noise => random.u8(..),
                    Look::Waves => (128.0 + wave * 110.0 + random.f32() * 9.0) as u8,
                });
            }
        }
        pixels
    }

    /// Returns the frame of the file.
    pub(crate) fn encode(&self, random: &mut Rng) -> Vec<u8> {
        let mut config = WebPConfig::new().expect("the version it was compiled with");
        config.quality = self.quality;
        config.method = self.method;
        config.segments = self.segments;
        config.partitions = self.partitions;
        (
            config.filter_strength,
            config.filter_sharpness,
            config.filter_type,
        ) = self.filter;
        config.sns_strength = self.sns;
        let pixels = self.pixels(random);
        let file = webp::Encoder::from_rgb(&pixels, self.size.0, self.size.1)
            .encode_advanced(&config)
            .expect("settings that exist");
        chunk(&file).to_vec()
    }
}

/// A frame whose compressed data is noise: it may say anything.
pub(crate) fn random_frame(random: &mut Rng) -> Vec<u8> {
    let (width, height) = (random.u16(1..100), random.u16(1..100));
    let first_bytes: u32 = 1500;
    // A key frame that is shown.
    let tag = first_bytes << 5 | 1 << 4;
    let mut frame = tag.to_le_bytes()[..3].to_vec();
    frame.extend([0x9D, 0x01, 0x2A]);
    frame.extend(width.to_le_bytes());
    frame.extend(height.to_le_bytes());
    frame.extend((0..first_bytes).map(|_| random.u8(..)));
    // The sizes of partitions, if there are several.
    frame.extend([0, 0x40, 0].repeat(7));
    frame.extend((0..8 * 0x4000).map(|_| random.u8(..)));
    frame
}
