//! How good thumbnails of real photos look, beside a full decode that is scaled in `f64`.
//!
//! SSIMULACRA2 says 100 of equal pictures and 90 of those that cannot be told apart when one flips between them; 70 is a
//! high quality, about that of a JPEG with coarser colours.

use std::fs;

use imaging::{Bounds, Gravity, Mode, Options, Output, Shrink, Size, resize};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, Xyb, compute_frame_ssimulacra2};

use crate::picture::Picture;
use crate::reference::{Side, psnr, scale, to_bytes};
use crate::samples;

const PHOTOS: [&str; 3] = [
    "coffee.jpg",
    "astronaut-progressive.jpg",
    "hubble-deep-field.jpg",
];

fn xyb(picture: &Picture) -> Xyb {
    let pixels = picture
        .pixels()
        .map(|pixel| [0, 1, 2].map(|channel| f32::from(pixel[channel]) / 255.0));
    let rgb = Rgb::new(
        pixels.collect(),
        picture.width,
        picture.height,
        TransferCharacteristic::SRGB,
        ColorPrimaries::BT709,
    );
    Xyb::try_from(rgb.expect("the right length")).expect("a known kind of colours")
}

pub(crate) fn score(reference: &Picture, other: &Picture) -> f64 {
    compute_frame_ssimulacra2(xyb(reference), xyb(other)).expect("pictures of one size")
}

fn made(photo: &[u8], options: Options) -> Picture {
    Picture::decode(&resize(photo, &options).expect("a good image").bytes)
}

/// What each way to shrink must reach: a score, and decibels.
const LEAST: [(Shrink, f64, f64); 3] = [
    (Shrink::Off, 95.0, 50.0),
    (Shrink::Safe, 88.0, 40.0),
    (Shrink::Fast, 75.0, 33.0),
];

#[test]
fn safe_shrinking_is_not_seen_and_fast_shrinking_hardly() {
    for name in PHOTOS {
        let photo = fs::read(samples::sample(name)).unwrap();
        let whole = Picture::decode(&photo);
        // Just large enough for 1/8, 1/4 and 1/2 at a factor of two, and for none.
        for divisor in [16, 8, 4, 3] {
            let width = whole.width / divisor;
            let options = Options {
                output: Output::Png,
                ..Options::new(Bounds::of_width(width as u32))
            };
            let height = made(&photo, options).height;
            let sides = [
                Side::whole(whole.width, width),
                Side::whole(whole.height, height),
            ];
            let reference = to_bytes(&scale(&whole, sides));
            for (shrink, score_least, psnr_least) in LEAST {
                let ours = made(&photo, Options { shrink, ..options });
                let (score, psnr) = (score(&reference, &ours), psnr(&reference, &ours));
                println!("{shrink:?} {name} 1/{divisor}: {score:.1}, {psnr:.1} dB");
                assert!(score >= score_least && psnr >= psnr_least);
            }
        }
    }
}

#[test]
fn what_a_lossy_format_takes_is_hardly_seen() {
    for name in PHOTOS {
        let photo = fs::read(samples::sample(name)).unwrap();
        let with = |output| {
            let options = Options {
                output,
                ..Options::new(Bounds::of_width(256))
            };
            made(&photo, options)
        };
        let plain = with(Output::Png);
        let mut outputs = vec![Output::Jpeg];
        if cfg!(feature = "webp") {
            outputs.push(Output::WebP);
        }
        for output in outputs {
            let score = score(&plain, &with(output));
            println!("{output:?} {name}: {score:.1}");
            assert!(score >= 65.0, "{output:?} of {name}: {score:.1}");
        }
    }
}

/// image-webp converts the whole picture to RGB and makes its edges smooth; ours does neither for a smaller one.
#[cfg(feature = "webp")]
#[test]
fn thumbnails_of_a_webp_are_those_of_its_picture() {
    for name in PHOTOS {
        let photo = fs::read(samples::sample(name)).unwrap();
        // An odd size.
        let options = Options {
            output: Output::WebP,
            ..Options::new(Bounds::of_width(501))
        };
        let photo = resize(&photo, &options).expect("a good image").bytes;
        let whole = Picture::decode(&photo);
        // Scores: all is done in full, and without smooth edges, which are of use where much of the picture is left.
        for (width, least) in [(501, 93.0), (400, 93.0), (250, 89.0), (100, 89.0)] {
            let options = Options {
                output: Output::Png,
                ..Options::new(Bounds::of_width(width as u32))
            };
            let ours = made(&photo, options);
            let sides = [
                Side::whole(whole.width, width),
                Side::whole(whole.height, ours.height),
            ];
            let reference = to_bytes(&scale(&whole, sides));
            let (score, psnr) = (score(&reference, &ours), psnr(&reference, &ours));
            println!("{name} {width}: {score:.1}, {psnr:.1} dB");
            assert!(score >= least && psnr >= 33.0);
        }
    }
}

#[test]
fn colours_that_pass_from_jpeg_to_jpeg_are_those_of_pixels() {
    let photo = fs::read(samples::sample("coffee.jpg")).unwrap();
    // Odd sides end in half a colour; a cut begins within one.
    for (width, height) in [
        (300, 200),
        (171, 114),
        (99, 99),
        (64, 133),
        (33, 21),
        (1, 1),
    ] {
        for shrink in [Shrink::Safe, Shrink::Fast] {
            let options = Options {
                mode: Mode::Fill(Gravity::East),
                quality: Some(100),
                shrink,
                ..Options::new(Size::new(width, height))
            };
            let pixels = Options {
                output: Output::Png,
                ..options
            };
            let pixels = resize(&photo, &pixels).expect("a good image").bytes;
            let as_jpeg = Options {
                output: Output::Jpeg,
                ..options
            };
            let psnr = psnr(&made(&pixels, as_jpeg), &made(&photo, options));
            println!("{shrink:?} {width}x{height}: {psnr:.1} dB");
            assert!(psnr >= 40.0, "{shrink:?} {width}x{height}: {psnr:.1} dB");
        }
    }
}
