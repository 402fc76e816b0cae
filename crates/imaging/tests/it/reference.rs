//! Compares the scaling with a plain Lanczos3 in `f64`, written from the definition.

use std::f64::consts::PI;
use std::fs;

use imaging::{Bounds, Enlarge, Gravity, Light, Mode, Options, Output, Shrink, Size, resize};

use crate::picture::{Picture, encode_png};
use crate::samples;

/// A picture in numbers that are not rounded: per pixel as many as there are channels.
#[derive(Clone)]
pub(crate) struct Exact {
    width: usize,
    height: usize,
    channels: usize,
    data: Vec<f64>,
}

impl From<&Picture> for Exact {
    fn from(picture: &Picture) -> Self {
        Self {
            width: picture.width,
            height: picture.height,
            channels: picture.channels,
            data: picture.data.iter().map(|&byte| byte.into()).collect(),
        }
    }
}

/// Which part of a side is seen, and how many pixels it becomes.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    start: f64,
    length: f64,
    target: usize,
}

impl Side {
    pub(crate) fn whole(length: usize, target: usize) -> Self {
        Self {
            start: 0.0,
            length: length as f64,
            target,
        }
    }
}

/// The Lanczos window of three lobes.
fn lanczos3(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else if x.abs() < 3.0 {
        3.0 * (PI * x).sin() * (PI * x / 3.0).sin() / (PI * x).powi(2)
    } else {
        0.0
    }
}

/// Scales each row to the columns of `side`. The window is widened by the scale, cut at the edges of the picture, and its
/// weights sum to 1. What overshoots the range of a byte is kept for the other direction.
fn scale_rows(picture: &Exact, side: Side) -> Exact {
    let scale = side.length / side.target as f64;
    let reach = 3.0 * scale.max(1.0);
    let columns: Vec<Vec<(usize, f64)>> = (0..side.target)
        .map(|target| {
            let centre = side.start + (target as f64 + 0.5) * scale;
            let first = (centre - reach).floor().max(0.0) as usize;
            let last = ((centre + reach).ceil() as usize).min(picture.width);
            let weight = |source: usize| lanczos3((source as f64 + 0.5 - centre) / scale.max(1.0));
            let total: f64 = (first..last).map(weight).sum();
            (first..last)
                .map(|source| (source, weight(source) / total))
                .collect()
        })
        .collect();
    let mut data = Vec::with_capacity(side.target * picture.height * picture.channels);
    for row in picture.data.chunks_exact(picture.width * picture.channels) {
        for weights in &columns {
            for channel in 0..picture.channels {
                let value = |&(source, weight): &(usize, f64)| {
                    row[source * picture.channels + channel] * weight
                };
                let sum: f64 = weights.iter().map(value).sum();
                data.push(sum);
            }
        }
    }
    Exact {
        width: side.target,
        data,
        ..*picture
    }
}

/// Swaps rows and columns.
fn transpose(picture: &Exact) -> Exact {
    let pixel = |x: usize, y: usize| {
        let start = (y * picture.width + x) * picture.channels;
        &picture.data[start..start + picture.channels]
    };
    let data = (0..picture.width)
        .flat_map(|x| (0..picture.height).flat_map(move |y| pixel(x, y)))
        .copied()
        .collect();
    Exact {
        width: picture.height,
        height: picture.width,
        channels: picture.channels,
        data,
    }
}

/// Scales a picture; the colours of a transparent one are weighted by their opacity.
pub(crate) fn scale(picture: &Picture, sides: [Side; 2]) -> Exact {
    let has_alpha = picture.channels.is_multiple_of(2);
    let mut exact = Exact::from(picture);
    if has_alpha {
        for_each_opacity(&mut exact, |colour, opacity| colour * opacity / 255.0);
    }
    let columns = scale_rows(&transpose(&exact), sides[1]);
    let mut scaled = scale_rows(&transpose(&columns), sides[0]);
    if has_alpha {
        for_each_opacity(&mut scaled, |colour, opacity| {
            if opacity <= 0.0 {
                0.0
            } else {
                colour * 255.0 / opacity.min(255.0)
            }
        });
    }
    scaled
}

fn for_each_opacity(picture: &mut Exact, change: impl Fn(f64, f64) -> f64) {
    for pixel in picture.data.chunks_exact_mut(picture.channels) {
        if let Some((&mut opacity, colours)) = pixel.split_last_mut() {
            for colour in colours {
                *colour = change(*colour, opacity);
            }
        }
    }
}

