//! Decodes a lossy WebP: `frame PHOTO full|skip [RESULT]`. Writes the samples of the three planes one behind the other, as
//! `dwebp -yuv` does. Small enough to be looked at with a profiler.

use std::error::Error;
use std::{env, fs};

use vp8::{Filtering, Request, decode};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (photo, filtering, result) = match arguments.as_slice() {
        [photo, filtering] => (photo, filtering, None),
        [photo, filtering, result] => (photo, filtering, Some(result)),
        _ => return Err("usage: frame PHOTO full|skip [RESULT]".into()),
    };
    let filtering = match filtering.as_str() {
        "skip" => Filtering::Skip,
        _ => Filtering::Full,
    };
    let file = fs::read(photo)?;
    let chunk = file.get(20..).ok_or("the file is too short")?;
    let request = Request {
        filtering,
        ..Request::default()
    };
    let planes = decode(chunk, &request)?;
    if let Some(result) = result {
        fs::write(result, planes.map(|plane| plane.data).concat())?;
    }
    Ok(())
}
