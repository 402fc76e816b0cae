//! Damaged files give an error, or a picture; never a panic that gets out, and never work without end.
//!
//! `IMAGING_MUTATIONS=10000 cargo test --release -p imaging --features avif damage` damages each file so many times, and
//! `IMAGING_SEED` chooses how.

use std::{env, fs};

use imaging::{
    Bounds, ImageError, Light, Limits, Metadata, Mode, Options, Output, Resized, Size, inspect,
    resize,
};
use jpeg_encoder::{ColorType, Encoder};
use testkit::images;

#[cfg(feature = "avif")]
use crate::avif;
use crate::picture::{Picture, encode_png};
use crate::{formats, samples};

const MUTATIONS: u64 = 400;
const SEED: u64 = 2026;

fn setting(variable: &str, default: u64) -> u64 {
    let value = env::var(variable).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

pub(crate) fn progressive_jpeg(width: u16, height: u16) -> Vec<u8> {
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * 3)
        .map(|index| (index % 251) as u8)
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    encoder.set_progressive(true);
    encoder.set_restart_interval(2);
    encoder
        .encode(&pixels, width, height, ColorType::Rgb)
        .expect("pixels of the right length");
    bytes
}

fn cmyk_jpeg() -> Vec<u8> {
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 80)
        .encode(&[77; 24 * 24 * 4], 24, 24, ColorType::Cmyk)
        .expect("pixels of the right length");
    bytes
}

fn interlaced_palette_png() -> Vec<u8> {
    let mut info = png::Info::with_size(8, 8);
    info.color_type = png::ColorType::Indexed;
    info.palette = Some(vec![1, 2, 3, 250, 100, 50].into());
    info.trns = Some(vec![0, 77].into());
    info.icc_profile = Some(vec![9; 300].into());
    let mut bytes = Vec::new();
    png::Encoder::with_info(&mut bytes, info)
        .and_then(png::Encoder::write_header)
        .and_then(|mut writer| writer.write_image_data(&[1; 64]))
        .expect("data of the right length");
    bytes
}

/// JPEG and PNG files of every kind that takes a way of its own. Without its end, none of them is read.
fn strict_files() -> Vec<(&'static str, Vec<u8>)> {
    let gray = Picture {
        width: 9,
        height: 7,
        channels: 1,
        data: vec![99; 63],
    };
    vec![
        ("baseline", images::gradient_jpeg(33, 25)),
        (
            "turned",
            images::with_orientation(&images::gradient_jpeg(17, 40), 6),
        ),
        ("gray", images::gray_jpeg(24, 24)),
        ("progressive", progressive_jpeg(40, 24)),
        ("inks", cmyk_jpeg()),
        ("png", images::gradient_png(20, 15)),
        ("gray png", encode_png(&gray)),
        ("palette png", interlaced_palette_png()),
    ]
}

/// Small files of every format.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut files = strict_files();
    files.extend([
        ("webp", formats::webp(3, |_| {})),
        (
            "turned webp",
            formats::webp(4, |encoder| encoder.set_exif_metadata(exif.to_vec())),
        ),
        ("gif", formats::gif(1)),
        ("animation", formats::gif(3)),
        ("bmp", formats::bmp()),
        ("tiff", formats::tiff()),
    ]);
    #[cfg(feature = "webp")]
    files.extend([
        ("lossy webp", formats::lossy_webp(3)),
        ("clear lossy webp", formats::lossy_webp(4)),
    ]);
    files
}

const LIMITS: Limits = Limits {
    pixels_max: 1 << 20,
    input_bytes_max: 8 << 20,
    side_max: Limits::SIDE_MAX,
    scans_max: Limits::SCANS_MAX,
    profile_bytes_max: Limits::PROFILE_BYTES_MAX,
    metadata_bytes_max: Limits::METADATA_BYTES_MAX,
    output_side_max: Limits::OUTPUT_SIDE_MAX,
    output_pixels_max: Limits::OUTPUT_PIXELS_MAX,
};

fn options(side: u32) -> Options {
    Options {
        limits: LIMITS,
        ..Options::new(Size::new(side, side))
    }
}

/// Both ways to decode: at full size, and at a fraction.
fn try_both(bytes: &[u8]) -> [Result<Resized, ImageError>; 2] {
    [30, 3].map(|side| resize(bytes, &options(side)))
}

#[test]
fn a_jpeg_or_png_that_ends_too_early_is_an_error_wherever_it_ends() {
    for (name, file) in strict_files() {
        for length in 0..file.len() {
            for result in try_both(&file[..length]) {
                let error = result.expect_err("a piece of a file is not a file");
                let expected =
                    matches!(error, ImageError::Corrupt { .. } | ImageError::Unrecognised);
                assert!(
                    expected,
                    "{name} cut at {length} of {}: {error:?}",
                    file.len()
                );
            }
        }
        assert!(try_both(&file).iter().all(Result::is_ok), "{name}");
    }
}

#[test]
fn what_follows_the_end_does_not_matter() {
    #[cfg_attr(not(feature = "avif"), expect(unused_mut, reason = "AVIF is added"))]
    let mut files = files();
    #[cfg(feature = "avif")]
    files.extend(avif::files());
    for (name, file) in files {
        let longer = [&file[..], b"\0\0 and a motion picture"].concat();
        for (plain, longer) in try_both(&file).into_iter().zip(try_both(&longer)) {
            assert_eq!(plain.unwrap().bytes, longer.unwrap().bytes, "{name}");
        }
    }
}

