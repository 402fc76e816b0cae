//! Into a square, in each way: whole, cut, stretched, and whole on a background.
//!
//! Prints: `fit: 96x64`
//! Prints: `fill: 96x96`
//! Prints: `exact: 96x96`
//! Prints: `pad: 96x96`
//! Prints: `one side only: 96x64`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::fs;

use imaging::{Bounds, Gravity, Mode, Options, Size, resize};

fn main() -> Result<(), Box<dyn Error>> {
    let photo = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/coffee.jpg"
    ))?;
    let square = Options::new(Size::new(96, 96));
    let shapes = [
        ("fit", square),
        (
            "fill",
            Options {
                // Heads are further up: what is cut off is below.
                mode: Mode::Fill(Gravity::North),
                ..square
            },
        ),
        (
            "exact",
            Options {
                mode: Mode::Exact,
                ..square
            },
        ),
        (
            "pad",
            Options {
                mode: Mode::Pad(Gravity::Centre),
                background: [0x20, 0x20, 0x20, 0xFF],
                ..square
            },
        ),
        ("one side only", Options::new(Bounds::of_width(96))),
    ];
    for (name, options) in shapes {
        let made = resize(&photo, &options)?;
        println!("{name}: {}x{}", made.width, made.height);
    }
    Ok(())
}
