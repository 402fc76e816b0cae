//! Other formats at the same size, and the best quality that fits into so many bytes.
//!
//! Prints: `PNG became WebP, without loss`
//! Prints: `quality 70 fits into 20000 bytes`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::fs;

use imaging::{Bounds, Options, Output, resize, resize_each};

const BYTES_MAX: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let picture = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/chelsea.png"
    ))?;
    // A box whose sides are both open changes no size.
    let same_size = Options::new(Bounds::OPEN);
    let lossless = Options {
        output: Output::WebPLossless,
        ..same_size
    };
    let made = resize(&picture, &lossless)?;
    println!(
        "{} became {}, without loss: {} of {} bytes",
        made.source.format,
        made.format,
        made.bytes.len(),
        picture.len()
    );
    // Several qualities come from one decode, as several sizes do. `Output::WebP` needs the feature `webp`.
    let qualities = [90, 80, 70, 60, 50, 40, 30, 20, 10].map(|quality| Options {
        output: Output::Jpeg,
        quality: Some(quality),
        ..same_size
    });
    let results = resize_each(&picture, &qualities, &|| false)?;
    let best = results
        .iter()
        .position(|made| made.bytes.len() <= BYTES_MAX);
    match best.and_then(|best| qualities[best].quality) {
        Some(quality) => println!("quality {quality} fits into {BYTES_MAX} bytes"),
        None => println!("nothing fits into {BYTES_MAX} bytes: make it smaller"),
    }
    Ok(())
}
