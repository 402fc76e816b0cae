//! How much memory is said to be needed. What is really taken was measured beside it: see decision 009.

use imaging::{Bounds, Enlarge, ImageError, Options, Size, memory_needed};
use testkit::images;

use crate::damage::progressive_jpeg;
use crate::formats;

fn needed(file: &[u8]) -> u64 {
    let options = Options::new(Bounds::of_width(8));
    memory_needed(file, &options).expect("a good header")
}

/// Rows of a picture that is so wide or high, and little else.
fn rows(side: u64) -> std::ops::Range<u64> {
    side * 512..side * 512 + 4096
}

#[test]
fn of_common_formats_only_rows_are_needed() {
    assert!(rows(1000).contains(&needed(&images::gradient_jpeg(1000, 700))));
    assert!(rows(1000).contains(&needed(&images::gradient_png(1000, 700))));
    #[cfg(feature = "webp")]
    assert!(rows(24).contains(&needed(&formats::lossy_webp(3))));
}

#[test]
fn of_others_the_whole_picture_is_needed() {
    // Each has more than the rows, which are counted too: at least three bytes for a pixel.
    let progressive = progressive_jpeg(1000, 700);
    assert!(needed(&progressive) > rows(1000).end + 3 * 1000 * 700);
    let mut interlaced = images::gradient_png(1000, 700);
    interlaced[28] = 1;
    assert!(needed(&interlaced) > rows(1000).end + 3 * 1000 * 700);
    for file in [
        formats::gif(1),
        formats::bmp(),
        formats::tiff(),
        formats::webp(3, |_| {}),
        formats::webp(4, |_| {}),
    ] {
        let size = imaging::inspect(&file, &imaging::Limits::default()).expect("a good header");
        let pixels = u64::from(size.width) * u64::from(size.height);
        assert!(needed(&file) >= u64::from(size.width) * 512 + 3 * pixels);
    }
}

#[test]
fn a_result_counts_as_large_as_it_becomes() {
    let file = images::gradient_png(10, 10);
    let large = Options {
        enlarge: Enlarge::Allowed,
        ..Options::new(Size::new(2000, 2000))
    };
    assert!(memory_needed(&file, &large).expect("a good header") >= 2000 * 2000 * 4);
    let too_large = Options {
        bounds: Size::new(60_000, 60_000).into(),
        ..large
    };
    let refused = memory_needed(&file, &too_large);
    assert!(matches!(refused, Err(ImageError::TooLarge { .. })));
}
