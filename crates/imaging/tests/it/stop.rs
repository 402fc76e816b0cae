//! Work that is told to stop stops, wherever it is.

use std::cell::Cell;

use imaging::{ImageError, Light, Options, Output, Shrink, Size, resize_until};
use testkit::images;

/// Resizes until the question whether to stop was asked so many times. Returns how often it was asked, and what came of it.
fn stop_at(input: &[u8], options: &Options, last: usize) -> (usize, Result<(), ImageError>) {
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() >= last
    };
    let result = resize_until(input, options, &stop);
    (asked.get(), result.map(|_| ()))
}

/// Stops the work at some of the places where it asks, the last among them, and checks that it asks at least this often.
#[track_caller]
fn check(input: &[u8], options: Options, questions: usize) {
    let (asked, whole) = stop_at(input, &options, usize::MAX);
    assert!(
        whole.is_ok() && asked >= questions,
        "{asked} questions: {whole:?}"
    );
    for last in (1..=asked).rev().step_by(asked.div_ceil(6)) {
        let (asked, stopped) = stop_at(input, &options, last);
        assert!(
            matches!(stopped, Err(ImageError::Stopped)),
            "at {last}: {stopped:?}"
        );
        // Once stopped, nobody goes on far enough to ask again.
        assert_eq!(asked, last);
    }
}

/// A photo that compresses badly, so that there is something to read.
fn noisy(width: u16, height: u16) -> impl Fn(u32, u32) -> [u8; 3] {
    move |x, y| {
        let seed = u64::from(x) * u64::from(width) + u64::from(y) * u64::from(height) * 31;
        let mut random = fastrand::Rng::with_seed(seed);
        [random.u8(..), random.u8(..), random.u8(..)]
    }
}

#[test]
fn a_jpeg_stops_wherever_it_is_stopped() {
    let photo = images::jpeg(640, 480, noisy(640, 480));
    // At full size, and at a fraction.
    check(&photo, Options::new(Size::new(600, 600)), 20);
    check(&photo, Options::new(Size::new(40, 40)), 15);
}

#[test]
fn a_png_stops_wherever_it_is_stopped() {
    let noise = noisy(400, 300);
    let png = images::png(400, 300, |x, y| {
        let [red, green, blue] = noise(x, y);
        [red, green, blue, 255]
    });
    check(&png, Options::new(Size::new(380, 380)), 15);
}

#[test]
fn scaling_and_encoding_stop_too() {
    let flat = images::solid_jpeg(1600, 1200, [9, 9, 9]);
    let options = Options {
        output: Output::Png,
        shrink: Shrink::Off,
        light: Light::Linear,
        ..Options::new(Size::new(700, 700))
    };
    // The file is small, so it is not the reader who asks.
    check(&flat, options, 8);
}

#[cfg(feature = "avif")]
#[test]
fn an_avif_stops_between_its_pieces() {
    let options = Options {
        output: Output::Png,
        ..Options::new(Size::new(250, 250))
    };
    // Before each of the four, and while rows are scaled and encoded; within a piece nobody asks.
    check(&crate::avif::file("grid"), options, 6);
}
