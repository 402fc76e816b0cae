//! Nothing above a limit gets further than its header.
//!
//! The inputs here have a header and nothing else. If anything but the header had been looked at, the error
//! would be about the missing rest.

use imaging::{ImageError, Limit, Limits, Options, Size, inspect, resize};
use testkit::images;

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR".as_slice(),
        &sides,
        &[8, 6, 0, 0, 0],
        &[0; 4],
    ]
    .concat()
}

fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
    [
        b"\xFF\xD8\xFF\xC0\0\x0B\x08".as_slice(),
        &sides,
        &[1, 1, 0x11, 0],
        b"\xFF\xDA\0\x02",
    ]
    .concat()
}

#[track_caller]
fn check(input: &[u8], limits: Limits, expected: (Limit, u64, u64)) {
    let options = Options {
        limits,
        ..Options::new(Size::new(100, 100))
    };
    let error = resize(input, &options).expect_err("an image above the limit");
    let ImageError::TooLarge {
        limit,
        actual,
        maximum,
    } = error
    else {
        unreachable!("{error:?}")
    };
    assert_eq!((limit, actual, maximum), expected);
}

#[test]
fn a_bomb_is_refused_on_its_header() {
    let limits = Limits::default();
    check(
        &png_header(30_000, 30_000),
        limits,
        (Limit::Pixels, 900_000_000, 100_000_000),
    );
    check(
        &png_header(65_536, 1),
        limits,
        (Limit::Side, 65_536, 65_535),
    );
    check(
        &png_header(0x7FFF_FFFF, 0x7FFF_FFFF),
        limits,
        (Limit::Side, 0x7FFF_FFFF, 65_535),
    );
    check(
        &jpeg_header(65_535, 65_535),
        limits,
        (Limit::Pixels, 65_535 * 65_535, 100_000_000),
    );
}

#[test]
fn inspecting_keeps_to_the_limits_too() {
    let error = inspect(&png_header(30_000, 30_000), &Limits::default()).unwrap_err();
    assert!(
        matches!(
            error,
            ImageError::TooLarge {
                limit: Limit::Pixels,
                ..
            }
        ),
        "{error}"
    );
    assert!(inspect(&png_header(10_000, 10_000), &Limits::default()).is_ok());
}

#[test]
fn the_input_has_a_limit_in_bytes() {
    let limits = Limits {
        input_bytes_max: 100,
        ..Limits::default()
    };
    let photo = images::gradient_jpeg(30, 20);
    check(&photo, limits, (Limit::InputBytes, photo.len() as u64, 100));
}

#[test]
fn the_result_has_a_limit() {
    let limits = Limits {
        output_side_max: 50,
        ..Limits::default()
    };
    check(
        &images::gradient_jpeg(200, 10),
        limits,
        (Limit::OutputSide, 100, 50),
    );
    // A picture that comes out smaller may be asked for with a larger box.
    let options = Options {
        limits,
        ..Options::new(Size::new(100, 100))
    };
    assert!(resize(&images::gradient_jpeg(40, 10), &options).is_ok());
}

#[test]
fn scans_are_counted_to_the_end() {
    let photo = images::gradient_jpeg(30, 20);
    let scan = photo
        .windows(2)
        .position(|bytes| bytes == [0xFF, 0xDA])
        .unwrap();
    let (header, scan) = photo.split_at(scan);
    let (scan, end) = scan.split_at(scan.len() - 2);
    let with_scans = |scans| [header, &scan.repeat(scans), end].concat();

    check(
        &with_scans(101),
        Limits::default(),
        (Limit::Scans, 101, 100),
    );
    check(
        &with_scans(3000),
        Limits::default(),
        (Limit::Scans, 101, 100),
    );
}

#[test]
fn a_small_file_cannot_claim_a_large_picture() {
    let tiny_jpeg = [&jpeg_header(8000, 8000)[..], &[0x55; 1000], b"\xFF\xD9"].concat();
    let mut tiny_png = Vec::new();
    png::Encoder::new(&mut tiny_png, 8000, 8000)
        .write_header()
        .and_then(|mut writer| writer.write_chunk(png::chunk::IDAT, &[0; 1000]))
        .unwrap();
    for input in [tiny_jpeg, tiny_png] {
        let error = resize(&input, &Options::new(Size::new(100, 100))).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(
            cause.to_string(),
            "the file has too little data for its picture"
        );
    }
}

#[test]
fn an_error_says_which_limit_and_by_how_much() {
    let error = inspect(&png_header(30_000, 30_000), &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the number of pixels is 900000000, and at most 100000000 is allowed"
    );
}
