//! Pictures come out upright, however they were stored.

use imaging::{Limits, Orientation, inspect};
use testkit::images;

use crate::picture::{Picture, encode_png, fit_picture};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;

/// An upright picture without any symmetry: smooth, with a bright corner at the top left.
fn upright(x: u32, y: u32) -> [u8; 3] {
    let corner = u32::from(x < WIDTH / 3 && y < HEIGHT / 4) * 90;
    [x * 2, y * 3, corner].map(|value| value as u8)
}

/// The size that the picture is stored with.
fn stored_size(orientation: u16) -> (u32, u32) {
    match orientation {
        5.. => (HEIGHT, WIDTH),
        _ => (WIDTH, HEIGHT),
    }
}

/// The pixel that is stored at `x`, `y`, by the words of the EXIF standard: where the 0th row and the 0th column
/// of the stored picture lie in the upright one.
fn stored(orientation: u16, x: u32, y: u32) -> [u8; 3] {
    let (right, bottom) = (WIDTH - 1, HEIGHT - 1);
    match orientation {
        1 => upright(x, y),                  // row: top, column: left
        2 => upright(right - x, y),          // row: top, column: right
        3 => upright(right - x, bottom - y), // row: bottom, column: right
        4 => upright(x, bottom - y),         // row: bottom, column: left
        5 => upright(y, x),                  // row: left, column: top
        6 => upright(right - y, x),          // row: right, column: top
        7 => upright(right - y, bottom - x), // row: right, column: bottom
        _ => upright(y, bottom - x),         // row: left, column: bottom
    }
}

fn stored_jpeg(orientation: u16) -> Vec<u8> {
    let (width, height) = stored_size(orientation);
    let jpeg = images::jpeg(width as u16, height as u16, |x, y| {
        stored(orientation, x, y)
    });
    images::with_orientation(&jpeg, orientation)
}

#[track_caller]
fn check_all_alike(picture: impl Fn(u16) -> Picture, tolerance: u8) {
    let reference = picture(1);
    for orientation in 2..=8 {
        let furthest = picture(orientation).furthest(&reference);
        assert!(
            furthest <= tolerance,
            "orientation {orientation} is off by {furthest}"
        );
    }
}

#[test]
fn eight_orientations_of_a_jpeg_give_the_same_picture() {
    // The differences are those of JPEG blocks that lie elsewhere.
    check_all_alike(
        |orientation| fit_picture(&stored_jpeg(orientation), 96, 96),
        12,
    );
    check_all_alike(
        |orientation| fit_picture(&stored_jpeg(orientation), 48, 48),
        12,
    );
}

#[test]
fn eight_orientations_of_a_small_thumbnail_give_the_same_picture() {
    // Small enough that a decoder may shrink while it decodes.
    check_all_alike(
        |orientation| fit_picture(&stored_jpeg(orientation), 12, 12),
        12,
    );
}

#[test]
fn eight_orientations_of_a_png_give_the_same_picture() {
    check_all_alike(
        |orientation| fit_picture(&stored_png(orientation), 96, 96),
        0,
    );
    check_all_alike(
        |orientation| fit_picture(&stored_png(orientation), 30, 30),
        1,
    );
}

fn stored_png(orientation: u16) -> Vec<u8> {
    let (width, height) = stored_size(orientation);
    let plain = Picture {
        width: width as usize,
        height: height as usize,
        channels: 3,
        data: (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| stored(orientation, x, y)))
            .collect(),
    };
    with_exif_chunk(&encode_png(&plain), orientation)
}

/// Puts an `eXIf` chunk behind the header.
fn with_exif_chunk(png: &[u8], orientation: u16) -> Vec<u8> {
    let header_end = 8 + 4 + 4 + 13 + 4;
    let mut chunk = Vec::new();
    let exif = [
        b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
        &[orientation as u8],
        &[0; 6],
    ];
    let info = png::Info::with_size(1, 1);
    png::Encoder::with_info(&mut chunk, info)
        .and_then(png::Encoder::write_header)
        .and_then(|mut writer| writer.write_chunk(png::chunk::eXIf, &exif.concat()))
        .expect("a buffer in memory takes everything");
    // The encoder wrote signature, header and then the chunk, with its checksum.
    let (start, rest) = png.split_at(header_end);
    let chunk_end = header_end + 4 + 4 + exif.concat().len() + 4;
    [start, &chunk[header_end..chunk_end], rest].concat()
}

#[test]
fn the_header_tells_the_orientation_and_the_stored_size() {
    let header = inspect(&stored_jpeg(6), &Limits::default()).unwrap();
    assert_eq!((header.width, header.height), (HEIGHT, WIDTH));
    assert_eq!(header.orientation, Orientation::Rotate90);
    assert_eq!(header.upright_size().to_string(), "96x64");
}

#[test]
fn a_wrong_orientation_is_ignored() {
    let plain = images::gradient_jpeg(20, 10);
    for orientation in [0, 9, u16::MAX] {
        let tagged = images::with_orientation(&plain, orientation);
        assert_eq!(fit_picture(&tagged, 20, 20), fit_picture(&plain, 20, 20));
    }
}

#[test]
fn broken_exif_is_ignored() {
    let plain = images::gradient_jpeg(20, 10);
    for payload in [
        &b""[..],
        b"Exif",
        b"Exif\0\0",
        b"Exif\0\0II",
        b"Exif\0\0XX\x2A\0\x08\0\0\0",
        b"Exif\0\0II\x2A\0\xFF\xFF\xFF\xFF",
    ] {
        let tagged = images::with_segment(&plain, 0xE1, payload);
        assert_eq!(fit_picture(&tagged, 20, 20), fit_picture(&plain, 20, 20));
    }
}

#[test]
fn the_first_exif_segment_with_an_orientation_counts() {
    let twice = images::with_orientation(
        &images::with_orientation(&images::gradient_jpeg(20, 10), 1),
        6,
    );
    let behind_xmp = images::with_segment(&twice, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
    let header = inspect(&behind_xmp, &Limits::default()).unwrap();
    assert_eq!(header.orientation, Orientation::Rotate90);
}
