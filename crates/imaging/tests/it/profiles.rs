//! Colours of other profiles come out as those of sRGB.

use imaging::{Light, Limits, Options, Resized, Size, Warning, resize};
use jpeg_encoder::{ColorType, Encoder};
use moxcms::ColorProfile;
use testkit::images;

use crate::picture::{Picture, encode_png};

const COLOUR: [u8; 3] = [200, 100, 50];

fn fitted(input: &[u8]) -> Resized {
    resize(input, &Options::new(Size::new(16, 16))).expect("a good image")
}

/// A JPEG of one colour with a profile.
fn jpeg(pixel: &[u8], color_type: ColorType, profile: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 100);
    encoder
        .add_icc_profile(profile)
        .and_then(|()| encoder.encode(&pixel.repeat(32 * 32), 32, 32, color_type))
        .expect("pixels of the right length");
    bytes
}

fn png(pixel: &[u8], profile: &[u8]) -> Vec<u8> {
    let color = match pixel.len() {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    };
    let mut info = png::Info::with_size(32, 32);
    info.color_type = color;
    info.icc_profile = Some(profile.to_vec().into());
    let mut bytes = Vec::new();
    png::Encoder::with_info(&mut bytes, info)
        .and_then(png::Encoder::write_header)
        .and_then(|mut writer| writer.write_image_data(&pixel.repeat(32 * 32)))
        .expect("pixels of the right length");
    bytes
}

fn webp(profile: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile.to_vec());
    encoder
        .encode(&COLOUR.repeat(32 * 32), 32, 32, image_webp::ColorType::Rgb8)
        .expect("pixels of the right length");
    bytes
}

fn display_p3() -> Vec<u8> {
    ColorProfile::new_display_p3()
        .encode()
        .expect("a profile of the crate itself")
}

/// The transfer function of sRGB, which Display P3 has as well.
fn to_light(number: u8) -> f64 {
    let encoded = f64::from(number) / 255.0;
    if encoded <= 0.04045 {
        encoded / 12.92
    } else {
        ((encoded + 0.055) / 1.055).powf(2.4)
    }
}

fn from_light(light: f64) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let encoded = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (encoded * 255.0).round() as u8
}

/// Display P3 to sRGB by the matrix between their primaries (CSS Color 4).
fn p3_to_srgb(pixel: [u8; 3]) -> [u8; 3] {
    let light = pixel.map(to_light);
    [
        [1.224_940, -0.224_940, 0.0],
        [-0.042_057, 1.042_057, 0.0],
        [-0.019_638, -0.078_636, 1.098_274],
    ]
    .map(|row| {
        from_light(
            row.iter()
                .zip(light)
                .map(|(factor, light)| factor * light)
                .sum(),
        )
    })
}

#[track_caller]
fn check(resized: &Resized, expected: &[u8], tolerance: u8) {
    assert_eq!(resized.warnings, []);
    check_pixel(resized, expected, tolerance);
}

#[track_caller]
fn check_pixel(resized: &Resized, expected: &[u8], tolerance: u8) {
    let picture = Picture::decode(&resized.bytes);
    let pixel = picture.pixel(8, 8);
    let furthest = pixel
        .iter()
        .zip(expected)
        .map(|(left, right)| left.abs_diff(*right))
        .max();
    assert!(
        pixel.len() == expected.len() && furthest <= Some(tolerance),
        "{pixel:?}, not {expected:?}"
    );
}

#[test]
fn a_wide_profile_is_converted_in_every_format() {
    let expected = p3_to_srgb(COLOUR);
    assert!(
        expected[0] > COLOUR[0] + 5,
        "the profiles differ: {expected:?}"
    );
    let profile = display_p3();
    check(&fitted(&png(&COLOUR, &profile)), &expected, 1);
    check(&fitted(&webp(&profile)), &expected, 1);
    check(
        &fitted(&jpeg(&COLOUR, ColorType::Rgb, &profile)),
        &expected,
        4,
    );
    let glass = [COLOUR[0], COLOUR[1], COLOUR[2], 99];
    let expected = [expected[0], expected[1], expected[2], 99];
    check(&fitted(&png(&glass, &profile)), &expected, 1);
}

#[test]
fn a_wide_profile_is_converted_for_linear_light_too() {
    let options = Options {
        light: Light::Linear,
        ..Options::new(Size::new(16, 16))
    };
    let resized = resize(&png(&COLOUR, &display_p3()), &options).unwrap();
    check(&resized, &p3_to_srgb(COLOUR), 1);
}

#[test]
fn a_profile_in_two_pieces_counts_if_both_are_there() {
    let profile = display_p3();
    let (first, second) = profile.split_at(profile.len() / 2);
    let piece = |number, piece: &[u8]| [&b"ICC_PROFILE\0"[..], &[number, 2], piece].concat();
    let photo = images::solid_jpeg(32, 32, COLOUR);
    let with_first = images::with_segment(&photo, 0xE2, &piece(1, first));
    // Whatever their order is.
    let with_both = images::with_segment(&with_first, 0xE2, &piece(2, second));
    check(&fitted(&with_both), &p3_to_srgb(COLOUR), 5);
    let broken = fitted(&with_first);
    assert_eq!(broken.warnings, [Warning::BrokenProfile]);
    check_pixel(&broken, &COLOUR, 4);
}

/// Where the profile of a PNG begins and ends.
fn profile_chunk(png: &[u8]) -> std::ops::Range<usize> {
    let name = png.windows(4).position(|name| name == b"iCCP");
    let start = name.expect("it has a profile") - 4;
    let length: [u8; 4] = png[start..start + 4].try_into().expect("four bytes");
    start..start + 12 + u32::from_be_bytes(length) as usize
}

