//! Colours weighted by their opacity, and back.

use crate::pixels::Channels;
use crate::resample::WIDE_MAX;

/// Whether all pixels are opaque. They have an opacity.
pub(crate) fn is_opaque(pixels: &[u8], channels: Channels) -> bool {
    let opacities = pixels.iter().skip(channels.colours());
    opacities
        .step_by(channels.count())
        .all(|&opacity| opacity == u8::MAX)
}

/// Multiplies colours with their opacity. No sample is out of range.
pub(crate) fn premultiply(wide: &mut [i16], channels: Channels) {
    match channels {
        Channels::GrayAlpha => weigh(wide.as_chunks_mut::<2>().0),
        _ => weigh(wide.as_chunks_mut::<4>().0),
    }
}

fn weigh<const COUNT: usize>(pixels: &mut [[i16; COUNT]]) {
    let whole = u32::from(WIDE_MAX.cast_unsigned());
    for pixel in pixels {
        let opacity = u32::from(pixel[COUNT - 1].cast_unsigned());
        for colour in &mut pixel[..COUNT - 1] {
            let product = u32::from(colour.cast_unsigned()) * opacity;
            *colour = ((product + whole / 2) / whole) as i16;
        }
    }
}

/// Divides colours by their opacity, and brings all into range.
pub(crate) fn unpremultiply(wide: &mut [i16], channels: Channels) {
    for pixel in wide.chunks_exact_mut(channels.count()) {
        let Some((opacity, colours)) = pixel.split_last_mut() else {
            continue;
        };
        *opacity = (*opacity).clamp(0, WIDE_MAX);
        match *opacity {
            0 => colours.fill(0),
            WIDE_MAX => {}
            opacity => colours.iter_mut().for_each(|colour| {
                let (opacity, whole) = (i32::from(opacity), i32::from(WIDE_MAX));
                let quotient = (i32::from(*colour) * whole + opacity / 2) / opacity;
                *colour = quotient.clamp(0, whole) as i16;
            }),
        }
    }
}
