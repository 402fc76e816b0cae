//! AVIF as it is read: files of libavif (see `tests/avif/make.sh`), and what is made of them by changing a few bytes.

use std::fs;

use imaging::{
    Format, ImageError, Limit, Limits, Metadata, Options, Orientation, Output, Resized, Size, Turn,
    Warning, inspect, resize,
};
use moxcms::{ColorProfile, Layout, TransformOptions};

use crate::picture::Picture;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/avif");

/// The colours of the quarters of the pictures, from top left to bottom right.
const QUARTERS: [[u8; 3]; 4] = [[230, 30, 60], [20, 190, 40], [50, 60, 220], [240, 240, 240]];

pub(crate) fn file(name: &str) -> Vec<u8> {
    fs::read(format!("{FOLDER}/{name}.avif")).expect("a file of the repository")
}

/// Files of every kind that takes a way of its own.
pub(crate) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let names = [
        "420-8",
        "422-10-2020",
        "444-12-limited",
        "gray-10",
        "grid-opacity",
        "premultiplied",
        "described",
    ];
    names.map(|name| (name, file(name))).into()
}

fn to_png(side: u32) -> Options {
    Options {
        output: Output::Png,
        ..Options::new(Size::new(side, side))
    }
}

fn read(input: &[u8]) -> (Resized, Picture) {
    let made = resize(input, &to_png(256)).expect("a good picture");
    let picture = Picture::decode(&made.bytes);
    (made, picture)
}

/// Returns the four colours in the middle of the quarters.
fn colours(picture: &Picture) -> [Vec<u8>; 4] {
    let (width, height) = (picture.width, picture.height);
    [(1, 1), (3, 1), (1, 3), (3, 3)]
        .map(|(x, y)| picture.pixel(width * x / 4, height * y / 4).to_vec())
}

#[track_caller]
fn assert_near<const N: usize>(found: &[Vec<u8>; 4], expected: [[u8; N]; 4], tolerance: u8) {
    for (found, expected) in found.iter().zip(expected) {
        let furthest = found
            .iter()
            .zip(expected)
            .map(|(left, right)| left.abs_diff(right));
        let is_near = found.len() == N && furthest.max() <= Some(tolerance);
        assert!(is_near, "{found:?}, not {expected:?}");
    }
}

#[track_caller]
fn check(name: &str, size: (u32, u32), tolerance: u8) {
    let (made, picture) = read(&file(name));
    assert_eq!((made.width, made.height), size, "{name}");
    assert_eq!(made.warnings, [Warning::NotEnlarged]);
    assert_near(&colours(&picture), QUARTERS, tolerance);
}

#[test]
fn samples_of_all_kinds_are_the_same_colours() {
    check("420-8", (64, 48), 3);
    check("420-8-limited-709", (64, 48), 4);
    check("422-10-2020", (64, 48), 3);
    check("444-12-limited", (64, 48), 3);
    check("odd", (61, 45), 3);
    check("identity", (64, 48), 0);
}

#[test]
fn gray_stays_gray() {
    for name in ["gray-10", "gray-limited"] {
        let (_, picture) = read(&file(name));
        assert_near(&colours(&picture), [[30], [200], [90], [250]], 2);
    }
}

#[test]
fn a_grid_is_one_picture() {
    let (made, picture) = read(&file("grid"));
    assert_eq!((made.width, made.height), (256, 192));
    assert_near(&colours(&picture), QUARTERS, 3);
    for (x, y, quarter) in [(120, 40, 0), (135, 88, 1), (120, 103, 2), (135, 103, 3)] {
        let mut differences = picture.pixel(x, y).iter().zip(QUARTERS[quarter]);
        assert!(
            differences.all(|(left, right)| left.abs_diff(right) <= 12),
            "{x}, {y}"
        );
    }
}

