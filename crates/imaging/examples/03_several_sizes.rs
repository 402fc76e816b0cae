//! The pictures of a `srcset`: several sizes of each photo of a folder, which is decoded once.
//!
//! The engine starts no threads. Call it from as many as there are cores, each with photos of its own.
//!
//! Prints: `coffee.jpg: 480x320, 240x160, 96x96`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::fs;

use imaging::{Bounds, Format, Gravity, Mode, Options, Size, resize_each};

fn main() -> Result<(), Box<dyn Error>> {
    let avatar = Options {
        mode: Mode::Fill(Gravity::Centre),
        ..Options::new(Size::new(96, 96))
    };
    let wide = [480, 240].map(|width| Options::new(Bounds::of_width(width)));
    let sizes = [wide[0], wide[1], avatar];
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"))? {
        let entry = entry?;
        let file = fs::read(entry.path())?;
        // Beside the photos lies a text.
        if Format::detect(&file).is_none() {
            continue;
        }
        // Nobody stops it here: see `06_limits_and_deadlines`.
        let results = resize_each(&file, &sizes, &|| false)?;
        let made = results
            .iter()
            .map(|made| format!("{}x{}", made.width, made.height));
        let made: Vec<_> = made.collect();
        println!("{}: {}", entry.file_name().display(), made.join(", "));
    }
    Ok(())
}
