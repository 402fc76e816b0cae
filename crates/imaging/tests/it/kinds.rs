//! The less common kinds of JPEG and PNG.

use imaging::{ImageError, Options, Size, resize};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use png::{BitDepth, Info};
use testkit::images;

use crate::picture::fit_picture;

#[track_caller]
fn check_colour(pixel: &[u8], expected: &[u8], tolerance: u8) {
    let furthest = pixel
        .iter()
        .zip(expected)
        .map(|(left, right)| left.abs_diff(*right))
        .max();
    assert!(
        pixel.len() == expected.len() && furthest <= Some(tolerance),
        "{pixel:?}, not {expected:?}"
    );
}

fn jpeg(
    color_type: ColorType,
    pixel: &[u8],
    prepare: impl Fn(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    prepare(&mut encoder);
    encoder
        .encode(&pixel.repeat(64 * 64), 64, 64, color_type)
        .expect("pixels of the right length");
    bytes
}

#[test]
fn inks_become_light() {
    // Full cyan with half of the black.
    for color_type in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let jpeg = jpeg(color_type, &[255, 0, 0, 128], |_| {});
        for side in [64, 30, 4] {
            check_colour(
                fit_picture(&jpeg, side, side).pixel(0, 0),
                &[0, 127, 127],
                4,
            );
        }
    }
}

#[test]
fn four_components_without_an_adobe_segment_are_refused() {
    let jpeg = jpeg(ColorType::Cmyk, &[255, 0, 0, 128], |_| {});
    let at = jpeg.windows(5).position(|bytes| bytes == b"Adobe").unwrap();
    let mut nameless = jpeg;
    nameless[at] = b'B';
    let error = resize(&nameless, &Options::new(Size::new(9, 9))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "JPEG with four components and no Adobe segment is not supported"
    );
}

#[test]
fn every_subsampling_decodes_at_every_size() {
    use SamplingFactor as S;
    let common = [S::F_1_1, S::F_2_1, S::F_1_2, S::F_2_2].map(|sampling| (sampling, false));
    // Without progressive scans, this encoder writes these with a scan for each colour.
    let rare = [S::F_1_1, S::F_2_2, S::F_4_1, S::F_4_2, S::F_1_4, S::F_2_4];
    for (sampling, progressive) in common.into_iter().chain(rare.map(|rare| (rare, true))) {
        let jpeg = jpeg(ColorType::Rgb, &[200, 40, 90], |encoder| {
            encoder.set_sampling_factor(sampling);
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(3);
        });
        for side in [64, 31, 9, 2] {
            let picture = fit_picture(&jpeg, side, side);
            check_colour(picture.pixel(0, 0), &[200, 40, 90], 5);
        }
    }
}

/// A JPEG with a scan for each colour.
fn jpeg_in_three_scans() -> Vec<u8> {
    jpeg(ColorType::Rgb, &[200, 40, 90], |encoder| {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_optimized_huffman_tables(true);
    })
}

#[cfg(feature = "mozjpeg")]
#[test]
fn a_scan_for_each_colour_is_decoded_right() {
    for side in [64, 31, 9, 2] {
        let picture = fit_picture(&jpeg_in_three_scans(), side, side);
        check_colour(picture.pixel(0, 0), &[200, 40, 90], 5);
        check_colour(
            picture.pixel(picture.width - 1, picture.height - 1),
            &[200, 40, 90],
            5,
        );
    }
}

#[cfg(not(feature = "mozjpeg"))]
#[test]
fn a_scan_for_each_colour_is_refused_rather_than_decoded_wrong() {
    let error = resize(&jpeg_in_three_scans(), &Options::new(Size::new(64, 64))).unwrap_err();
    assert!(matches!(error, ImageError::Unsupported { .. }), "{error}");
}

/// Replaces the marker of the frame header.
fn with_frame_marker(marker: u8) -> Vec<u8> {
    let mut jpeg = images::gradient_jpeg(16, 16);
    let at = jpeg
        .windows(2)
        .position(|bytes| bytes == [0xFF, 0xC0])
        .expect("a baseline file");
    jpeg[at + 1] = marker;
    jpeg
}

