//! From light and differences of colour to RGB, as WebP defines it.

/// Converts samples of the three planes to RGB, as many as there are of all.
///
/// The light of black is 16 and that of white 235 (BT.601), so the formula is another one than that of JPEG. The result is that of
/// libwebp to within one step.
pub fn rgb_from_yuv(yuv: [&[u8]; 3], rgb: &mut [u8]) {
    let [light, blue, red] = yuv;
    let colours = light.iter().zip(blue).zip(red);
    for (((&light, &blue), &red), rgb) in colours.zip(rgb.as_chunks_mut::<3>().0) {
        // 14 bits behind the point, and a half to round with.
        let light = (i32::from(light) - 16) * 19_077 + (1 << 13);
        let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
        let clamp = |value: i32| (value >> 14).clamp(0, 255) as u8;
        *rgb = [
            clamp(light + 26_149 * red),
            clamp(light - 6_419 * blue - 13_320 * red),
            clamp(light + 33_050 * blue),
        ];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_colours_are_within_a_step_of_the_definition() {
        for light in (0..=255).step_by(5) {
            for (blue, red) in (0..=255).flat_map(|blue| (0..=255).map(move |red| (blue, red))) {
                check([light, blue, red]);
            }
        }
    }

    fn check([light, blue, red]: [u8; 3]) {
        let mut rgb = [0; 3];
        rgb_from_yuv([&[light], &[blue], &[red]], &mut rgb);
        let y = (f64::from(light) - 16.0) / 219.0;
        let [b, r] = [blue, red].map(|sample| (f64::from(sample) - 128.0) / 112.0);
        let (red_share, blue_share) = (0.299, 0.114);
        let (red, blue) = (y + r * (1.0 - red_share), y + b * (1.0 - blue_share));
        let green = (y - red_share * red - blue_share * blue) / (1.0 - red_share - blue_share);
        for (ours, exact) in rgb.into_iter().zip([red, green, blue]) {
            let off = f64::from(ours) - (exact * 255.0).clamp(0.0, 255.0);
            assert!(off.abs() <= 0.6, "{light} {blue} {red}: {off}");
        }
    }
}
