//! A photo in, a thumbnail out: turned upright, fitted into a box, never enlarged, in the format of the photo.
//!
//! Prints: `600x400 of JPEG became 256x171 of JPEG`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::{env, fs};

use imaging::{Options, Size, resize};

fn main() -> Result<(), Box<dyn Error>> {
    let photo = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/coffee.jpg"
    ))?;
    let thumbnail = resize(&photo, &Options::new(Size::new(256, 256)))?;
    let source = thumbnail.source;
    println!(
        "{} of {} became {}x{} of {}",
        source.upright_size(),
        source.format,
        thumbnail.width,
        thumbnail.height,
        thumbnail.format
    );
    // The format follows the content, so the name of a result should follow the format.
    let name = format!("coffee-256.{}", thumbnail.format.extension());
    let path = env::temp_dir().join(name);
    fs::write(&path, thumbnail.bytes)?;
    println!("it is in {}", path.display());
    Ok(())
}
