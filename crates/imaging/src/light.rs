//! Between the numbers of sRGB and the light that they stand for (IEC 61966-2-1), as [wide](crate::resample::WIDE) numbers.

use std::sync::LazyLock;

use crate::pixels::Channels;
use crate::resample::{WIDE_MAX, to_byte, to_wide};

/// The light of each number.
static LIGHT: LazyLock<[i16; 256]> =
    LazyLock::new(|| std::array::from_fn(|number| scaled(light(number as f64))));

/// The nearest number to each light.
static NUMBERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let ends: Vec<i16> = (0..255)
        .map(|number| scaled(light(f64::from(number) + 0.5)))
        .collect();
    let number = |light| ends.partition_point(|&end| end <= light) as u8;
    (0..=WIDE_MAX).map(number).collect()
});

/// Returns the share of light that a number from 0 to 255 stands for.
fn light(number: f64) -> f64 {
    let encoded = number / 255.0;
    if encoded <= 0.04045 {
        encoded / 12.92
    } else {
        ((encoded + 0.055) / 1.055).powf(2.4)
    }
}

fn scaled(light: f64) -> i16 {
    (light * f64::from(WIDE_MAX)).round() as i16
}

/// Turns numbers into light. Opacity is no light and is only widened.
pub(crate) fn decode(numbers: &[u8], channels: Channels, light: &mut Vec<i16>) {
    let table = &*LIGHT;
    light.clear();
    for pixel in numbers.chunks_exact(channels.count()) {
        let (colours, opacity) = pixel.split_at(channels.colours());
        light.extend(colours.iter().map(|&number| table[usize::from(number)]));
        light.extend(opacity.iter().map(|&opacity| to_wide(opacity)));
    }
}

/// Turns light back into the nearest numbers.
pub(crate) fn encode(light: &[i16], channels: Channels, numbers: &mut Vec<u8>) {
    let table = &*NUMBERS;
    let number = |&light: &i16| table[light.clamp(0, WIDE_MAX) as usize];
    for pixel in light.chunks_exact(channels.count()) {
        let (colours, opacity) = pixel.split_at(channels.colours());
        numbers.extend(colours.iter().map(number));
        numbers.extend(opacity.iter().map(|&opacity| to_byte(opacity)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_way_to_light_and_back() {
        let numbers: Vec<u8> = (0..=255).collect();
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgba] {
            let (mut light, mut back) = (Vec::new(), Vec::new());
            decode(&numbers, channels, &mut light);
            encode(&light, channels, &mut back);
            assert_eq!(back, numbers, "{channels:?}");
        }
    }

    #[test]
    fn half_of_the_light_is_188() {
        let mut number = Vec::new();
        encode(&[WIDE_MAX / 2], Channels::Gray, &mut number);
        assert_eq!(number, [188]);
    }
}