#[test]
fn what_no_decoder_reads_is_refused_by_name() {
    for (marker, feature) in [
        (0xC3, "lossless compression"),
        (0xC5, "hierarchical frames"),
        (0xC9, "arithmetic coding"),
    ] {
        match resize(&with_frame_marker(marker), &Options::new(Size::new(9, 9))).unwrap_err() {
            ImageError::Unsupported { feature: said, .. } => assert_eq!(said, feature),
            other => panic!("{other:?}"),
        }
    }
}

fn png_of(info: Info<'_>, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    png::Encoder::with_info(&mut bytes, info)
        .and_then(png::Encoder::write_header)
        .and_then(|mut writer| writer.write_image_data(data))
        .expect("data of the right length");
    bytes
}

fn info(color_type: png::ColorType, bit_depth: BitDepth) -> Info<'static> {
    let mut info = Info::with_size(8, 8);
    info.color_type = color_type;
    info.bit_depth = bit_depth;
    info
}

#[test]
fn sixteen_bits_become_the_nearest_of_eight() {
    let data = [0x12, 0xFF, 0x80, 0x00, 0x00, 0x80].repeat(64);
    let png = png_of(info(png::ColorType::Rgb, BitDepth::Sixteen), &data);
    assert_eq!(fit_picture(&png, 4, 4).pixel(2, 2), [0x13, 0x80, 0]);
}

#[test]
fn one_bit_becomes_gray() {
    let png = png_of(
        info(png::ColorType::Grayscale, BitDepth::One),
        &[0b1111_0000; 8],
    );
    let picture = fit_picture(&png, 8, 8);
    assert_eq!(picture.channels, 1);
    assert_eq!(
        (picture.pixel(0, 0), picture.pixel(7, 7)),
        (&[255][..], &[0][..])
    );
}

#[test]
fn a_palette_becomes_colours_and_its_transparency_stays() {
    let mut info = info(png::ColorType::Indexed, BitDepth::Eight);
    info.palette = Some(vec![1, 2, 3, 250, 100, 50].into());
    let opaque = png_of(info.clone(), &[1; 64]);
    assert_eq!(fit_picture(&opaque, 4, 4).pixel(0, 0), [250, 100, 50]);

    info.trns = Some(vec![0, 77].into());
    let glassy = png_of(info, &[1; 64]);
    assert_eq!(fit_picture(&glassy, 4, 4).pixel(0, 0), [250, 100, 50, 77]);
}

#[test]
fn a_transparent_colour_becomes_transparency() {
    let mut info = info(png::ColorType::Grayscale, BitDepth::Eight);
    info.trns = Some(vec![0, 200].into());
    let data = [[200; 4], [90; 4]].concat().repeat(8);
    let picture = fit_picture(&png_of(info, &data), 8, 8);
    assert_eq!(
        (picture.pixel(0, 0)[1], picture.pixel(7, 0)),
        (0, &[90, 255][..])
    );
}

#[test]
fn an_interlaced_png_is_read() {
    let mut info = info(png::ColorType::Grayscale, BitDepth::Eight);
    info.interlaced = true;
    let mut interlaced = Vec::new();
    png::Encoder::with_info(&mut interlaced, info)
        .and_then(png::Encoder::write_header)
        .and_then(|mut writer| {
            writer.write_chunk(png::chunk::IDAT, &fdeflate::compress_to_vec(&adam7()))
        })
        .unwrap();
    let expected: Vec<u8> = (0..64).map(|index| index * 4).collect();
    assert_eq!(fit_picture(&interlaced, 8, 8).data, expected);
}

#[test]
fn of_an_animation_the_first_picture_is_taken() {
    let mut animated = Vec::new();
    let mut encoder = png::Encoder::new(&mut animated, 8, 8);
    encoder.set_animated(3, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for gray in [10, 20, 30] {
        writer.write_image_data(&[gray; 64]).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(fit_picture(&animated, 8, 8).data, [10; 64]);
}

/// The pixels 0, 4, 8 … of an 8x8 picture in the order of the Adam7 passes, each row behind a filter byte.
fn adam7() -> Vec<u8> {
    // Where each pass starts and steps: x, y, step of x, step of y.
    let passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let mut data = Vec::new();
    for (x, y, step_x, step_y) in passes {
        for y in (y..8_u8).step_by(step_y) {
            data.push(0);
            data.extend((x..8_u8).step_by(step_x).map(|x| (y * 8 + x) * 4));
        }
    }
    data
}
