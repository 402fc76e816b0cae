//! Decodes a JPEG at 1/1, 1/2, 1/4 or 1/8: `planes PHOTO 4`. Small enough to be looked at with a profiler.

use std::error::Error;
use std::{env, fs};

use jpeg::{Request, Shrink, decode};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [photo, divisor] = arguments.as_slice() else {
        return Err("usage: planes PHOTO DIVISOR".into());
    };
    let shrink = match divisor.as_str() {
        "2" => Shrink::Half,
        "4" => Shrink::Quarter,
        "8" => Shrink::Eighth,
        _ => Shrink::None,
    };
    let request = Request {
        shrink,
        ..Request::default()
    };
    let picture = decode(&fs::read(photo)?, &request)?;
    let mut output = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut output, format_args!("{picture:?}\n"))?;
    Ok(())
}