#[test]
fn opacity_is_read_and_colours_do_not_depend_on_it() {
    let [red, green, blue, white] = QUARTERS;
    let with = |[red, green, blue]: [u8; 3], opacity| [red, green, blue, opacity];
    let expected = [
        with(red, 255),
        with(green, 255),
        with(blue, 128),
        with(white, 128),
    ];
    for name in ["opacity", "premultiplied"] {
        let (_, picture) = read(&file(name));
        assert_near(&colours(&picture), expected, 4);
    }
}

#[test]
fn a_grid_has_one_opacity_that_may_be_a_grid_itself() {
    let (_, picture) = read(&file("grid-opacity"));
    let opacities = colours(&picture).map(|colour| colour[3]);
    assert_eq!(opacities, [255, 255, 128, 128]);
}

#[test]
fn opacity_that_cannot_be_read_is_not_left_out() {
    // The opacity of the first piece is said to be that of the piece, and no longer that of the grid.
    let pieces = patched(file("grid-opacity"), b"auxl", (0, &[0, 7, 0, 1, 0, 2]));
    check_error(
        &pieces,
        "AVIF with a grid whose pieces have opacity, each for itself is not supported",
    );
    // Both pictures have a configuration, and that of the opacity is the last one.
    let mut unknown = file("opacity");
    let at = unknown.windows(4).rposition(|window| window == b"av1C");
    unknown[at.expect("the word is there")] = b'x';
    check_error(
        &unknown,
        "AVIF with an essential property that is not known is not supported",
    );
}

#[test]
fn the_last_unit_of_coded_data_may_leave_out_its_length() {
    let whole = file("420-8");
    let start = whole.windows(4).position(|window| window == b"mdat");
    let start = start.expect("the word is there") + 4;
    let mut last = start;
    // No unit is longer than a byte can say.
    while last + 2 + usize::from(whole[last + 1]) < whole.len() {
        last += 2 + usize::from(whole[last + 1]);
    }
    let mut shorter = whole.clone();
    shorter[last] &= !2;
    shorter.remove(last + 1);
    let length = (shorter.len() - start) as u32;
    // The box keeps its size.
    shorter.push(0);
    let shorter = patched(shorter, b"iloc", (18, &length.to_be_bytes()));
    assert_eq!(read(&shorter).1.data, read(&whole).1.data);
}

#[test]
fn a_picture_is_turned_as_its_boxes_say() {
    // A quarter turn to the left, then top and bottom change places.
    let header = inspect(&file("turned"), &Limits::default()).expect("a good header");
    assert_eq!(header.orientation, Orientation::Transpose);
    let (made, picture) = read(&file("turned"));
    assert_eq!((made.width, made.height), (48, 64));
    let [first, second, third, fourth] = QUARTERS;
    assert_near(&colours(&picture), [first, third, second, fourth], 3);
    let stored = Options {
        turn: Turn::AsStored,
        ..to_png(256)
    };
    let made = resize(&file("turned"), &stored).expect("a good picture");
    assert_near(&colours(&Picture::decode(&made.bytes)), QUARTERS, 3);
}

#[test]
fn what_a_file_says_can_be_kept() {
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    for (metadata, expected) in [
        (Metadata::None, [false, false]),
        (Metadata::Copyright, [true, false]),
        (Metadata::All, [true, true]),
    ] {
        let options = Options {
            metadata,
            ..to_png(30)
        };
        let made = resize(&file("described"), &options).expect("a good picture");
        assert_eq!(made.warnings, []);
        let kept = [&b"(c)"[..], b"my words"].map(|text| has(&made.bytes, text));
        assert_eq!(kept, expected, "{metadata:?}");
        // libavif has made a rotation of its EXIF, and that is what counts.
        assert_eq!(made.source.orientation, Orientation::Rotate90);
        let written = inspect(&made.bytes, &Limits::default()).expect("our own output");
        assert_eq!(written.orientation, Orientation::Upright);
    }
}

