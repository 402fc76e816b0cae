//! Samples are exactly those that the standard says, so they are those of every other decoder.
//!
//! image-webp is always there. dwebp, which is libwebp, is in the package `webp` of Debian; what is only compared with it is left out,
//! and said to be, if it is not installed.

use std::io::{Cursor, Write, stderr};
use std::process::Command;
use std::{array, fs};

use crate::files::{Made, chunk, photo, random_frame, with_container};
use fastrand::Rng;
use image_webp::vp8::Vp8Decoder;
use vp8::{DecodeError, Decoder, Filtering, Header, Plane, Request, decode};

fn decoded(frame: &[u8], filtering: Filtering) -> [Plane; 3] {
    let request = Request {
        filtering,
        ..Request::default()
    };
    decode(frame, &request).expect("a good frame")
}

/// The planes of image-webp, which has them as wide and high as macroblocks are; or why there are none.
fn by_image_webp(frame: &[u8]) -> Result<[Plane; 3], String> {
    let decoded =
        Vp8Decoder::decode_frame(Cursor::new(frame)).map_err(|error| error.to_string())?;
    let (width, height) = (u32::from(decoded.width), u32::from(decoded.height));
    let stride = width.div_ceil(16) as usize * 16;
    let cut = |data: &[u8], stride: usize, (width, height): (u32, u32)| Plane {
        width,
        height,
        data: data
            .chunks_exact(stride)
            .take(height as usize)
            .flat_map(|row| &row[..width as usize])
            .copied()
            .collect(),
    };
    let half = (width.div_ceil(2), height.div_ceil(2));
    Ok([
        cut(&decoded.ybuf, stride, (width, height)),
        cut(&decoded.ubuf, stride / 2, half),
        cut(&decoded.vbuf, stride / 2, half),
    ])
}

/// The planes of libwebp one behind the other, or `None` if it takes the file for damaged. Only if [`has_dwebp`].
fn by_dwebp(frame: &[u8], filtering: Filtering) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let paths = ["in.webp", "out.yuv"].map(|name| folder.path().join(name));
    fs::write(&paths[0], with_container(frame)).expect("a folder that can be written to");
    let mut command = Command::new("dwebp");
    command.arg("-quiet").arg("-yuv").arg(&paths[0]);
    command.arg("-o").arg(&paths[1]);
    if filtering == Filtering::Skip {
        command.arg("-nofilter");
    }
    let output = command.output().expect("it was there before");
    (output.status.success()).then(|| fs::read(&paths[1]).expect("what was just written"))
}

fn has_dwebp() -> bool {
    let is_there = Command::new("dwebp").arg("-version").output().is_ok();
    if !is_there {
        _ = writeln!(
            stderr(),
            "left out: dwebp is not installed (Debian has it in the package webp)"
        );
    }
    is_there
}

#[track_caller]
fn assert_same(ours: &[Plane; 3], theirs: &[Plane; 3], what: &str) {
    for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(
            (ours.width, ours.height),
            (theirs.width, theirs.height),
            "{what}"
        );
        let at = ours.data.iter().zip(&theirs.data).position(|(a, b)| a != b);
        let at = at.map(|at| (at % ours.width as usize, at / ours.width as usize));
        assert_eq!(at, None, "{what}: plane {number}");
    }
}

#[test]
fn files_of_all_settings_and_sizes_are_decoded_as_by_image_webp() {
    let mut random = Rng::with_seed(31);
    for round in 0..400 {
        let made = Made::random(&mut random);
        let frame = made.encode(&mut random);
        let theirs = by_image_webp(&frame).expect("a good frame");
        let what = format!("round {round}: {made:?}");
        assert_same(&decoded(&frame, Filtering::Full), &theirs, &what);
    }
}

#[test]
fn files_of_all_settings_and_sizes_are_decoded_as_by_libwebp() {
    if !has_dwebp() {
        return;
    }
    let mut random = Rng::with_seed(32);
    for round in 0..150 {
        let made = Made::random(&mut random);
        let frame = made.encode(&mut random);
        for filtering in [Filtering::Full, Filtering::Skip] {
            let ours = decoded(&frame, filtering).map(|plane| plane.data).concat();
            let theirs = by_dwebp(&frame, filtering);
            assert!(
                theirs == Some(ours),
                "round {round}, {filtering:?}: {made:?}"
            );
        }
    }
}

