//! What strangers send: how much it may ask for, how long it may take, and how it is stopped midway.
//!
//! Prints: `the number of pixels is 240000, and at most 100000 is allowed`
//! Prints: `stopped before it was done`
//! Prints: `in time: 64x43`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::error::Error;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use imaging::{ImageError, Limits, Options, Size, resize, resize_until};

fn main() -> Result<(), Box<dyn Error>> {
    let photo = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/coffee.jpg"
    ))?;
    let options = Options::new(Size::new(64, 64));

    // Checked on the header: such a file costs nothing.
    let strict = Options {
        limits: Limits {
            pixels_max: 100_000,
            ..Limits::default()
        },
        ..options
    };
    if let Err(error @ ImageError::TooLarge { .. }) = resize(&photo, &strict) {
        println!("{error}");
    }

    // A flag that somebody else raises, when the client has gone, say.
    let is_unwanted = AtomicBool::new(true);
    let unwanted = || is_unwanted.load(Ordering::Relaxed);
    if let Err(error @ ImageError::Stopped) = resize_until(&photo, &options, &unwanted) {
        println!("{error}");
    }

    // A deadline. It is looked at several times in each millisecond or two of work.
    let deadline = Instant::now() + Duration::from_secs(60);
    let made = resize_until(&photo, &options, &|| Instant::now() >= deadline)?;
    println!("in time: {}x{}", made.width, made.height);
    Ok(())
}