#[test]
fn what_is_kept_is_written_too() {
    let options = Options {
        metadata: Metadata::All,
        ..Options::new(Size::new(30, 30))
    };
    let made = resize(&file("described"), &options).expect("a good picture");
    assert_eq!(made.format, Format::Avif);
    assert_eq!(
        made.warnings,
        [Warning::MetadataDropped],
        "there is no way to write XMP"
    );
    let again = Options {
        metadata: Metadata::Copyright,
        ..to_png(30)
    };
    let again = resize(&made.bytes, &again).expect("our own output");
    assert!(again.bytes.windows(3).any(|window| window == b"(c)"));
    assert_eq!(again.source.orientation, Orientation::Upright);
}

#[test]
fn of_a_sequence_the_still_picture_is_read() {
    let (made, picture) = read(&file("sequence"));
    assert!(made.source.animated);
    assert_eq!(
        made.warnings,
        [Warning::FirstPictureOnly, Warning::NotEnlarged]
    );
    assert_near(&colours(&picture), QUARTERS, 3);
}

#[test]
fn an_avif_stays_one_unless_asked() {
    for (name, tolerance) in [("420-8", 12), ("opacity", 12), ("gray-10", 12)] {
        let made = resize(&file(name), &Options::new(Size::new(48, 48))).expect("a good picture");
        assert_eq!(
            (made.format, made.width, made.height),
            (Format::Avif, 48, 36)
        );
        let options = Options {
            output: Output::Png,
            ..Options::new(Size::new(48, 48))
        };
        let expected = resize(&file(name), &options).expect("a good picture");
        let again = resize(&made.bytes, &options).expect("our own output");
        let [expected, again] = [expected, again].map(|made| Picture::decode(&made.bytes));
        let (expected, again) = (colours(&expected), colours(&again));
        for (expected, again) in expected.iter().zip(again) {
            // Gray is written as three equal colours.
            let spread = expected.iter().chain(expected).chain(expected);
            let mut differences = spread
                .zip(&again)
                .map(|(left, right)| left.abs_diff(*right));
            assert!(
                differences.all(|by| by <= tolerance),
                "{name}: {expected:?}, {again:?}"
            );
        }
    }
}

/// Replaces the first of these words.
fn renamed(file: &[u8], word: &[u8; 4], new: &[u8; 4]) -> Vec<u8> {
    let at = file.windows(4).position(|window| window == word);
    let at = at.expect("the word is there");
    [&file[..at], new, &file[at + 4..]].concat()
}

/// Replaces what begins so many bytes behind the first of these words.
fn patched(mut file: Vec<u8>, word: &[u8], (behind, new): (usize, &[u8])) -> Vec<u8> {
    let at = file.windows(word.len()).position(|window| window == word);
    let at = at.expect("the word is there") + word.len() + behind;
    file[at..at + new.len()].copy_from_slice(new);
    file
}

#[test]
fn the_colours_of_other_screens_become_those_of_srgb() {
    let wide = patched(file("420-8"), b"nclx", (0, &[0, 12]));
    let options = TransformOptions::default();
    let expected = ColorProfile::new_display_p3()
        .create_transform_8bit(Layout::Rgb, &ColorProfile::new_srgb(), Layout::Rgb, options)
        .expect("profiles of the crate itself");
    let mut colours_expected = [[0; 3]; 4];
    expected
        .transform(QUARTERS.as_flattened(), colours_expected.as_flattened_mut())
        .expect("as many colours");
    let (made, picture) = read(&wide);
    assert_near(&colours(&picture), colours_expected, 5);
    assert_eq!(made.warnings, [Warning::NotEnlarged]);
    assert_ne!(colours_expected, QUARTERS);
}

