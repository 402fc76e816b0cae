//! Colours come out as they went in.

use imaging::{Format, Light, Options, Size, resize};
use testkit::images;

use crate::picture::{Picture, encode_png, fit, fit_picture};

#[test]
fn a_flat_colour_stays_exactly_flat() {
    let sides = [1, 2, 3, 5, 8, 13, 21, 34, 55, 64];
    for colour in [
        [0, 0, 0, 255],
        [255, 255, 255, 255],
        [200, 30, 7, 255],
        [9, 90, 200, 77],
    ] {
        for (width, height) in sides
            .iter()
            .flat_map(|&width| sides.map(|height| (width, height)))
        {
            let png = images::solid_png(width, height, colour);
            for side in sides.into_iter().filter(|&side| side < width.max(height)) {
                let picture = fit_picture(&png, side, side);
                assert!(
                    picture
                        .pixels()
                        .all(|pixel| pixel == &colour[..picture.channels]),
                    "{width}x{height} to {side}"
                );
            }
        }
    }
}

#[test]
fn a_flat_jpeg_stays_flat() {
    for side in [64, 33, 17, 9, 4, 1] {
        let picture = fit_picture(&images::solid_jpeg(64, 64, [200, 30, 7]), side, side);
        let off = |pixel: &[u8]| {
            pixel
                .iter()
                .zip([200_u8, 30, 7])
                .any(|(left, right)| left.abs_diff(right) > 4)
        };
        assert!(
            !picture.pixels().any(off),
            "to {side}: {:?}",
            picture.pixel(0, 0)
        );
    }
}

#[test]
fn white_beside_transparent_black_never_darkens() {
    let stripes = images::png(
        64,
        64,
        |x, _| if x / 5 % 2 == 0 { [255; 4] } else { [0; 4] },
    );
    for side in [63, 40, 31, 16, 7, 3, 1] {
        let picture = fit_picture(&stripes, side, side);
        for pixel in picture.pixels().filter(|pixel| pixel[3] > 0) {
            assert_eq!(
                pixel[..3],
                [255, 255, 255],
                "to {side}, opacity {}",
                pixel[3]
            );
        }
    }
}

#[test]
fn colours_behind_changing_opacity_look_the_same() {
    let colour = [240, 120, 33];
    let fading = images::png(64, 64, |x, _| {
        [colour[0], colour[1], colour[2], (x * 4) as u8]
    });
    for side in [63, 32, 9] {
        for pixel in fit_picture(&fading, side, side).pixels() {
            // What is seen of a colour is its product with the opacity. That is rounded three times: before
            // scaling, between columns and rows, and at the end.
            let off = |channel: usize| f64::from(pixel[channel].abs_diff(colour[channel]));
            let seen = |channel| off(channel) * f64::from(pixel[3]) / 255.0;
            assert!(
                (0..3).all(|channel| seen(channel) <= 1.5),
                "to {side}: {pixel:?}"
            );
        }
    }
}

#[test]
fn a_fine_checkerboard_becomes_its_mean() {
    let board = Picture {
        width: 512,
        height: 512,
        channels: 1,
        data: (0..512 * 512)
            .map(|index| {
                if (index % 512 + index / 512) % 2 == 0 {
                    255
                } else {
                    0
                }
            })
            .collect(),
    };
    let picture = fit_picture(&encode_png(&board), 32, 32);
    assert!((picture.mean() - 127.5).abs() <= 1.0, "{}", picture.mean());
    assert!(picture.data.iter().all(|&gray| (120..=135).contains(&gray)));
}

#[test]
fn grayscale_stays_grayscale() {
    let jpeg = images::gray_jpeg(200, 100);
    for side in [200, 100, 20] {
        let picture = fit_picture(&jpeg, side, side);
        assert_eq!(picture.channels, 1);
        assert!(picture.pixel(0, 0)[0] < 20);
        assert!(picture.pixel(picture.width - 1, 0)[0] > 235);
    }
    for channels in [1, 2] {
        let gray = Picture {
            width: 8,
            height: 8,
            channels,
            data: vec![130; 64 * channels],
        };
        let picture = fit_picture(&encode_png(&gray), 4, 4);
        assert_eq!(
            (picture.channels, picture.data),
            (channels, vec![130; 16 * channels])
        );
    }
}

#[test]
fn opaque_and_transparent_pictures_keep_their_channels() {
    for channels in [3, 4] {
        let picture = Picture {
            width: 8,
            height: 8,
            channels,
            data: vec![200; 64 * channels],
        };
        let resized = fit(&encode_png(&picture), 3, 3);
        assert_eq!(resized.format, Format::Png);
        assert_eq!(Picture::decode(&resized.bytes).channels, channels);
    }
}

#[test]
fn a_fine_checkerboard_becomes_its_mean_light_when_asked_for() {
    let board = images::png(512, 512, |x, y| {
        let gray = if (x + y) % 2 == 0 { 255 } else { 0 };
        [gray, gray, gray, 255]
    });
    let options = Options {
        light: Light::Linear,
        ..Options::new(Size::new(32, 32))
    };
    let picture = Picture::decode(&resize(&board, &options).unwrap().bytes);
    let light = picture
        .pixels()
        .map(|pixel| f64::from(pixel[0]))
        .sum::<f64>()
        / 1024.0;
    assert!((light - 187.5).abs() <= 1.0, "{light}");
}