#[test]
fn a_photo_is_decoded_as_by_others() {
    let (rgb, width, height) = photo();
    let has_dwebp = has_dwebp();
    for quality in [5.0, 60.0, 80.0, 97.0] {
        let file = webp::Encoder::from_rgb(&rgb, width, height).encode(quality);
        let frame = chunk(&file);
        let ours = decoded(frame, Filtering::Full);
        let theirs = by_image_webp(frame).expect("a good frame");
        assert_same(&ours, &theirs, &format!("quality {quality}"));
        for filtering in [Filtering::Full, Filtering::Skip] {
            let ours = decoded(frame, filtering).map(|plane| plane.data).concat();
            let is_same = !has_dwebp || by_dwebp(frame, filtering) == Some(ours);
            assert!(is_same, "quality {quality}, {filtering:?}");
        }
    }
}

/// Headers that libwebp never writes: deltas of the filter, values of segments that are added to those of the frame, probabilities of
/// all kinds, modes that do not fit. libwebp is not asked: it does not keep levels of the filter in their range between
/// two additions, as the standard does.
#[test]
fn random_bits_are_decoded_as_by_image_webp() {
    let mut random = Rng::with_seed(33);
    let mut compared = 0;
    for round in 0..600 {
        let frame = random_frame(&mut random);
        let ours = decoded(&frame, Filtering::Full);
        if let Ok(theirs) = by_image_webp(&frame) {
            assert_same(&ours, &theirs, &format!("round {round}"));
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared}");
}

#[test]
fn bands_are_the_picture_whatever_the_filter_holds_back() {
    let mut random = Rng::with_seed(34);
    for _ in 0..60 {
        let made = Made::random(&mut random);
        let frame = made.encode(&mut random);
        for filtering in [Filtering::Full, Filtering::Skip] {
            let whole = decoded(&frame, filtering);
            let mut decoder = Decoder::new(&frame, filtering).expect("a good frame");
            let mut planes: [Vec<u8>; 3] = array::from_fn(|_| Vec::new());
            let mut next = 0;
            while let Some(band) = decoder.next_band().expect("a good frame") {
                assert_eq!(band.first_row, next);
                next += band.planes[0].count() as u32;
                for (plane, rows) in planes.iter_mut().zip(band.planes) {
                    rows.iter().for_each(|row| plane.extend_from_slice(row));
                }
            }
            assert_eq!(planes, whole.map(|plane| plane.data));
            assert!(decoder.next_band().expect("nothing was left").is_none());
        }
    }
}

#[test]
fn limits_and_stops_are_obeyed() {
    let file = webp::Encoder::from_rgb(&[99; 300 * 3], 20, 15).encode(75.0);
    let frame = chunk(&file);
    let header = Header::read(frame).expect("a good frame");
    assert_eq!((header.width, header.height), (20, 15));
    let bytes = 20 * 15 + 2 * 10 * 8;
    let request = Request {
        bytes_max: bytes - 1,
        ..Request::default()
    };
    assert_eq!(decode(frame, &request), Err(DecodeError::TooLarge(bytes)));
    let request = Request {
        bytes_max: bytes,
        stop: &|| true,
        ..Request::default()
    };
    assert_eq!(decode(frame, &request), Err(DecodeError::Stopped));
}

#[test]
fn what_is_no_key_frame_is_refused() {
    let file = webp::Encoder::from_rgb(&[99; 300 * 3], 20, 15).encode(75.0);
    let frame = chunk(&file);
    for (at, bits) in [(0, 0x01), (0, 0x08), (0, 0x10), (3, 0x80), (4, 1), (5, 1)] {
        let mut other = frame.to_vec();
        other[at] ^= bits;
        let error = Header::read(&other).expect_err("another kind of frame");
        assert!(matches!(error, DecodeError::Corrupt(_)), "{at}: {error}");
    }
    let mut flat = frame.to_vec();
    flat[6..8].fill(0);
    let error = Header::read(&flat).expect_err("a frame without columns");
    assert_eq!(error.to_string(), "the picture has no pixels");
}
