//! Lanczos3 in `f64`, written from its definition: what every thumbnail is held against.

use std::f64::consts::PI;

/// A decoded picture of three bytes per pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<u8>,
}

/// A row or a column of colours in numbers that are not rounded.
type Line = Vec<[f64; 3]>;

/// For one pixel of the result: the first pixel of the source that it sees, and the weight of that and the following ones.
type Weights = (usize, Vec<f64>);

/// Scales a picture. The window is widened by the scale and cut at the edges of the picture.
pub(crate) fn scale(picture: &Picture, width: usize, height: usize) -> Picture {
    let columns = weights(picture.width, width);
    let (pixels, _) = picture.data.as_chunks::<3>();
    let rows: Vec<Line> = pixels
        .chunks_exact(picture.width)
        .map(|row| columns.iter().map(|weights| of_row(row, weights)).collect())
        .collect();
    let data = weights(picture.height, height)
        .iter()
        .flat_map(|weights| of_rows(&rows, weights))
        .flat_map(|pixel| pixel.map(|value| value.round().clamp(0.0, 255.0) as u8))
        .collect();
    Picture {
        width,
        height,
        data,
    }
}

/// A pixel of some in a row.
fn of_row(row: &[[u8; 3]], (first, weights): &Weights) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for (pixel, weight) in row.iter().skip(*first).zip(weights) {
        add(&mut sum, pixel.map(f64::from), *weight);
    }
    sum
}

/// A row of some below each other.
fn of_rows(rows: &[Line], (first, weights): &Weights) -> Line {
    let mut sums = vec![[0.0; 3]; rows.first().map_or(0, Vec::len)];
    for (row, weight) in rows.iter().skip(*first).zip(weights) {
        for (sum, pixel) in sums.iter_mut().zip(row) {
            add(sum, *pixel, *weight);
        }
    }
    sums
}

fn add(sum: &mut [f64; 3], pixel: [f64; 3], weight: f64) {
    for (sum, value) in sum.iter_mut().zip(pixel) {
        *sum += value * weight;
    }
}

/// The weights for each pixel of a side that becomes `target` pixels long; they sum to 1.
fn weights(length: usize, target: usize) -> Vec<Weights> {
    let scale = length as f64 / target as f64;
    let wide = scale.max(1.0);
    let of_pixel = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        let first = (centre - 3.0 * wide).floor().max(0.0) as usize;
        let last = ((centre + 3.0 * wide).ceil() as usize).min(length);
        let weights = (first..last).map(|source| lanczos3((source as f64 + 0.5 - centre) / wide));
        let weights: Vec<f64> = weights.collect();
        let total: f64 = weights.iter().sum();
        let weights = weights.iter().map(|weight| weight / total).collect();
        (first, weights)
    };
    (0..target).map(of_pixel).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Picture {
        let data = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| [pixel(x, y); 3])
            .collect();
        Picture {
            width,
            height,
            data,
        }
    }

    #[test]
    fn a_flat_picture_stays_flat_and_a_picture_of_the_same_size_as_it_is() {
        let flat = picture(50, 31, |_, _| 77);
        assert_eq!(scale(&flat, 7, 9), picture(7, 9, |_, _| 77));
        let pattern = picture(9, 7, |x, y| (x * 20 + y * 3) as u8);
        assert_eq!(scale(&pattern, 9, 7), pattern);
    }

    #[test]
    fn a_checkerboard_becomes_its_mean() {
        let board = picture(96, 96, |x, y| if (x + y) % 2 == 0 { 255 } else { 0 });
        let scaled = scale(&board, 12, 12);
        let inner = scaled.data[(5 * 12 + 5) * 3];
        assert!((127..=128).contains(&inner), "{inner}");
    }

    #[test]
    fn sides_are_scaled_apart() {
        let stripes = picture(60, 10, |x, _| if x < 30 { 10 } else { 200 });
        let scaled = scale(&stripes, 6, 5);
        let row = |y: usize| &scaled.data[y * 18..(y + 1) * 18];
        assert!((1..5).all(|y| row(y) == row(0)));
        assert!(row(0)[0].abs_diff(10) <= 8 && row(0)[15].abs_diff(200) <= 8);
    }
}