pub(crate) fn to_bytes(exact: &Exact) -> Picture {
    Picture {
        width: exact.width,
        height: exact.height,
        channels: exact.channels,
        data: exact
            .data
            .iter()
            .map(|value| value.round().clamp(0.0, 255.0) as u8)
            .collect(),
    }
}

/// Decibels above which nobody sees a difference. Pictures of the same shape.
pub(crate) fn psnr(left: &Picture, right: &Picture) -> f64 {
    assert_eq!(
        (left.width, left.height, left.channels),
        (right.width, right.height, right.channels)
    );
    let differences = left.data.iter().zip(&right.data);
    let squares: f64 = differences
        .map(|(left, right)| f64::from(left.abs_diff(*right)).powi(2))
        .sum();
    let mean = squares / left.data.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// Noise with an edge in it: everything that a wrong filter would get wrong.
fn noise(width: usize, height: usize, channels: usize) -> Picture {
    let mut random = fastrand::Rng::with_seed((width * height) as u64);
    let mut data: Vec<u8> = (0..width * height * channels)
        .map(|_| random.u8(..))
        .collect();
    let middle = data.len() / 2;
    data[middle..].fill(250);
    Picture {
        width,
        height,
        channels,
        data,
    }
}

/// Scales without a shortcut, unless `options` want one.
fn made(source: &Picture, options: Options) -> Picture {
    let options = Options {
        output: Output::Png,
        ..options
    };
    Picture::decode(
        &resize(&encode_png(source), &options)
            .expect("a good image")
            .bytes,
    )
}

/// Lanczos3 and nothing else.
fn exactly(bounds: impl Into<Bounds>) -> Options {
    Options {
        shrink: Shrink::Off,
        ..Options::new(bounds)
    }
}

/// Weights of 14 bits may turn what lies between two steps to either side.
#[track_caller]
fn check_near(ours: &Picture, exact: &Exact, what: &str) {
    let expected = to_bytes(exact);
    let (furthest, psnr) = (ours.furthest(&expected), psnr(ours, &expected));
    assert!(
        furthest <= 1 && psnr >= 50.0,
        "{what}: off by {furthest}, {psnr:.1} dB"
    );
}

#[test]
fn scaling_is_lanczos3_to_the_last_bit_but_one() {
    for (channels, (width, height), side) in [
        (3, (90, 70), 45),
        (3, (128, 37), 31),
        (1, (67, 101), 50),
        (1, (300, 20), 7),
        (3, (64, 64), 63),
        (3, (1, 400), 100),
        (1, (400, 1), 33),
    ] {
        let source = noise(width, height, channels);
        let ours = made(&source, exactly(Size::new(side, side)));
        let sides = [
            Side::whole(width, ours.width),
            Side::whole(height, ours.height),
        ];
        check_near(
            &ours,
            &scale(&source, sides),
            &format!("{width}x{height} to {side}"),
        );
    }
}

#[test]
fn stretching_and_enlarging_are_lanczos3_too() {
    for (width, height) in [(50, 20), (20, 50), (200, 3), (41, 40)] {
        let source = noise(40, 40, 3);
        let options = Options {
            mode: Mode::Exact,
            enlarge: Enlarge::Allowed,
            ..exactly(Size::new(width, height))
        };
        let sides = [
            Side::whole(40, width as usize),
            Side::whole(40, height as usize),
        ];
        check_near(
            &made(&source, options),
            &scale(&source, sides),
            &format!("{width}x{height}"),
        );
    }
}

#[test]
fn what_is_cut_off_is_cut_between_pixels_as_exactly() {
    let source = noise(101, 64, 3);
    for (gravity, share) in [
        (Gravity::West, 0.0),
        (Gravity::Centre, 0.5),
        (Gravity::East, 1.0),
    ] {
        let options = Options {
            mode: Mode::Fill(gravity),
            ..exactly(Size::new(30, 30))
        };
        let columns = Side {
            start: (101.0 - 64.0) * share,
            length: 64.0,
            target: 30,
        };
        let exact = scale(&source, [columns, Side::whole(64, 30)]);
        check_near(&made(&source, options), &exact, &format!("{gravity:?}"));
    }
}

#[test]
fn a_filter_that_reaches_far_keeps_enough_rows() {
    let source = noise(1300, 3400, 1);
    let ours = made(&source, exactly(Size::new(65, 170)));
    let sides = [Side::whole(1300, 65), Side::whole(3400, 170)];
    check_near(&ours, &scale(&source, sides), "1/20");
}

/// The mean of so many columns of each row; that of fewer at the right edge.
fn average_rows(picture: &Exact, steps: usize) -> Exact {
    let mut data = Vec::new();
    for row in picture.data.chunks_exact(picture.width * picture.channels) {
        for group in row.chunks(steps * picture.channels) {
            for channel in 0..picture.channels {
                let samples = group.iter().skip(channel).step_by(picture.channels);
                data.push(samples.clone().sum::<f64>() / samples.count() as f64);
            }
        }
    }
    Exact {
        width: picture.width.div_ceil(steps),
        data,
        ..*picture
    }
}

#[test]
fn a_large_factor_is_means_of_rows_and_then_lanczos3() {
    for (channels, (width, height), side, steps) in [
        (3, (200, 300), 50, 3),
        (1, (900, 1300), 65, 10),
        // The last mean is of fewer rows.
        (4, (401, 403), 40, 5),
    ] {
        let mut source = noise(width, height, channels);
        if channels == 4 {
            source
                .data
                .chunks_exact_mut(4)
                .for_each(|pixel| pixel[3] = 255);
        }
        let ours = made(&source, Options::new(Size::new(side, side)));
        let rows = Side {
            start: 0.0,
            length: height as f64 / steps as f64,
            target: ours.height,
        };
        let columns = transpose(&Exact::from(&source));
        let means = transpose(&scale_rows(&average_rows(&columns, steps), rows));
        let mut exact = scale_rows(&means, Side::whole(width, ours.width));
        if channels == 4 {
            let colours = |pixel: &[f64]| [pixel[0], pixel[1], pixel[2]];
            exact.data = exact.data.chunks_exact(4).flat_map(colours).collect();
            exact.channels = 3;
        }
        check_near(&ours, &exact, &format!("{width}x{height} to {side}"));
    }
}

#[test]
fn transparent_pictures_are_lanczos3_of_what_is_seen() {
    for channels in [2, 4] {
        let source = noise(90, 70, channels);
        for side in [60, 31] {
            let ours = made(&source, exactly(Size::new(side, side)));
            let sides = [Side::whole(90, ours.width), Side::whole(70, ours.height)];
            let expected = to_bytes(&scale(&source, sides));
            for (ours, expected) in ours.pixels().zip(expected.pixels()) {
                let opacity = expected[channels - 1];
                assert!(ours[channels - 1].abs_diff(opacity) <= 1);
                // What is seen of a colour is its product with the opacity, which is rounded at every step.
                for (ours, expected) in ours[..channels - 1].iter().zip(expected) {
                    let seen = f64::from(ours.abs_diff(*expected)) * f64::from(opacity) / 255.0;
                    assert!(seen <= 2.5, "{ours} for {expected} behind {opacity}");
                }
            }
        }
    }
}

#[test]
fn linear_light_is_lanczos3_of_light() {
    let source = noise(90, 70, 3);
    let options = Options {
        light: Light::Linear,
        ..exactly(Size::new(45, 35))
    };
    let light = |number: f64| {
        let encoded = number / 255.0;
        255.0
            * if encoded <= 0.04045 {
                encoded / 12.92
            } else {
                ((encoded + 0.055) / 1.055).powf(2.4)
            }
    };
    let number = |light: f64| {
        let light = (light / 255.0).clamp(0.0, 1.0);
        255.0
            * if light <= 0.003_130_8 {
                light * 12.92
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            }
    };
    let mut exact = Exact {
        width: 90,
        height: 70,
        channels: 3,
        data: source.data.iter().map(|&byte| light(byte.into())).collect(),
    };
    exact = scale_rows(&exact, Side::whole(90, 45));
    exact = transpose(&scale_rows(&transpose(&exact), Side::whole(70, 35)));
    exact
        .data
        .iter_mut()
        .for_each(|value| *value = number(*value));
    check_near(&made(&source, options), &exact, "linear light");
}

#[test]
fn a_photo_is_lanczos3_at_every_size() {
    let photo = Picture::decode(&fs::read(samples::sample("chelsea.png")).unwrap());
    for width in [400, 226, 150, 64] {
        let ours = made(&photo, exactly(Bounds::of_width(width)));
        let sides = [
            Side::whole(photo.width, ours.width),
            Side::whole(photo.height, ours.height),
        ];
        check_near(&ours, &scale(&photo, sides), &format!("{width}"));
    }
}
