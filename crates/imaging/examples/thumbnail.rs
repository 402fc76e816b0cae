//! Makes one thumbnail: `thumbnail PHOTO RESULT 256`. Small enough to be looked at with a profiler.

use std::error::Error;
use std::{env, fs};

use imaging::{Options, Size, resize};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [photo, result, side] = arguments.as_slice() else {
        return Err("usage: thumbnail PHOTO RESULT SIDE".into());
    };
    let side = side.parse()?;
    let made = resize(&fs::read(photo)?, &Options::new(Size::new(side, side)))?;
    fs::write(result, made.bytes)?;
    Ok(())
}
