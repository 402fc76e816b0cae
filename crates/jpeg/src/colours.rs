//! From YCbCr to RGB, as JFIF defines it.

/// Converts samples of the three planes to RGB, as many as there are of all.
///
/// The result is that of libjpeg to within one step.
pub fn rgb_from_ycbcr(ycbcr: [&[u8]; 3], rgb: &mut [u8]) {
    let [luma, blue, red] = ycbcr;
    let colours = luma.iter().zip(blue).zip(red);
    for (((&luma, &blue), &red), rgb) in colours.zip(rgb.as_chunks_mut::<3>().0) {
        // 14 bits behind the point, and a half to round with.
        let luma = (i32::from(luma) << 14) + (1 << 13);
        let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
        let clamp = |value: i32| (value >> 14).clamp(0, 255) as u8;
        *rgb = [
            clamp(luma + 22_970 * red),
            clamp(luma - 5_638 * blue - 11_700 * red),
            clamp(luma + 29_032 * blue),
        ];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_colours_are_within_a_step_of_the_definition() {
        for luma in (0..=255).step_by(5) {
            for (blue, red) in (0..=255).flat_map(|blue| (0..=255).map(move |red| (blue, red))) {
                check([luma, blue, red]);
            }
        }
    }

    fn check([luma, blue, red]: [u8; 3]) {
        let mut rgb = [0; 3];
        rgb_from_ycbcr([&[luma], &[blue], &[red]], &mut rgb);
        let [y, b, r] = [luma, blue, red].map(f64::from);
        let (b, r) = (b - 128.0, r - 128.0);
        let exact = [
            y + 1.402 * r,
            y - 0.344_136 * b - 0.714_136 * r,
            y + 1.772 * b,
        ];
        for (ours, exact) in rgb.into_iter().zip(exact) {
            let off = f64::from(ours) - exact.clamp(0.0, 255.0);
            assert!(off.abs() <= 0.6, "{luma} {blue} {red}: {off}");
        }
    }
}
