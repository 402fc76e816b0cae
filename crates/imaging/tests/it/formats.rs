//! The formats besides JPEG and PNG: read, written, and told apart.

use std::io::Cursor;

use image::codecs::bmp::BmpEncoder;
use image::codecs::gif::GifEncoder;
use image::codecs::tiff::TiffEncoder;
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, ImageFormat, RgbaImage};
use image_webp::{ColorType, WebPEncoder};
use imaging::{
    Format, ImageError, Limits, Options, Orientation, Output, Size, Warning, inspect, resize,
};

use crate::picture::{Picture, fit, fit_picture};

const WIDTH: u32 = 24;
const HEIGHT: u32 = 16;

/// Four flat quarters in the colours of the web, which every format here stores exactly.
fn quarter(x: u32, y: u32) -> [u8; 4] {
    match (x < WIDTH / 2, y < HEIGHT / 2) {
        (true, true) => [255, 0, 51, 255],
        (false, true) => [0, 204, 0, 255],
        (true, false) => [51, 51, 255, 255],
        (false, false) => [255, 255, 255, 255],
    }
}

fn quarters(channels: usize) -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    places
        .flat_map(|(x, y)| quarter(x, y)[..channels].to_vec())
        .collect()
}

pub(crate) fn bmp() -> Vec<u8> {
    let mut bytes = Vec::new();
    BmpEncoder::new(&mut bytes)
        .encode(&quarters(3), WIDTH, HEIGHT, ExtendedColorType::Rgb8)
        .expect("a buffer in memory takes everything");
    bytes
}

pub(crate) fn tiff() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .write_image(&quarters(3), WIDTH, HEIGHT, ExtendedColorType::Rgb8)
        .expect("a buffer in memory takes everything");
    bytes.into_inner()
}

