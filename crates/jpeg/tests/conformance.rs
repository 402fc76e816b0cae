//! What libjpeg decodes must look the same here.
//!
//! The whole transform is that of libjpeg, so samples differ by rounding only. The smaller ones are not: they leave out fine
//! detail where libjpeg-turbo averages neighbours. They are held against a transform in `f64`.

use std::f64::consts::PI;
use std::fs;

use fastrand::Rng;
use jpeg::{Colours, DecodeError, Detail, Picture, Plane, Request, Shrink, decode};
use mozjpeg::{ColorSpace, Compress, Decompress};

const SAMPLES: [&str; 6] = [
    "astronaut-portrait.jpg",
    "camera-gray.jpg",
    "coffee.jpg",
    "hubble-deep-field.jpg",
    "retina.jpg",
    "rocket.jpg",
];

const SMALLER: [Shrink; 3] = [Shrink::Half, Shrink::Quarter, Shrink::Eighth];

fn sample(name: &str) -> Vec<u8> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");
    fs::read(format!("{samples}/{name}")).expect("the repository has samples")
}

fn decoded(input: &[u8], shrink: Shrink) -> Picture {
    let request = Request {
        shrink,
        ..Request::default()
    };
    let picture = decode(input, &request).expect("a good file");
    assert!(!picture.is_damaged);
    picture
}

/// The planes of libjpeg, all as large as the first one.
fn expected(input: &[u8], picture: &Picture, shrink: Shrink) -> Vec<Vec<u8>> {
    let mut decoder = Decompress::new_mem(input).expect("a good file or a good picture");
    decoder.scale(8 / shrink.divisor() as u8);
    let space = match picture.colours {
        Colours::Gray => ColorSpace::JCS_GRAYSCALE,
        Colours::YCbCr => ColorSpace::JCS_YCbCr,
        Colours::Rgb => ColorSpace::JCS_RGB,
        Colours::Inks => ColorSpace::JCS_CMYK,
    };
    let mut decoder = decoder
        .to_colorspace(space)
        .expect("a good file or a good picture");
    let first = &picture.planes[0];
    let size = (decoder.width() as u32, decoder.height() as u32);
    assert_eq!(size, (first.width, first.height));
    let mut data = vec![0; decoder.min_flat_buffer_size()];
    decoder
        .read_scanlines_into(&mut data)
        .expect("a good file or a good picture");
    let count = picture.planes.len();
    let plane = |at| data.iter().skip(at).step_by(count).copied().collect();
    (0..count).map(plane).collect()
}

/// The largest difference of all samples of planes that are as large as the first one, and the mean of its square.
fn differences(input: &[u8], shrink: Shrink) -> (u8, f64) {
    let picture = decoded(input, shrink);
    let expected = expected(input, &picture, shrink);
    let size = picture.planes[0].data.len();
    let planes = picture.planes.iter().zip(&expected);
    let differences: Vec<u8> = planes
        .filter(|(plane, _)| plane.data.len() == size)
        .flat_map(|(plane, expected)| plane.data.iter().zip(expected))
        .map(|(ours, theirs)| ours.abs_diff(*theirs))
        .collect();
    let squares: f64 = differences.iter().map(|&off| f64::from(off).powi(2)).sum();
    let most = differences.iter().max().copied();
    (most.unwrap_or(0), squares / differences.len() as f64)
}

#[test]
fn samples_are_decoded_as_by_libjpeg() {
    for name in SAMPLES {
        let photo = sample(name);
        let (most, mean) = differences(&photo, Shrink::None);
        assert!(most <= 1 && mean < 0.1, "{name}: {most}, {mean}");
        for shrink in SMALLER {
            let (_, mean) = differences(&photo, shrink);
            // 38 dB: fine detail.
            assert!(mean < 10.0, "{name} {shrink:?}: {mean}");
        }
    }
}

