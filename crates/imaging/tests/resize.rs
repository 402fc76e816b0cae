//! What comes out of `resize`: format, size, and nothing for what is not an image.

use imaging::{Format, ImageError, Limits, Options, Orientation, Resized, Size, inspect, resize};
use testkit::images;

fn fit(input: &[u8], width: u32, height: u32) -> Resized {
    resize(input, &Options::new(Size::new(width, height))).expect("a good image")
}

#[track_caller]
fn check_size(input: &[u8], bounds: (u32, u32), expected: (u32, u32)) {
    let resized = fit(input, bounds.0, bounds.1);
    assert_eq!((resized.width, resized.height), expected);
    // What is said and what was written must agree.
    let written = inspect(&resized.bytes, &Limits::default()).expect("our own output");
    assert_eq!((written.width, written.height), expected);
    assert_eq!(written.format, resized.format);
    assert_eq!(written.orientation, Orientation::Upright);
}

#[test]
fn a_picture_keeps_its_proportions_within_the_box() {
    let landscape = images::gradient_jpeg(120, 80);
    check_size(&landscape, (60, 60), (60, 40));
    check_size(&landscape, (1000, 8), (12, 8));
    check_size(&landscape, (7, 1000), (7, 5));
    check_size(&landscape, (1, 1), (1, 1));
}

#[test]
fn a_picture_is_never_enlarged() {
    check_size(&images::gradient_jpeg(12, 8), (256, 256), (12, 8));
    check_size(&images::gradient_png(12, 8), (12, 8), (12, 8));
}

#[test]
fn no_side_vanishes() {
    check_size(&images::gradient_png(300, 2), (10, 10), (10, 1));
    check_size(&images::gradient_jpeg(2, 300), (10, 10), (1, 10));
    check_size(&images::gradient_png(30, 20), (0, 0), (1, 1));
}

#[test]
fn the_box_holds_the_upright_picture() {
    let portrait = images::with_orientation(&images::gradient_jpeg(120, 80), 6);
    check_size(&portrait, (60, 60), (40, 60));
    check_size(&portrait, (1000, 1000), (80, 120));
}

#[test]
fn the_format_stays() {
    assert_eq!(fit(&images::gradient_jpeg(9, 9), 4, 4).format, Format::Jpeg);
    assert_eq!(fit(&images::gradient_png(9, 9), 4, 4).format, Format::Png);
}

#[test]
fn what_is_not_an_image_is_not_recognised() {
    for input in [
        &b""[..],
        b"\xFF\xD8",
        b"GIF89a\x01\0\x01\0",
        b"<svg/>",
        b"\x89PNG",
    ] {
        let error = resize(input, &Options::new(Size::new(9, 9))).unwrap_err();
        assert!(matches!(error, ImageError::Unrecognised), "{error}");
    }
}
