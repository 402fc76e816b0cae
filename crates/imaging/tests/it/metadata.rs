//! What is kept of the text in a picture, and what is not.

use imaging::{
    Format, Limits, Metadata, Options, Orientation, Output, Size, Turn, Warning, inspect, resize,
};
use testkit::images;

const XMP: &[u8] = b"<x:xmpmeta>my words</x:xmpmeta>";
const OUTPUTS: [Output; 3] = [Output::Jpeg, Output::Png, Output::WebPLossless];

/// EXIF with the model of a camera, a turn and a notice.
fn exif() -> Vec<u8> {
    let mut exif = b"MM\0\x2A\0\0\0\x08\0\x03".to_vec();
    exif.extend(b"\x01\x10\0\x02\0\0\0\x0A\0\0\0\x32");
    exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    exif.extend(b"\x82\x98\0\x02\0\0\0\x0C\0\0\0\x3C");
    exif.extend([0; 4]);
    exif.extend(b"my camera\0(c) some me\0");
    exif
}

fn photo() -> Vec<u8> {
    let photo = images::gradient_jpeg(60, 40);
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0", XMP].concat();
    let photo = images::with_segment(&photo, 0xE1, &xmp);
    images::with_segment(&photo, 0xE1, &[b"Exif\0\0", &exif()[..]].concat())
}

fn made(input: &[u8], output: Output, metadata: Metadata) -> imaging::Resized {
    let options = Options {
        output,
        metadata,
        ..Options::new(Size::new(30, 30))
    };
    resize(input, &options).expect("a good image")
}

fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[track_caller]
fn check(metadata: Metadata, expected: [bool; 3]) {
    for output in OUTPUTS {
        let resized = made(&photo(), output, metadata);
        assert_eq!(resized.warnings, []);
        let kept =
            [b"my camera", &b"(c) some me"[..], b"my words"].map(|text| has(&resized.bytes, text));
        assert_eq!(kept, expected, "{output:?}");
        // It was turned, so nobody may turn it again.
        let header = inspect(&resized.bytes, &Limits::default()).expect("our own output");
        assert_eq!(header.orientation, Orientation::Upright);
        assert_eq!((header.width, header.height), (20, 30));
        // And it is read again, with what was kept.
        let again = made(&resized.bytes, Output::Same, metadata);
        assert_eq!((again.width, again.height), (20, 30));
        assert_eq!(has(&again.bytes, b"(c) some me"), expected[1]);
    }
}

#[test]
fn nothing_is_kept_unless_asked_for() {
    check(Metadata::None, [false, false, false]);
}

#[test]
fn the_copyright_can_be_kept_alone() {
    check(Metadata::Copyright, [false, true, false]);
}

#[test]
fn all_of_it_can_be_kept() {
    check(Metadata::All, [true, true, true]);
}

#[test]
fn who_leaves_a_picture_as_it_is_stored_keeps_its_tag() {
    for output in OUTPUTS {
        let options = Options {
            output,
            metadata: Metadata::All,
            turn: Turn::AsStored,
            ..Options::new(Size::new(30, 30))
        };
        let resized = resize(&photo(), &options).unwrap();
        let header = inspect(&resized.bytes, &Limits::default()).unwrap();
        assert_eq!(header.orientation, Orientation::Rotate90);
    }
}

#[test]
fn what_is_too_large_is_dropped_and_that_is_said() {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.set_exif_metadata([exif(), vec![7; 70_000]].concat());
    encoder
        .encode(&[9; 40 * 40 * 3], 40, 40, image_webp::ColorType::Rgb8)
        .unwrap();
    let limits = Limits {
        metadata_bytes_max: 100_000,
        ..Limits::default()
    };
    let resized = |output, limits| {
        let options = Options {
            output,
            limits,
            metadata: Metadata::All,
            ..Options::new(Size::new(30, 30))
        };
        resize(&bytes, &options).unwrap()
    };
    assert_eq!(resized(Output::Png, limits).warnings, []);
    assert_eq!(
        resized(Output::Jpeg, limits).warnings,
        [Warning::MetadataDropped]
    );
    let dropped = resized(Output::Same, Limits::default());
    assert_eq!(
        (dropped.format, dropped.warnings),
        (Format::WebP, vec![Warning::MetadataDropped])
    );
}