#[test]
fn of_several_profiles_in_a_png_the_first_one_counts() {
    let other = ColorProfile::new_adobe_rgb().encode().expect("a profile");
    let other = png(&COLOUR, &other);
    let mut both = png(&COLOUR, &display_p3());
    let behind = profile_chunk(&both).end;
    both.splice(behind..behind, other[profile_chunk(&other)].iter().copied());
    let made = fitted(&both);
    check(&made, &p3_to_srgb(COLOUR), 2);
}

#[test]
fn a_profile_of_srgb_changes_nothing() {
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let plain = encode_png(&Picture {
        width: 32,
        height: 32,
        channels: 3,
        data: COLOUR.repeat(32 * 32),
    });
    assert_eq!(fitted(&png(&COLOUR, &srgb)).bytes, fitted(&plain).bytes);
}

#[test]
fn gray_with_a_profile_stays_gray() {
    let gamma = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let expected = from_light(100.0 / 255.0);
    check(&fitted(&png(&[100], &gamma)), &[expected], 1);
    check(&fitted(&png(&[100, 50], &gamma)), &[expected, 50], 1);
    check(
        &fitted(&jpeg(&[100], ColorType::Luma, &gamma)),
        &[expected],
        2,
    );
    // A gray picture with the profile of a colour picture, whose grays are the same.
    check(&fitted(&png(&[100], &display_p3())), &[100], 1);
}

#[test]
fn a_profile_that_is_of_no_use_is_said_and_ignored() {
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let mut torn = display_p3();
    torn.truncate(torn.len() / 2);
    for profile in [&b"no profile"[..], &torn, &gray, &[0; 500]] {
        for image in [
            png(&COLOUR, profile),
            jpeg(&COLOUR, ColorType::Rgb, profile),
            webp(profile),
        ] {
            let resized = fitted(&image);
            assert_eq!(resized.warnings, [Warning::BrokenProfile]);
            check_pixel(&resized, &COLOUR, 4);
        }
    }
}

#[test]
fn every_damage_to_a_profile_is_survived() {
    let profile = display_p3();
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..300 {
        let mut damaged = profile.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..damaged.len());
            damaged[at] = random.u8(..);
        }
        let resized = resize(&png(&COLOUR, &damaged), &Options::new(Size::new(4, 4)));
        assert!(resized.is_ok(), "round {round}: {resized:?}");
    }
}

#[test]
fn a_profile_above_the_limit_is_ignored() {
    // Three megabytes of nothing take three kilobytes.
    let bomb = png(&COLOUR, &vec![0; 30 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(fitted(&bomb).warnings, [Warning::BrokenProfile]);
    let options = Options {
        limits: Limits {
            profile_bytes_max: 100,
            ..Limits::default()
        },
        ..Options::new(Size::new(16, 16))
    };
    for image in [
        png(&COLOUR, &display_p3()),
        jpeg(&COLOUR, ColorType::Rgb, &display_p3()),
        webp(&display_p3()),
    ] {
        let resized = resize(&image, &options).unwrap();
        assert_eq!(resized.warnings, [Warning::BrokenProfile]);
    }
}

/// A profile for inks by the book (ICC.1, `lut8Type`): black ink is black, and each other takes a fifth of the light.
fn inks() -> Vec<u8> {
    let ramp: Vec<u8> = (0..=255).collect();
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for at in 0..9 {
        table.extend((if at % 4 == 0 { 0x1_0000_u32 } else { 0 }).to_be_bytes());
    }
    table.extend(ramp.repeat(4));
    for node in 0..16_u8 {
        let inks = (node >> 1).count_ones() as u8;
        let light = if node & 1 == 1 { 0 } else { 255 - 51 * inks };
        table.extend([light, 128, 128]);
    }
    table.extend(ramp.repeat(3));
    let start = 128 + 4 + 12;
    let mut profile = vec![0; 128];
    profile[..4].copy_from_slice(&((start + table.len()) as u32).to_be_bytes());
    profile[8] = 2;
    profile[12..24].copy_from_slice(b"prtrCMYKLab ");
    profile[36..40].copy_from_slice(b"acsp");
    profile[68..80].copy_from_slice(&[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]);
    profile.extend(1_u32.to_be_bytes());
    profile.extend(b"A2B0");
    profile.extend((start as u32).to_be_bytes());
    profile.extend((table.len() as u32).to_be_bytes());
    profile.extend(table);
    profile
}

#[test]
fn inks_are_converted_by_their_profile() {
    // Lightness 80 is this gray in sRGB; without the profile, cyan would have no red.
    for (pixel, gray) in [
        ([0, 0, 0, 0], 255),
        ([255, 0, 0, 0], 198),
        ([0, 0, 0, 255], 0),
    ] {
        let photo = jpeg(&pixel, ColorType::Cmyk, &inks());
        check(&fitted(&photo), &[gray; 3], 5);
    }
    let with_another = fitted(&jpeg(&[0; 4], ColorType::Cmyk, &display_p3()));
    assert_eq!(with_another.warnings, [Warning::BrokenProfile]);
    check_pixel(&with_another, &[255; 3], 2);
}

#[cfg(not(feature = "mozjpeg"))]
#[test]
fn without_libjpeg_a_profile_for_the_inks_of_a_progressive_photo_is_ignored() {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 100);
    encoder.set_progressive(true);
    encoder.add_icc_profile(&inks()).unwrap();
    let pixels = [255, 0, 0, 0].repeat(32 * 32);
    encoder.encode(&pixels, 32, 32, ColorType::Cmyk).unwrap();
    let resized = fitted(&bytes);
    assert_eq!(resized.warnings, [Warning::BrokenProfile]);
    check_pixel(&resized, &[0, 255, 255], 3);
}
