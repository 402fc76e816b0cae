//! What every target does with its input.

use imaging::{
    Format, Gravity, ImageError, Light, Limits, Metadata, Mode, Options, Output, Shrink, Size,
    inspect, resize_each,
};

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
