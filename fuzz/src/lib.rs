//! What every target does with its input.

use imaging::{
    Format, Gravity, ImageError, Light, Limits, Metadata, Mode, Options, Output, Shrink, Size,
    inspect, resize_each,
};
use vp8::{Filtering, Request, decode};

/// Resizes `data` if it is taken for `format`: it must give pictures that can be read, or an error that is no panic.
pub fn run(format: Format, data: &[u8]) {
    if Format::detect(data) != Some(format) {
        return;
    }
    let limits = Limits {
        pixels_max: 1 << 20,
        ..Limits::default()
    };
    let small = Options {
        limits,
        ..Options::new(Size::new(9, 30))
    };
    let large = Options {
        mode: Mode::Fill(Gravity::East),
        output: Output::Jpeg,
        metadata: Metadata::All,
        shrink: Shrink::Off,
        ..small
    };
    let linear = Options {
        mode: Mode::Pad(Gravity::North),
        output: Output::Png,
        light: Light::Linear,
        ..small
    };
    for options in [&[small][..], &[small, large], &[linear]] {
        match resize_each(data, options, &|| false) {
            Ok(results) => {
                for result in results {
                    let written = inspect(&result.bytes, &Limits::default());
                    assert!(written.is_ok(), "{written:?}");
                }
            }
            Err(ImageError::Panicked { message }) => panic!("{message}"),
            Err(_) => {}
        }
    }
}

/// Decodes `data` as a frame of VP8 in both ways: what is damaged for one is so for the other.
pub fn run_vp8(data: &[u8]) {
    let [full, skip] = [Filtering::Full, Filtering::Skip].map(|filtering| {
        let request = Request {
            filtering,
            bytes_max: 4 << 20,
            ..Request::default()
        };
        decode(data, &request)
    });
    assert_eq!(full.is_ok(), skip.is_ok());
}
