//! What comes out of `resize`: format and size, and nothing for what is not an image.

use imaging::{
    Format, ImageError, Limits, Options, Orientation, ParseSizeError, Size, inspect, resize,
};
use testkit::images;

use crate::picture::fit;

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
fn the_same_input_gives_the_same_bytes() {
    let photo = images::gradient_jpeg(700, 500);
    assert_eq!(fit(&photo, 50, 50), fit(&photo, 50, 50));
}

#[test]
fn a_higher_quality_takes_more_bytes_and_any_number_is_taken() {
    let photo = images::jpeg(64, 64, |x, y| {
        [(x * 37 % 256) as u8, (y * 53 % 256) as u8, 9]
    });
    let bytes = |quality| {
        let options = Options {
            quality: Some(quality),
            ..Options::new(Size::new(64, 64))
        };
        resize(&photo, &options).unwrap().bytes.len()
    };
    assert!(bytes(30) < bytes(80) && bytes(80) < bytes(100));
    assert_eq!(bytes(0), bytes(1));
    assert_eq!(bytes(255), bytes(100));
}

#[test]
fn metadata_is_left_out() {
    let photo = images::with_orientation(&images::gradient_jpeg(30, 20), 3);
    let photo = images::with_segment(&photo, 0xFE, b"a comment that says where I live");
    let resized = fit(&photo, 30, 20).bytes;
    let contains = |needle: &[u8]| resized.windows(needle.len()).any(|window| window == needle);
    assert!(!contains(b"Exif") && !contains(b"comment"));
}

#[test]
fn what_is_not_an_image_is_not_recognised() {
    for input in [&b""[..], b"\xFF\xD8", b"GIF", b"<svg/>", b"\x89PNG"] {
        let error = resize(input, &Options::new(Size::new(9, 9))).unwrap_err();
        assert!(matches!(error, ImageError::Unrecognised), "{error}");
    }
}

#[test]
fn fitted_sizes_are_the_nearest_that_fit() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let mut size = || Size::new(random.u32(1..=5000), random.u32(1..=5000));
        let (bounds, picture) = (size(), size());
        let fitted = bounds.fit(picture);
        let ratio = f64::min(
            f64::from(bounds.width) / f64::from(picture.width),
            f64::from(bounds.height) / f64::from(picture.height),
        );
        let ideal = |side| (f64::from(side) * ratio.min(1.0)).max(1.0);
        assert!((ideal(picture.width) - f64::from(fitted.width)).abs() <= 0.500_001);
        assert!((ideal(picture.height) - f64::from(fitted.height)).abs() <= 0.500_001);
        assert!(fitted.width <= bounds.width && fitted.height <= bounds.height);
        assert!(fitted.width <= picture.width && fitted.height <= picture.height);
    }
}

#[test]
fn fitting_holds_at_the_ends_of_the_range() {
    let most = Size::new(u32::MAX, u32::MAX);
    let least = Size::new(1, 1);
    assert_eq!(most.fit(most), most);
    assert_eq!(least.fit(most), least);
    assert_eq!(Size::new(u32::MAX, 1).fit(most), least);
    assert_eq!(Size::new(7, 7).fit(Size::new(u32::MAX, 1)), Size::new(7, 1));
}

#[test]
fn a_size_is_written_as_it_is_read() {
    let size: Size = "1920x1080".parse().unwrap();
    assert_eq!(size, Size::new(1920, 1080));
    assert_eq!(size.to_string(), "1920x1080");
    for text in [
        "",
        "x",
        "9",
        "9x",
        "x9",
        "0x9",
        "9x0",
        "-1x9",
        "+9x9",
        "9 x9",
        "9x9x9",
        "9X9",
        "4294967296x1",
    ] {
        assert_eq!(text.parse::<Size>(), Err(ParseSizeError), "{text}");
    }
}
