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

/// A WebP without loss whose picture claims these sides, and has no data.
fn webp_header(width: u32, height: u32) -> Vec<u8> {
    let bits = (width - 1) | (height - 1) << 14;
    let picture = [&[0x2F], &bits.to_le_bytes()[..], &[0; 3]].concat();
    let length = (picture.len() as u32).to_le_bytes();
    [b"RIFF\x14\0\0\0WEBPVP8L", &length[..], &picture].concat()
}

fn gif_header(width: u16, height: u16) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [b"GIF89a", &sides[..], &[0; 3]].concat()
}

fn bmp_header(width: i32, height: i32) -> Vec<u8> {
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", &sides[..]].concat()
}

fn tiff_header(width: u32, height: u32) -> Vec<u8> {
    let entry = |tag: u16, value: u32| {
        let mut entry = tag.to_be_bytes().to_vec();
        entry.extend([0, 4, 0, 0, 0, 1]);
        entry.extend(value.to_be_bytes());
        entry
    };
    [
        b"MM\0*\0\0\0\x08\0\x02".to_vec(),
        entry(256, width),
        entry(257, height),
    ]
    .concat()
}

#[test]
fn a_bomb_of_any_format_is_refused_on_its_header() {
    let limits = Limits::default();
    let pixels = |actual| (Limit::Pixels, actual, 100_000_000);
    check(
        &webp_header(16_384, 16_384),
        limits,
        pixels(16_384 * 16_384),
    );
    check(&gif_header(65_535, 65_535), limits, pixels(65_535 * 65_535));
    check(&bmp_header(30_000, -30_000), limits, pixels(900_000_000));
    check(&tiff_header(30_000, 30_000), limits, pixels(900_000_000));
    let side = (Limit::Side, 1 << 31, 65_535);
    check(&bmp_header(1, i32::MIN), limits, side);
    check(&tiff_header(1 << 31, 1), limits, side);
}

#[test]
fn a_picture_without_pixels_is_corrupt() {
    for input in [
        png_header(0, 9),
        gif_header(9, 0),
        bmp_header(0, 9),
        tiff_header(9, 0),
    ] {
        let error = inspect(&input, &Limits::default()).unwrap_err();
        assert!(matches!(error, ImageError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn the_pixels_of_a_result_have_a_limit() {
    let limits = Limits {
        output_pixels_max: 99,
        ..Limits::default()
    };
    let options = Options {
        limits,
        enlarge: imaging::Enlarge::Allowed,
        ..Options::new(Size::new(10, 10))
    };
    let error = resize(&images::gradient_png(3, 3), &options).unwrap_err();
    let expected = "the number of pixels of the result is 100, and at most 99 is allowed";
    assert_eq!(error.to_string(), expected);
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
