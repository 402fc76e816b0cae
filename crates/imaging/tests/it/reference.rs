//! Compares the scaling with a plain Lanczos3 in `f64`, written from the definition.

use std::f64::consts::PI;

use crate::picture::{Picture, encode_png, fit_picture};

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

/// Scales one row or column. The window is widened by the scale, cut at the edges, and its weights sum to 1. The result
/// has whole numbers in the range of a byte, as that is what is kept between columns and rows.
fn scale_line(line: &[f64], length: usize) -> Vec<f64> {
    let scale = line.len() as f64 / length as f64;
    (0..length)
        .map(|target| {
            let centre = (target as f64 + 0.5) * scale;
            let weight = |source: usize| lanczos3((source as f64 + 0.5 - centre) / scale.max(1.0));
            let total: f64 = (0..line.len()).map(weight).sum();
            let sum: f64 = line
                .iter()
                .enumerate()
                .map(|(source, value)| value * weight(source))
                .sum();
            (sum / total).round().clamp(0.0, 255.0)
        })
        .collect()
}

/// Scales a picture without transparency: first all columns, then all rows.
fn scale(picture: &Picture, width: usize, height: usize) -> Picture {
    let mut data = vec![0; width * height * picture.channels];
    for channel in 0..picture.channels {
        let value = |x, y| f64::from(picture.pixel(x, y)[channel]);
        let columns: Vec<_> = (0..picture.width)
            .map(|x| (0..picture.height).map(|y| value(x, y)).collect::<Vec<_>>())
            .map(|column| scale_line(&column, height))
            .collect();
        for y in 0..height {
            let row: Vec<_> = columns.iter().map(|column| column[y]).collect();
            for (x, value) in scale_line(&row, width).into_iter().enumerate() {
                data[(y * width + x) * picture.channels + channel] = value as u8;
            }
        }
    }
    Picture {
        width,
        height,
        channels: picture.channels,
        data,
    }
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

#[test]
fn scaling_is_lanczos3_to_the_last_bit_but_one() {
    for (channels, (width, height), side) in [
        (3, (90, 70), 45),
        (3, (128, 37), 31),
        (1, (67, 101), 50),
        (1, (300, 20), 7),
        (3, (64, 64), 63),
    ] {
        let source = noise(width, height, channels);
        let ours = fit_picture(&encode_png(&source), side, side);
        let furthest = ours.furthest(&scale(&source, ours.width, ours.height));
        assert!(
            furthest <= 1,
            "{width}x{height} to {side}: off by {furthest}"
        );
    }
}
