//! Damaged files give an error, or a picture; never a panic that gets out.

use imaging::{ImageError, Limits, Options, Size, inspect, resize};
use jpeg_encoder::{ColorType, Encoder};
use testkit::images;

use crate::picture::{Picture, encode_png};

fn progressive_jpeg(width: u16, height: u16) -> Vec<u8> {
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

/// Small files of every kind that takes a way of its own.
fn files() -> Vec<(&'static str, Vec<u8>)> {
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
        ("png", images::gradient_png(20, 15)),
        ("gray png", encode_png(&gray)),
    ]
}

/// Both ways to decode: at full size, and at a fraction.
fn try_both(bytes: &[u8]) -> [Result<imaging::Resized, ImageError>; 2] {
    [30, 3].map(|side| resize(bytes, &Options::new(Size::new(side, side))))
}

#[test]
fn a_file_that_ends_too_early_is_an_error_wherever_it_ends() {
    for (name, file) in files() {
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
    for (name, file) in files() {
        let longer = [&file[..], b"\0\0 and a motion picture"].concat();
        for (plain, longer) in try_both(&file).into_iter().zip(try_both(&longer)) {
            assert_eq!(plain.unwrap().bytes, longer.unwrap().bytes, "{name}");
        }
    }
}

#[test]
fn random_damage_does_no_harm() {
    let seed = 2026;
    let mut random = fastrand::Rng::with_seed(seed);
    let limits = Limits {
        pixels_max: 1 << 20,
        ..Limits::default()
    };
    for (name, file) in files() {
        for round in 0..300 {
            let damaged = damage(&file, &mut random);
            let said = inspect(&damaged, &limits);
            for side in [30, 3] {
                let options = Options {
                    limits,
                    ..Options::new(Size::new(side, side))
                };
                match resize(&damaged, &options) {
                    Ok(resized) => {
                        let written = inspect(&resized.bytes, &limits).expect("our own output");
                        assert_eq!(
                            (written.width, written.height),
                            (resized.width, resized.height)
                        );
                        assert!(resized.width <= side && resized.height <= side);
                        assert_eq!(said.as_ref().ok(), Some(&resized.source));
                    }
                    Err(ImageError::Panicked { message }) => {
                        panic!("{name}, seed {seed}, round {round}: {message}")
                    }
                    Err(_) => {}
                }
            }
        }
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
