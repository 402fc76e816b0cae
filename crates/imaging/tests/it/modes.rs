//! Modes, open sides, enlarging, padding: what a result shows and how large it is.

use imaging::{
    Bounds, Enlarge, Gravity, Mode, Options, Output, Size, Turn, Warning, resize, resize_each,
};
use testkit::images;

use crate::picture::Picture;

/// A picture of three colours from left to right, and darker at the bottom half.
fn flag(width: u32, height: u32) -> Vec<u8> {
    images::png(width, height, |x, y| {
        let light = if y < height / 2 { 240 } else { 120 };
        let mut colour = [0, 0, 0, 255];
        colour[(x * 3 / width) as usize] = light;
        colour
    })
}

fn made(input: &[u8], options: Options) -> Picture {
    let resized = resize(input, &options).expect("a good image");
    let picture = Picture::decode(&resized.bytes);
    assert_eq!(
        (resized.width as usize, resized.height as usize),
        (picture.width, picture.height)
    );
    picture
}

#[track_caller]
fn check(bounds: impl Into<Bounds>, (mode, enlarge): (Mode, Enlarge), expected: (usize, usize)) {
    let options = Options {
        mode,
        enlarge,
        ..Options::new(bounds)
    };
    let picture = made(&flag(120, 60), options);
    assert_eq!((picture.width, picture.height), expected);
}

const CENTRE: Gravity = Gravity::Centre;

#[test]
fn each_mode_has_its_size() {
    let square = Size::new(30, 30);
    for enlarge in [Enlarge::Never, Enlarge::Allowed] {
        check(square, (Mode::Fit, enlarge), (30, 15));
        check(square, (Mode::Fill(CENTRE), enlarge), (30, 30));
        check(square, (Mode::Exact, enlarge), (30, 30));
        check(square, (Mode::Pad(CENTRE), enlarge), (30, 30));
    }
}

#[test]
fn nothing_grows_unless_it_may() {
    let large = Size::new(200, 200);
    check(large, (Mode::Fit, Enlarge::Never), (120, 60));
    check(large, (Mode::Fit, Enlarge::Allowed), (200, 100));
    check(large, (Mode::Exact, Enlarge::Never), (120, 60));
    check(large, (Mode::Exact, Enlarge::Allowed), (200, 200));
    check(large, (Mode::Fill(CENTRE), Enlarge::Never), (120, 60));
    check(large, (Mode::Fill(CENTRE), Enlarge::Allowed), (200, 200));
    check(large, (Mode::Pad(CENTRE), Enlarge::Never), (200, 200));
    // One side of the picture is long enough.
    let tall = Size::new(50, 100);
    check(tall, (Mode::Fill(CENTRE), Enlarge::Never), (50, 60));
    check(tall, (Mode::Exact, Enlarge::Never), (50, 60));
}

#[test]
fn an_open_side_follows_from_the_other_in_every_mode() {
    for mode in [
        Mode::Fit,
        Mode::Fill(CENTRE),
        Mode::Exact,
        Mode::Pad(CENTRE),
    ] {
        check(Bounds::of_width(40), (mode, Enlarge::Never), (40, 20));
        check(Bounds::of_height(40), (mode, Enlarge::Never), (80, 40));
        check(Bounds::of_width(500), (mode, Enlarge::Never), (120, 60));
        check(Bounds::of_height(90), (mode, Enlarge::Allowed), (180, 90));
        let open = Bounds::OPEN;
        check(open, (mode, Enlarge::Allowed), (120, 60));
    }
}

#[test]
fn filling_keeps_the_part_that_gravity_holds() {
    let at = |gravity| {
        let options = Options {
            mode: Mode::Fill(gravity),
            ..Options::new(Size::new(20, 20))
        };
        made(&flag(120, 40), options).pixel(10, 3).to_vec()
    };
    assert_eq!(at(Gravity::West), [240, 0, 0]);
    assert_eq!(at(Gravity::Centre), [0, 240, 0]);
    assert_eq!(at(Gravity::SouthEast), [0, 0, 240]);

    let rows = |gravity| {
        let options = Options {
            mode: Mode::Fill(gravity),
            ..Options::new(Size::new(90, 10))
        };
        made(&flag(90, 90), options).pixel(45, 5)[1]
    };
    assert_eq!((rows(Gravity::North), rows(Gravity::South)), (240, 120));
}

