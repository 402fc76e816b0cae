//! What of a photo is kept beside its pixels, and what one may want to know although there is a result.
//!
//! Prints: `by default: no EXIF`
//! Prints: `Copyright: by Anna`
//! Prints: `the picture was transparent and now has a background`
//! Prints: `the picture is smaller than the box and was not enlarged`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;

use imaging::{Metadata, Options, Output, Size, Warning, resize};
use testkit::images;

/// An EXIF segment that says whose photo it is; those in `samples/` do not say so.
const EXIF: &[u8] =
    b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x82\x98\0\x02\0\0\0\x05\0\0\0\x1A\0\0\0\0Anna\0";

fn main() -> Result<(), Box<dyn Error>> {
    let photo = images::with_segment(&images::gradient_jpeg(300, 200), 0xE1, EXIF);
    let bare = Options::new(Size::new(64, 64));
    let signed = Options {
        metadata: Metadata::Copyright,
        ..bare
    };
    let says = |made: &[u8], word: &[u8]| made.windows(word.len()).any(|bytes| bytes == word);
    if !says(&resize(&photo, &bare)?.bytes, b"Exif") {
        println!("by default: no EXIF, no place, no camera");
    }
    if says(&resize(&photo, &signed)?.bytes, b"Anna") {
        println!("{:?}: by Anna", signed.metadata);
    }

    // Transparent, small, and to become a JPEG.
    let drawing = images::png(20, 20, |x, _| [200, 30, 30, x as u8 * 12]);
    let as_jpeg = Options {
        output: Output::Jpeg,
        background: [255, 255, 255, 255],
        ..bare
    };
    let made = resize(&drawing, &as_jpeg)?;
    for warning in &made.warnings {
        println!("{}: {warning}", warning.word());
    }
    // Some refuse what is not whole; browsers show it.
    if made.warnings.contains(&Warning::Damaged) {
        println!("the upper part is shown");
    }
    Ok(())
}
