//! What a file says of itself, before anything is queued, allocated or decoded: what to refuse, and why.
//!
//! Prints: `retina.jpg: JPEG, 1411x1411`
//! Prints: `LICENSES.md: not a JPEG`
//! Prints: `cut.jpg: read JPEG image`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::fs;

use imaging::{ImageError, Limits, inspect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"))? {
        let entry = entry?;
        let name = entry.file_name().display().to_string();
        files.push((name, fs::read(entry.path())?));
    }
    // The marker of a JPEG, and nothing behind it.
    files.push(("cut.jpg".to_owned(), vec![0xFF, 0xD8, 0xFF]));
    for (name, file) in files {
        match inspect(&file, &Limits::default()) {
            // Stored widths and heights are those before the picture is turned; these are the ones that are shown.
            Ok(header) => println!("{name}: {}, {}", header.format, header.upright_size()),
            Err(error @ ImageError::TooLarge { .. }) => println!("{name}: too large: {error}"),
            Err(error) => println!("{name}: {}", chain(&error)),
        }
    }
    Ok(())
}

/// What an error says, and what caused it.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
