//! Between the numbers of sRGB and the light that they stand for (IEC 61966-2-1), as 16 bits per channel.

use std::sync::LazyLock;

use crate::pixels::Channels;

/// The light of each number.
static LIGHT: LazyLock<[u16; 256]> =
    LazyLock::new(|| std::array::from_fn(|number| scaled(light(number as f64))));

/// Where each number ends and the next begins.
static ENDS: LazyLock<[u16; 255]> =
    LazyLock::new(|| std::array::from_fn(|number| scaled(light(number as f64 + 0.5))));

/// Returns the share of light that a number from 0 to 255 stands for.
fn light(number: f64) -> f64 {
    let encoded = number / 255.0;
    if encoded <= 0.04045 {
        encoded / 12.92
    } else {
        ((encoded + 0.055) / 1.055).powf(2.4)
    }
}

fn scaled(light: f64) -> u16 {
    (light * f64::from(u16::MAX)).round() as u16
}

/// Turns numbers into light. Opacity is no light and is only widened.
pub(crate) fn decode(numbers: &[u8], channels: Channels) -> Vec<u16> {
    let light = &*LIGHT;
    let colours = channels.colours();
    if !channels.has_alpha() {
        return numbers
            .iter()
            .map(|&number| light[usize::from(number)])
            .collect();
    }
    let mut decoded = Vec::with_capacity(numbers.len());
    for pixel in numbers.chunks_exact(channels.count()) {
        let (colours, opacity) = pixel.split_at(colours);
        decoded.extend(colours.iter().map(|&number| light[usize::from(number)]));
        decoded.extend(opacity.iter().map(|&opacity| u16::from(opacity) * 257));
    }
    decoded
}

/// Turns light, as native-endian 16-bit numbers, back into the nearest numbers.
pub(crate) fn encode(light: &[u8], channels: Channels, numbers: &mut [u8]) {
    let ends = &*ENDS;
    let light = light.as_chunks::<2>().0.chunks_exact(channels.count());
    for (from, to) in light.zip(numbers.chunks_exact_mut(channels.count())) {
        for (at, (&value, number)) in from.iter().zip(to).enumerate() {
            let value = u16::from_ne_bytes(value);
            *number = if at < channels.colours() {
                ends.partition_point(|&end| end <= value) as u8
            } else {
                ((u32::from(value) + 128) / 257) as u8
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_way_to_light_and_back() {
        let numbers: Vec<u8> = (0..=255).collect();
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgba] {
            let light = decode(&numbers, channels);
            let mut back = vec![0; numbers.len()];
            encode(bytemuck::cast_slice(&light), channels, &mut back);
            assert_eq!(back, numbers, "{channels:?}");
        }
    }

    #[test]
    fn half_of_the_light_is_187() {
        let mut number = [0];
        encode(&32_768_u16.to_ne_bytes(), Channels::Gray, &mut number);
        assert_eq!(number, [188]);
    }
}