#[test]
fn light_that_is_too_bright_is_dimmed_and_that_is_said() {
    for transfer in [16, 18] {
        let bright = patched(file("gray-10"), b"nclx", (0, &[0, 9, 0, transfer]));
        let (made, picture) = read(&bright);
        assert_eq!(made.warnings, [Warning::Dimmed, Warning::NotEnlarged]);
        let [first, fourth, second, fifth] = colours(&picture).map(|colour| colour[0]);
        // What is brighter than white is still told apart.
        assert!(
            first < second && second < fourth && fourth < fifth,
            "{transfer}: {first}, {second}"
        );
        assert!(fourth > 200, "{transfer}: {fourth}");
    }
}

#[track_caller]
fn check_error(input: &[u8], expected: &str) {
    let error = resize(input, &to_png(64)).expect_err("not a good picture");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.unwrap_or_else(|| error.to_string()), expected);
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let unsupported = |what: &str| format!("AVIF with {what} is not supported");
    check_error(
        &file("cut"),
        &unsupported("a part that is cut out (`clap`)"),
    );
    let other = patched(file("420-8"), b"infe", (8, b"hvc1"));
    check_error(
        &other,
        &unsupported("a picture that is neither AV1 nor a grid of such"),
    );
    let matrix = patched(file("420-8"), b"nclx", (4, &[0, 10]));
    check_error(
        &matrix,
        &unsupported("colours that are not those of BT.601, BT.709 or BT.2020"),
    );
    let unknown = renamed(&file("turned"), b"irot", b"xrot");
    check_error(
        &unknown,
        &unsupported("an essential property that is not known"),
    );
    let film = renamed(&file("sequence"), b"meta", b"free");
    check_error(&film, &unsupported("a sequence without a still picture"));
}

#[test]
fn damage_is_said_where_it_is() {
    let check = |word, behind, new: &[u8], expected| {
        check_error(&patched(file("420-8"), word, (behind, new)), expected);
    };
    check(
        b"pitm",
        4,
        &[0, 9],
        "the item of the picture is missing from `iinf`, incomplete or encrypted",
    );
    check(
        b"ispe",
        4,
        &[0, 0, 0, 65],
        "the file has two different sizes",
    );
    check(
        b"ispe",
        4,
        &[0, 0, 0, 63],
        "the file has two different sizes",
    );
    check(b"ispe", 4, &[0; 4], "a side of the picture is 0");
    let grid = patched(file("grid"), b"dimg", (2, &[0, 3]));
    check_error(&grid, "a grid does not have as many pieces as it says");
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let check = |input: &[u8], expected: (Limit, u64, u64)| {
        let ImageError::TooLarge {
            limit,
            actual,
            maximum,
        } = resize(input, &to_png(64)).expect_err("too large")
        else {
            unreachable!("another error")
        };
        assert_eq!((limit, actual, maximum), expected);
    };
    let sides = |width: u32, height: u32| [width.to_be_bytes(), height.to_be_bytes()].concat();
    let claims = |width, height| patched(file("420-8"), b"ispe", (4, &sides(width, height)));
    check(
        &claims(30_000, 30_000),
        (Limit::Pixels, 900_000_000, 100_000_000),
    );
    check(&claims(70_000, 1), (Limit::Side, 70_000, 65_535));
    // One piece may not be as large as a grid.
    check(&claims(9000, 9000), (Limit::Pixels, 81_000_000, 35_651_584));
    let options = Options {
        limits: Limits {
            pixels_max: 64 * 48 - 1,
            ..Limits::default()
        },
        ..to_png(64)
    };
    assert!(matches!(
        resize(&file("420-8"), &options),
        Err(ImageError::TooLarge {
            limit: Limit::Pixels,
            ..
        })
    ));
}

#[test]
fn a_file_that_ends_too_early_is_an_error_wherever_it_ends() {
    for (name, file) in files() {
        for length in 0..file.len() {
            let error = resize(&file[..length], &to_png(9)).expect_err("a piece is not a file");
            assert!(
                matches!(error, ImageError::Corrupt { .. } | ImageError::Unrecognised),
                "{name} cut at {length} of {}: {error:?}",
                file.len()
            );
        }
    }
}