#[test]
fn filling_a_turned_photo_holds_its_upright_side() {
    // Stored lying; upright its top is the left of what is stored.
    let stored = images::jpeg(120, 60, |x, _| if x < 60 { [220, 30, 30] } else { [30; 3] });
    let photo = images::with_orientation(&stored, 6);
    for (gravity, expected) in [(Gravity::North, 220), (Gravity::South, 30)] {
        let options = Options {
            mode: Mode::Fill(gravity),
            ..Options::new(Size::new(20, 10))
        };
        let red = made(&photo, options).pixel(10, 5)[0];
        assert!(red.abs_diff(expected) < 8, "{gravity:?}: {red}");
    }
}

#[test]
fn padding_puts_the_picture_where_gravity_says() {
    let picture = |gravity, background| {
        let options = Options {
            mode: Mode::Pad(gravity),
            background,
            ..Options::new(Size::new(30, 30))
        };
        made(&flag(120, 60), options)
    };
    let blue = [9, 9, 200, 255];
    let top = picture(Gravity::North, blue);
    assert_eq!(
        (top.pixel(2, 2), top.pixel(2, 20)),
        (&[240, 0, 0][..], &[9, 9, 200][..])
    );
    let bottom = picture(Gravity::South, blue);
    assert_eq!((bottom.pixel(2, 2)[2], bottom.pixel(2, 16)[0]), (200, 240));
    let glass = picture(Gravity::Centre, [0; 4]);
    assert_eq!(
        (glass.pixel(0, 0), glass.pixel(2, 10)),
        (&[0; 4][..], &[240, 0, 0, 255][..])
    );
}

#[test]
fn a_gray_picture_on_gray_stays_gray() {
    let options = Options {
        mode: Mode::Pad(CENTRE),
        ..Options::new(Size::new(30, 30))
    };
    assert_eq!(made(&images::gray_jpeg(90, 30), options).channels, 1);
}

#[test]
fn transparency_gives_way_to_the_background_of_a_jpeg() {
    let glass = images::solid_png(20, 20, [0, 0, 0, 0]);
    let options = Options {
        output: Output::Jpeg,
        background: [200, 100, 50, 0],
        ..Options::new(Size::new(10, 10))
    };
    let resized = resize(&glass, &options).unwrap();
    assert_eq!(resized.warnings, [Warning::Flattened]);
    let picture = Picture::decode(&resized.bytes);
    let pixel = picture.pixel(5, 5);
    assert!(
        pixel
            .iter()
            .zip([200_u8, 100, 50])
            .all(|(left, right)| left.abs_diff(right) < 5)
    );
}

#[test]
fn what_was_not_enlarged_is_said() {
    let warnings = |side| {
        resize(&flag(12, 6), &Options::new(Size::new(side, side)))
            .unwrap()
            .warnings
    };
    assert_eq!(warnings(13), [Warning::NotEnlarged]);
    assert_eq!(warnings(12), []);
    assert_eq!(warnings(5), []);
}

#[test]
fn a_photo_with_a_wrong_tag_can_be_left_as_it_is() {
    let photo = images::with_orientation(&images::gradient_jpeg(60, 40), 6);
    let options = Options {
        turn: Turn::AsStored,
        ..Options::new(Size::new(30, 30))
    };
    let picture = made(&photo, options);
    assert_eq!((picture.width, picture.height), (30, 20));
}

#[test]
fn several_results_come_from_one_decode() {
    let photo = images::gradient_jpeg(640, 480);
    let sizes = [Size::new(300, 300), Size::new(20, 20), Size::new(64, 10)];
    let all = sizes.map(Options::new);
    let each = resize_each(&photo, &all, &|| false).unwrap();
    for (options, result) in all.iter().zip(each) {
        let alone = resize(&photo, options).unwrap();
        assert_eq!((result.width, result.height), (alone.width, alone.height));
        let furthest = Picture::decode(&result.bytes).furthest(&Picture::decode(&alone.bytes));
        assert!(furthest < 12, "{options:?}: {furthest}");
    }
    assert!(resize_each(&photo, &[], &|| false).unwrap().is_empty());
}

#[test]
fn bounds_are_written_as_they_are_read() {
    for text in ["256x128", "256x", "x128"] {
        assert_eq!(text.parse::<Bounds>().unwrap().to_string(), text);
    }
    for text in ["", "x", "256", "0x9", "9x0", "-1x", "9x9x9", "x 9"] {
        assert!(text.parse::<Bounds>().is_err(), "{text}");
    }
}