/// Resizes what may be damaged. There may be an error, but no panic, and what was made is what it is said to be.
#[track_caller]
fn check(bytes: &[u8], options: &Options, what: &dyn Fn() -> String) {
    match resize(bytes, options) {
        Ok(resized) => {
            let written = inspect(&resized.bytes, &Limits::default()).expect("our own output");
            assert_eq!(
                (written.width, written.height),
                (resized.width, resized.height)
            );
            let said = inspect(bytes, &options.limits).ok();
            assert_eq!(said, Some(resized.source), "{}", what());
        }
        Err(ImageError::Panicked { message }) => unreachable!("{}: {message}", what()),
        Err(_) => {}
    }
}

#[test]
fn photos_cut_at_every_hundredth_do_no_harm() {
    for path in samples::samples() {
        let photo = fs::read(&path).unwrap();
        for hundredth in 0..100 {
            let piece = &photo[..photo.len() * hundredth / 100];
            for side in [100, 500] {
                let options = Options::new(Size::new(side, side));
                let error = resize(piece, &options).expect_err("a piece is not a file");
                let expected =
                    matches!(error, ImageError::Corrupt { .. } | ImageError::Unrecognised);
                assert!(expected, "{} at {hundredth} %: {error:?}", path.display());
            }
        }
    }
}

/// A photo in each format that is written or can be made of one.
fn photos_of_each_format() -> Vec<(String, Vec<u8>)> {
    let photo = fs::read(samples::sample("coffee.jpg")).expect("the repository has samples");
    let mut photos = Vec::new();
    let outputs = [
        Output::Png,
        Output::WebPLossless,
        Output::WebP,
        #[cfg(feature = "avif")]
        Output::Avif,
    ];
    for output in outputs {
        let options = Options {
            output,
            ..Options::new(Bounds::of_width(200))
        };
        match resize(&photo, &options) {
            Ok(made) => photos.push((format!("{output:?}"), made.bytes)),
            // Without libwebp.
            Err(ImageError::Unsupported { .. }) if output == Output::WebP => {}
            Err(error) => unreachable!("{output:?}: {error}"),
        }
    }
    let png = Picture::decode(&photos[0].1);
    photos.extend(formats::written_by_others(&png));
    photos
}

#[test]
fn a_photo_of_each_format_cut_at_every_hundredth_does_no_harm() {
    for (name, photo) in photos_of_each_format() {
        assert!(resize(&photo, &options(64)).is_ok(), "{name}");
        for hundredth in 0..100 {
            let piece = &photo[..photo.len() * hundredth / 100];
            check(piece, &options(64), &|| format!("{name} at {hundredth} %"));
        }
    }
}

#[test]
fn a_photo_of_each_format_with_flipped_bits_does_no_harm() {
    let seed = setting("IMAGING_SEED", SEED);
    let mut random = fastrand::Rng::with_seed(seed);
    for (name, photo) in photos_of_each_format() {
        for round in 0..setting("IMAGING_MUTATIONS", MUTATIONS) / 10 {
            let mut flipped = photo.clone();
            for _ in 0..random.usize(1..=20) {
                let at = random.usize(..flipped.len());
                flipped[at] ^= 1 << random.u8(..8);
            }
            let options = any_options(&mut random);
            check(&flipped, &options, &|| {
                format!("{name}, seed {seed}, round {round}")
            });
        }
    }
}

#[test]
fn random_damage_does_no_harm() {
    damage_randomly(files());
}

/// Apart from the others, which it takes as long as.
#[cfg(feature = "avif")]
#[test]
fn random_damage_to_avif_does_no_harm() {
    damage_randomly(avif::files());
}

fn damage_randomly(files: Vec<(&'static str, Vec<u8>)>) {
    let seed = setting("IMAGING_SEED", SEED);
    let mut random = fastrand::Rng::with_seed(seed);
    for (name, file) in files {
        for round in 0..setting("IMAGING_MUTATIONS", MUTATIONS) {
            let damaged = damage(&file, &mut random);
            let what = || format!("{name}, seed {seed}, round {round}");
            for side in [30, 3] {
                check(&damaged, &options(side), &what);
            }
            check(&damaged, &any_options(&mut random), &what);
        }
    }
}

/// Options of all kinds, for results that are not too large.
fn any_options(random: &mut fastrand::Rng) -> Options {
    let modes = [
        Mode::Fit,
        Mode::Exact,
        Mode::Fill(imaging::Gravity::NorthWest),
        Mode::Pad(imaging::Gravity::South),
    ];
    let outputs = [
        Output::Same,
        Output::Jpeg,
        Output::Png,
        Output::WebPLossless,
    ];
    let lights = [Light::Encoded, Light::Linear];
    let metadata = [Metadata::None, Metadata::Copyright, Metadata::All];
    Options {
        mode: random.choice(modes).unwrap_or_default(),
        output: random.choice(outputs).unwrap_or_default(),
        light: random.choice(lights).unwrap_or_default(),
        metadata: random.choice(metadata).unwrap_or_default(),
        limits: LIMITS,
        ..Options::new(Size::new(random.u32(1..70), random.u32(1..70)))
    }
}

/// Changes, removes or repeats a few bytes.
fn damage(file: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut damaged = file.to_vec();
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(..damaged.len());
        let until = (at + random.usize(1..=8)).min(damaged.len());
        match random.u8(..4) {
            0 => damaged[at] ^= 1 << random.u8(..8),
            1 => {
                damaged[at] = random
                    .choice([0x00, 0x01, 0x7F, 0xD9, 0xFF])
                    .unwrap_or_default();
            }
            2 => _ = damaged.drain(at..until),
            _ => {
                let piece = damaged[at..until].to_vec();
                damaged.splice(at..at, piece);
            }
        }
        if damaged.is_empty() {
            break;
        }
    }
    damaged
}