pub(crate) fn webp(channels: usize, prepare: impl Fn(&mut WebPEncoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    prepare(&mut encoder);
    let kind = match channels {
        3 => ColorType::Rgb8,
        _ => ColorType::Rgba8,
    };
    encoder
        .encode(&quarters(channels), WIDTH, HEIGHT, kind)
        .expect("a buffer in memory takes everything");
    bytes
}

#[cfg(feature = "webp")]
pub(crate) fn lossy_webp(channels: usize) -> Vec<u8> {
    let mut pixels = quarters(channels);
    if channels == 4 {
        // So that the opacity says something.
        let opacities = pixels.iter_mut().skip(3).step_by(4);
        opacities
            .zip((0..=255).cycle())
            .for_each(|(to, opacity)| *to = opacity);
    }
    let encoder = match channels {
        3 => webp::Encoder::from_rgb(&pixels, WIDTH, HEIGHT),
        _ => webp::Encoder::from_rgba(&pixels, WIDTH, HEIGHT),
    };
    encoder.encode(80.0).to_vec()
}

/// Encodes a picture of three channels in the formats that are not written here.
pub(crate) fn written_by_others(picture: &Picture) -> Vec<(String, Vec<u8>)> {
    let pixels = image::RgbImage::from_raw(
        picture.width as u32,
        picture.height as u32,
        picture.data.clone(),
    );
    let image = image::DynamicImage::from(pixels.expect("the right length"));
    [ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Gif]
        .map(|format| {
            let mut bytes = Cursor::new(Vec::new());
            image
                .write_to(&mut bytes, format)
                .expect("a buffer in memory takes everything");
            (format!("{format:?}"), bytes.into_inner())
        })
        .into()
}

/// Encodes a GIF of as many frames, of which only the first has the quarters.
pub(crate) fn gif(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for number in 0..frames {
        let pixels = match number {
            0 => quarters(4),
            _ => vec![9; (WIDTH * HEIGHT * 4) as usize],
        };
        let picture = RgbaImage::from_raw(WIDTH, HEIGHT, pixels).expect("the right length");
        let delay = Delay::from_numer_denom_ms(100, 1);
        encoder
            .encode_frame(Frame::from_parts(picture, 0, 0, delay))
            .expect("a buffer in memory takes everything");
    }
    drop(encoder);
    bytes
}

#[track_caller]
fn check_quarters(picture: &Picture, tolerance: u8) {
    assert_eq!(picture.channels, 3);
    let (width, height) = (picture.width, picture.height);
    for (x, y) in [
        (1, 1),
        (width - 2, 1),
        (1, height - 2),
        (width - 2, height - 2),
    ] {
        let source = (
            (x * WIDTH as usize / width) as u32,
            (y * HEIGHT as usize / height) as u32,
        );
        let expected = quarter(source.0, source.1);
        let pixel = picture.pixel(x, y);
        let near = pixel
            .iter()
            .zip(expected)
            .all(|(left, right)| left.abs_diff(right) <= tolerance);
        assert!(near, "at {x}, {y}: {pixel:?}, not {expected:?}");
    }
}

/// Checks what a file is taken for, what it is written as, and that its colours are right.
#[track_caller]
fn check(input: &[u8], (read, written): (Format, Format)) {
    let header = inspect(input, &Limits::default()).expect("a good header");
    assert_eq!(
        (header.format, header.width, header.height),
        (read, WIDTH, HEIGHT)
    );
    for (side, tolerance) in [(24, 0), (12, 25)] {
        let resized = fit(input, side, side);
        assert_eq!((resized.source, resized.format), (header, written));
        check_quarters(&Picture::decode(&resized.bytes), tolerance);
    }
}

#[test]
fn what_is_only_read_becomes_png() {
    check(&bmp(), (Format::Bmp, Format::Png));
    check(&tiff(), (Format::Tiff, Format::Png));
    check(&gif(1), (Format::Gif, Format::Png));
}

#[test]
fn a_webp_without_loss_stays_so() {
    check(&webp(3, |_| {}), (Format::WebP, Format::WebP));
    check(&webp(4, |_| {}), (Format::WebP, Format::WebP));
    assert!(
        inspect(&webp(3, |_| {}), &Limits::default())
            .unwrap()
            .lossless
    );
}

#[test]
fn of_a_gif_the_first_frame_is_kept_and_that_is_said() {
    check(&gif(3), (Format::Gif, Format::Png));
    assert_eq!(fit(&gif(3), 9, 9).warnings, [Warning::FirstPictureOnly]);
    assert_eq!(fit(&gif(1), 9, 9).warnings, []);
}

#[test]
fn a_webp_is_turned_as_its_exif_says() {
    let exif = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    for exif in [exif.to_vec(), [b"Exif\0\0", &exif[..]].concat()] {
        let turned = webp(3, |encoder| encoder.set_exif_metadata(exif.clone()));
        let header = inspect(&turned, &Limits::default()).unwrap();
        assert_eq!(header.orientation, Orientation::Rotate90);
        let picture = fit_picture(&turned, 24, 24);
        assert_eq!((picture.width, picture.height), (16, 24));
        // What was at the bottom left is now at the top left.
        assert_eq!(picture.pixel(0, 0), [51, 51, 255]);
    }
}

/// Writes a TIFF with one strip, given the tags of its directory as numbers, and its samples.
fn plain_tiff(tags: &[(u16, u32)], samples: &[u8]) -> Vec<u8> {
    let strip = 8 + 2 + 12 * (tags.len() + 2) + 4;
    let strips = [(273, strip as u32), (279, samples.len() as u32)];
    let mut entries: Vec<_> = tags.iter().chain(&strips).copied().collect();
    entries.sort_unstable();
    let mut bytes = b"II\x2A\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        // One SHORT.
        bytes.extend([3, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(samples);
    bytes
}

/// Writes a TIFF of 16 columns and so many rows, with a tile of 16x16 for each of three colours.
fn tiled_tiff(height: u32) -> Vec<u8> {
    const TILE: u32 = 256;
    const ENTRIES: u32 = 11;
    let arrays = 8 + 2 + 12 * ENTRIES + 4;
    let offsets = [0, 1, 2].map(|tile| arrays + 24 + tile * TILE);
    let tiles = [(322, 16), (323, 16), (324, arrays), (325, arrays + 12)];
    let entries = [
        (256, 16),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 2),
        (277, 3),
        (284, 2),
    ];
    let mut bytes = b"II\x2A\0\x08\0\0\0".to_vec();
    bytes.extend((ENTRIES as u16).to_le_bytes());
    for (tag, value) in entries.into_iter().chain(tiles) {
        // LONGs: three, which lie elsewhere, or one.
        let count: u32 = if matches!(tag, 324 | 325) { 3 } else { 1 };
        bytes.extend(u16::to_le_bytes(tag));
        bytes.extend(4_u16.to_le_bytes());
        bytes.extend([count, value].map(u32::to_le_bytes).as_flattened());
    }
    bytes.extend([0; 4]);
    bytes.extend(offsets.map(u32::to_le_bytes).as_flattened());
    bytes.extend([TILE; 3].map(u32::to_le_bytes).as_flattened());
    bytes.extend(
        [10, 20, 30]
            .map(|colour| [colour; TILE as usize])
            .as_flattened(),
    );
    bytes
}

#[test]
fn tiles_of_single_colours_are_read_where_the_last_ones_are_full() {
    assert_eq!(fit_picture(&tiled_tiff(16), 1, 1).data, [10, 20, 30]);
    // The decoder would panic.
    for height in [1, 15, 17] {
        let tiff = tiled_tiff(height);
        let error = resize(&tiff, &Options::new(Size::new(9, 9))).expect_err("not read");
        assert_eq!(
            error.to_string(),
            "TIFF with tiles of single colours that reach over the lower edge is not supported"
        );
    }
}

/// The tags of two gray samples of so many bits, and more.
fn gray(bits: u32, more: &[(u16, u32)]) -> Vec<(u16, u32)> {
    let size = [(256, 2), (257, 1), (278, 1)];
    let samples = [(258, bits), (259, 1), (262, 1), (277, 1)];
    [&size[..], &samples, more].concat()
}

#[test]
fn a_tiff_is_turned_as_it_says() {
    let tags = gray(8, &[(274, 6)]);
    let picture = fit_picture(&plain_tiff(&tags, &[10, 200]), 9, 9);
    assert_eq!(
        (picture.width, picture.height, picture.data),
        (1, 2, vec![10, 200])
    );
}

#[test]
fn sixteen_bits_of_a_tiff_are_rounded() {
    let tags = gray(16, &[]);
    let picture = fit_picture(&plain_tiff(&tags, &[0xFF, 0x12, 0xFF, 0xFF]), 9, 9);
    assert_eq!(picture.data, [19, 255]);
}

#[test]
fn colours_of_a_tiff_that_are_multiplied_with_their_opacity_are_divided_by_it() {
    let tags = |meaning| {
        [
            (256, 2),
            (257, 1),
            (258, 8),
            (259, 1),
            (262, 2),
            (277, 4),
            (278, 1),
            (338, meaning),
        ]
    };
    let samples = [50, 20, 0, 128, 0, 0, 0, 0];
    let weighted = fit_picture(&plain_tiff(&tags(1), &samples), 9, 9);
    assert_eq!(weighted.data, [100, 40, 0, 128, 0, 0, 0, 0]);
    let plain = fit_picture(&plain_tiff(&tags(2), &samples), 9, 9);
    assert_eq!(plain.data, samples);
}

#[test]
fn a_tiff_with_its_bits_in_the_opposite_order_is_refused() {
    let tags = gray(8, &[(266, 2)]);
    let error = resize(
        &plain_tiff(&tags, &[10, 200]),
        &Options::new(Size::new(9, 9)),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "TIFF with bits in the opposite order is not supported"
    );
}

#[test]
fn a_tiff_of_a_kind_that_is_not_read_is_refused_by_name() {
    let tags = [
        (256, 2),
        (257, 1),
        (258, 32),
        (259, 1),
        (262, 1),
        (277, 1),
        (278, 1),
    ];
    let error = resize(&plain_tiff(&tags, &[0; 8]), &Options::new(Size::new(9, 9))).unwrap_err();
    assert!(matches!(error, ImageError::Unsupported { .. }), "{error:?}");
}

fn written(input: &[u8], output: Output, quality: Option<u8>) -> imaging::Resized {
    let options = Options {
        output,
        quality,
        ..Options::new(Size::new(48, 48))
    };
    resize(input, &options).expect("a good image")
}

#[test]
fn every_output_can_be_asked_for() {
    for (output, format) in [
        (Output::Jpeg, Format::Jpeg),
        (Output::Png, Format::Png),
        (Output::WebPLossless, Format::WebP),
    ] {
        for input in [bmp(), tiff(), gif(1), webp(3, |_| {})] {
            let resized = written(&input, output, Some(100));
            assert_eq!(Format::detect(&resized.bytes), Some(format));
            assert_eq!(resized.format, format);
            check_quarters(&Picture::decode(&resized.bytes), 12);
        }
    }
}

#[cfg(feature = "webp")]
#[test]
fn a_webp_with_loss_is_written_and_read() {
    use testkit::images;

    let photo = images::jpeg(160, 120, |x, y| {
        [(x * 7 % 256) as u8, (y * 5 % 256) as u8, 9]
    });
    let [coarse, fine] = [20, 95].map(|quality| written(&photo, Output::WebP, Some(quality)));
    assert!(coarse.bytes.len() < fine.bytes.len());
    let header = inspect(&fine.bytes, &Limits::default()).unwrap();
    assert!(!header.lossless);
    let again = fit(&fine.bytes, 20, 20);
    assert_eq!(
        (again.format, again.width, again.height),
        (Format::WebP, 20, 15)
    );
    assert!(!inspect(&again.bytes, &Limits::default()).unwrap().lossless);
    // Transparency and gray are kept, or spread to what the format has.
    let glass = images::solid_png(30, 30, [200, 100, 50, 120]);
    let picture = Picture::decode(&written(&glass, Output::WebP, Some(100)).bytes);
    assert_eq!((picture.channels, picture.pixel(9, 9)[3]), (4, 120));
    let gray = Picture::decode(&written(&images::gray_jpeg(40, 40), Output::WebP, None).bytes);
    let pixel = gray.pixel(20, 20);
    assert!(
        pixel[0].abs_diff(pixel[1]) <= 2 && pixel[1].abs_diff(pixel[2]) <= 2,
        "{pixel:?}"
    );
}

#[cfg(not(feature = "webp"))]
#[test]
fn without_libwebp_loss_is_refused() {
    let options = Options {
        output: Output::WebP,
        ..Options::new(Size::new(9, 9))
    };
    let error = resize(&bmp(), &options).unwrap_err();
    assert!(matches!(error, ImageError::Unsupported { .. }), "{error:?}");
}

#[test]
fn a_webp_of_two_sizes_is_refused_before_it_is_decoded() {
    let mut liar = webp(3, |encoder| encoder.set_exif_metadata(vec![0]));
    let canvas = 12 + 8 + 4;
    assert_eq!(liar[canvas], (WIDTH - 1) as u8);
    liar[canvas] = 9;
    let error = inspect(&liar, &Limits::default()).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the file has two different sizes");
}

#[test]
fn formats_are_told_by_content() {
    for (input, format) in [
        (&b"\xFF\xD8\xFF"[..], Some(Format::Jpeg)),
        (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
        (b"RIFF\0\0\0\0WEBP", Some(Format::WebP)),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"GIF87a", Some(Format::Gif)),
        (b"GIF88a", None),
        (b"II*\0", Some(Format::Tiff)),
        (b"MM\0*", Some(Format::Tiff)),
        (b"BM and the rest of a letter", None),
        (b"BM", None),
        (b"\0\0\0\x14ftypavif", Some(Format::Avif)),
        (b"\0\0\0\x18ftypmif1\0\0\0\0miafavis", Some(Format::Avif)),
        (b"\0\0\0\x14ftypmif1\0\0\0\0miafavif", None),
        (b"\0\0\0\x14ftypheic\0\0\0\0mif1", None),
        (b"\0\0\0\x14ftyp", None),
    ] {
        assert_eq!(Format::detect(input), format, "{input:?}");
    }
    assert_eq!(Format::detect(&bmp()[..18]), Some(Format::Bmp));
}

#[cfg(feature = "avif")]
#[test]
fn an_avif_is_as_fine_as_asked_for() {
    for input in [
        bmp(),
        testkit::images::solid_png(30, 30, [200, 100, 50, 120]),
    ] {
        let [coarse, fine] =
            [10, 95].map(|quality| written(&input, Output::Avif, Some(quality)).bytes);
        assert_eq!(Format::detect(&fine), Some(Format::Avif));
        assert!(coarse.len() <= fine.len());
    }
}

#[cfg(not(feature = "avif"))]
#[test]
fn an_avif_is_refused_by_name_without_its_feature() {
    let error = inspect(b"\0\0\0\x14ftypavif\0\0\0\0", &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AVIF with a build without the feature `avif` is not supported"
    );
}
