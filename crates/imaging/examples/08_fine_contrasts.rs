//! Black and white in turn: the mean of the numbers is darker than the mean of the light that they stand for.
//!
//! Prints: `as stored: 127 or 128`
//! Prints: `as light: 187 or 188`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::io::Cursor;

use imaging::{Light, Options, Size, resize};
use testkit::images;

fn main() -> Result<(), Box<dyn Error>> {
    let board = images::png(512, 512, |x, y| match (x + y) % 2 {
        0 => [0, 0, 0, 255],
        _ => [255; 4],
    });
    let encoded = Options::new(Size::new(32, 32));
    // Takes longer: every pixel becomes light first, and no decoder shrinks.
    let linear = Options {
        light: Light::Linear,
        ..encoded
    };
    for (name, options, expected) in [("stored", encoded, 127), ("light", linear, 187)] {
        let gray = first_sample(&resize(&board, &options)?.bytes)?;
        if (expected..=expected + 1).contains(&gray) {
            println!("as {name}: {expected} or {}", expected + 1);
        } else {
            println!("as {name}: {gray}");
        }
    }
    Ok(())
}

/// Decodes a PNG, and returns its first byte.
fn first_sample(file: &[u8]) -> Result<u8, Box<dyn Error>> {
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info()?;
    let row = reader.next_row()?.ok_or("a picture has a row")?;
    Ok(*row.data().first().ok_or("a row has a pixel")?)
}