#[test]
fn inks_are_given_as_they_are_stored() {
    let pixels: Vec<u8> = (0..50 * 30 * 4)
        .map(|at| (at * 7 / 9 % 256) as u8)
        .collect();
    let mut photo = Vec::new();
    jpeg_encoder::Encoder::new(&mut photo, 90)
        .encode(&pixels, 50, 30, jpeg_encoder::ColorType::Cmyk)
        .expect("pixels of the right length");
    assert_eq!(decoded(&photo, Shrink::None).planes.len(), 4);
    let (most, mean) = differences(&photo, Shrink::None);
    assert!(most <= 1 && mean < 0.1, "{most}, {mean}");
}

#[test]
fn the_mean_of_each_block_is_exactly_that_of_libjpeg() {
    assert_eq!(
        differences(&sample("camera-gray.jpg"), Shrink::Eighth),
        (0, 0.0)
    );
}

/// The pixels of a file that libjpeg writes, with so many of them that share a colour.
struct Made {
    size: (usize, usize),
    shared: (u8, u8),
    restart: u32,
    quality: f32,
}

impl Made {
    fn random(random: &mut Rng) -> Self {
        let shared = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2)];
        Self {
            size: (random.usize(1..=90), random.usize(1..=90)),
            shared: random.choice(shared).expect("there are some"),
            restart: random.u32(0..9),
            quality: *random
                .choice(&[30.0, 75.0, 95.0, 100.0])
                .expect("a good file or a good picture"),
        }
    }

    /// Noise is the hardest: all coefficients are there, with long codes.
    fn noise(&self, random: &mut Rng) -> Vec<u8> {
        let (width, height) = self.size;
        let pixels: Vec<u8> = (0..width * height * 3).map(|_| random.u8(..)).collect();
        self.encode(&pixels)
    }

    fn encode(&self, pixels: &[u8]) -> Vec<u8> {
        let mut encoder = Compress::new(ColorSpace::JCS_RGB);
        encoder.set_fastest_defaults();
        encoder.set_size(self.size.0, self.size.1);
        encoder.set_quality(self.quality);
        encoder.set_chroma_sampling_pixel_sizes(self.shared, self.shared);
        let mut encoder = encoder
            .start_compress(Vec::new())
            .expect("a good file or a good picture");
        encoder
            .write_scanlines(pixels)
            .expect("a good file or a good picture");
        encoder.finish().expect("a good file or a good picture")
    }
}

#[test]
fn all_subsamplings_and_sizes_are_decoded_as_by_libjpeg() {
    let mut random = Rng::with_seed(11);
    for round in 0..300 {
        let made = Made::random(&mut random);
        let input = made.noise(&mut random);
        let (most, _) = differences(&input, Shrink::None);
        let what = format!("round {round}: {:?}, {:?}", made.size, made.shared);
        assert!(most <= 1, "{what}: {most}");
        for shrink in SMALLER {
            let picture = decoded(&input, shrink);
            expected(&input, &picture, shrink);
        }
    }
}

#[test]
fn restart_markers_change_nothing() {
    let mut random = Rng::with_seed(12);
    for round in 0..100 {
        let made = Made::random(&mut random);
        let (width, height) = made.size;
        let pixels: Vec<u8> = (0..width * height * 3).map(|_| random.u8(..)).collect();
        let encode = |interval| {
            let mut bytes = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
            encoder.set_restart_interval(interval);
            encoder
                .encode(
                    &pixels,
                    width as u16,
                    height as u16,
                    jpeg_encoder::ColorType::Rgb,
                )
                .expect("a good file or a good picture");
            bytes
        };
        let interval = made.restart as u16 + 1;
        for shrink in [Shrink::None, Shrink::Quarter] {
            let without = decoded(&encode(0), shrink);
            assert_eq!(decoded(&encode(interval), shrink), without, "round {round}");
        }
    }
}

