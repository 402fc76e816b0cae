//! Makes one thumbnail: `thumbnail PHOTO RESULT 256`. Small enough to be looked at with a profiler.
//!
//! It has the format of the photo, unless the name of the result ends with `jpg` or `png`.

use std::error::Error;
use std::{env, fs};

use imaging::{Options, Output, Size, resize};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [photo, result, side] = arguments.as_slice() else {
        return Err("usage: thumbnail PHOTO RESULT SIDE".into());
    };
    let side = side.parse()?;
    let output = match result.rsplit_once('.') {
        Some((_, "jpg")) => Output::Jpeg,
        Some((_, "png")) => Output::Png,
        _ => Output::Same,
    };
    let options = Options {
        output,
        ..Options::new(Size::new(side, side))
    };
    let made = resize(&fs::read(photo)?, &options)?;
    fs::write(result, made.bytes)?;
    Ok(())
}