/// Takes the lowest frequencies of each 8x8 block and makes fewer samples of them.
fn shrunk_exactly(whole: &Plane, side: usize) -> Vec<f64> {
    let (width, height) = (whole.width as usize, whole.height as usize);
    let weight = |at: usize| if at == 0 { 0.5_f64.sqrt() } else { 1.0 };
    let wave = |x: usize, u: usize, n: usize| {
        ((2 * x + 1) as f64 * u as f64 * PI / (2 * n) as f64).cos() * weight(u)
    };
    let mut made = vec![0.0; width * side / 8 * (height * side / 8)];
    for (row, column) in (0..height / 8).flat_map(|row| (0..width / 8).map(move |c| (row, c))) {
        let at = |x: usize, y: usize| whole.data[(row * 8 + y) * width + column * 8 + x];
        let frequency = |u: usize, v: usize| {
            let all = (0..64)
                .map(|i| f64::from(at(i % 8, i / 8)) * wave(i % 8, u, 8) * wave(i / 8, v, 8));
            all.sum::<f64>() / 4.0
        };
        let kept: Vec<f64> = (0..side * side)
            .map(|i| frequency(i % side, i / side))
            .collect();
        for i in 0..side * side {
            let (x, y) = (i % side, i / side);
            let waves = (0..side * side)
                .map(|k| kept[k] * wave(x, k % side, side) * wave(y, k / side, side));
            made[(row * side + y) * (width * side / 8) + column * side + x] =
                waves.sum::<f64>() / 4.0;
        }
    }
    made
}

#[test]
fn smaller_transforms_are_those_of_the_lowest_frequencies() {
    let photo = sample("camera-gray.jpg");
    let whole = decoded(&photo, Shrink::None).planes.remove(0);
    assert_eq!((whole.width % 8, whole.height % 8), (0, 0));
    for (shrink, side) in SMALLER.into_iter().zip([4, 2, 1]) {
        let ours = decoded(&photo, shrink).planes.remove(0);
        let exact = shrunk_exactly(&whole, side);
        assert_eq!(ours.data.len(), exact.len());
        let differences = ours.data.iter().zip(&exact);
        let squares: f64 = differences
            .map(|(&ours, exact)| (f64::from(ours) - exact.clamp(0.0, 255.0)).powi(2))
            .sum();
        let mean = squares / exact.len() as f64;
        // Samples of the whole picture were rounded and clamped.
        assert!(mean < 0.3, "{shrink:?}: {mean}");
    }
}

#[test]
fn colours_are_as_coarse_as_they_are_stored_if_asked_for() {
    let photo = sample("coffee.jpg");
    let with = |shrink, detail| {
        let request = Request {
            shrink,
            detail,
            ..Request::default()
        };
        decode(&photo, &request).expect("a good file")
    };
    let whole = with(Shrink::None, Detail::AsStored);
    assert_eq!(whole, with(Shrink::None, Detail::AsFine));
    for (shrink, side) in SMALLER.into_iter().zip([4_u32, 2, 1]) {
        let (coarse, fine) = (with(shrink, Detail::AsStored), with(shrink, Detail::AsFine));
        assert_eq!(coarse.planes[0], fine.planes[0]);
        for (plane, whole) in coarse.planes.iter().zip(&whole.planes).skip(1) {
            let (x, y) = whole.pitch;
            assert_eq!(plane.pitch, (x * 8 / side, y * 8 / side));
            assert_eq!(plane.width, (whole.width * side).div_ceil(8));
            let mean = |plane: &Plane| {
                let sum: f64 = plane.data.iter().copied().map(f64::from).sum();
                sum / plane.data.len() as f64
            };
            assert!((mean(plane) - mean(whole)).abs() < 0.5, "{shrink:?}");
        }
    }
}

#[test]
fn other_kinds_are_left_to_other_decoders() {
    let progressive = sample("astronaut-progressive.jpg");
    let error = decode(&progressive, &Request::default()).unwrap_err();
    assert!(matches!(error, DecodeError::NotMine(_)), "{error}");
    let error = decode(b"no picture", &Request::default()).unwrap_err();
    assert!(matches!(error, DecodeError::Corrupt(_)), "{error}");
}

#[test]
fn limits_and_stops_are_obeyed() {
    let photo = sample("coffee.jpg");
    let request = Request {
        bytes_max: 1000,
        ..Request::default()
    };
    let error = decode(&photo, &request).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge(_)), "{error}");
    let request = Request {
        stop: &|| true,
        ..Request::default()
    };
    assert_eq!(decode(&photo, &request), Err(DecodeError::Stopped));
}
