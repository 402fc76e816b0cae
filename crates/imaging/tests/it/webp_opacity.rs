//! Lossy WebP whose opacity is a chunk of its own, beside image-webp, which reads it too.

use std::fs;

use imaging::{Bounds, Format, Options, Output, Shrink, resize};

use crate::picture::{Picture, encode_png};
use crate::quality::score;
use crate::samples;

/// Returns a file with these chunks.
fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend(*name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(*data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let length = (body.len() as u32).to_le_bytes();
    [b"RIFF", &length[..], &body].concat()
}

/// Returns what a chunk of a file holds.
fn chunk<'a>(file: &'a [u8], name: &[u8; 4]) -> &'a [u8] {
    let mut rest = &file[12..];
    loop {
        let length = u32::from_le_bytes(rest[4..8].try_into().expect("four bytes")) as usize;
        if rest.starts_with(name) {
            return &rest[8..8 + length];
        }
        rest = &rest[8 + length.next_multiple_of(2)..];
    }
}

/// Returns a picture with loss that has this chunk of opacity.
fn with_opacity(width: u32, height: u32, opacity: &[u8]) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let pixels: Vec<u8> = (0..width * height * 3).map(|_| random.u8(..)).collect();
    let plain = webp::Encoder::from_rgb(&pixels, width, height).encode(50.0);
    let mut header = vec![0x10, 0, 0, 0];
    header.extend(&(width - 1).to_le_bytes()[..3]);
    header.extend(&(height - 1).to_le_bytes()[..3]);
    file(&[
        (b"VP8X", &header),
        (b"ALPH", opacity),
        (b"VP8 ", chunk(&plain, b"VP8 ")),
    ])
}

/// Returns the opacity of each pixel.
fn opacities(picture: &Picture) -> Vec<u8> {
    assert_eq!(picture.channels, 4);
    picture.pixels().map(|pixel| pixel[3]).collect()
}

#[track_caller]
fn check(file: &[u8]) {
    let options = Options {
        output: Output::WebPLossless,
        ..Options::new(Bounds::OPEN)
    };
    let ours = resize(file, &options).expect("a good image");
    assert_eq!(ours.format, Format::WebP);
    let ours = opacities(&Picture::decode(&ours.bytes));
    assert!(ours == opacities(&Picture::decode(file)));
}

const SIZES: [(u32, u32); 6] = [(1, 1), (1, 9), (9, 1), (16, 16), (37, 23), (300, 5)];

#[test]
fn opacity_that_is_stored_as_it_is_is_read_with_each_filter() {
    let mut random = fastrand::Rng::with_seed(3);
    for (width, height) in SIZES {
        for filter in 0..4 {
            let bytes = (0..width * height).map(|_| random.u8(..));
            let chunk: Vec<u8> = [filter << 2].into_iter().chain(bytes).collect();
            check(&with_opacity(width, height, &chunk));
        }
    }
}

#[test]
fn opacity_that_is_compressed_is_read_with_each_filter() {
    for (width, height) in SIZES {
        let pixels = (0..width * height).flat_map(|at| [90, 60, 30, (at * 7 % 251) as u8]);
        let pixels: Vec<u8> = pixels.collect();
        let encoder = webp::Encoder::from_rgba(&pixels, width, height);
        let made = encoder.encode(50.0);
        let made = chunk(&made, b"ALPH");
        // libwebp stores the smallest as they are; larger ones are what this is about.
        assert!(width * height < 300 || made[0] & 3 == 1);
        for filter in 0..4 {
            let mut chunk = made.to_vec();
            chunk[0] = chunk[0] & !0xC | filter << 2;
            check(&with_opacity(width, height, &chunk));
        }
    }
}

#[test]
fn opacity_that_hides_nothing_is_dropped() {
    let chunk: Vec<u8> = [0].into_iter().chain([255; 64 * 40]).collect();
    let options = Options {
        output: Output::Png,
        ..Options::new(Bounds::of_width(32))
    };
    let made = resize(&with_opacity(64, 40, &chunk), &options).expect("a good image");
    assert_eq!(Picture::decode(&made.bytes).channels, 3);
}

#[test]
fn opacity_that_is_missing_or_stored_in_an_unknown_way_is_an_error() {
    for chunk in [&[][..], &[0; 64], &[2; 65], &[1, 2, 3, 4, 5]] {
        let file = with_opacity(8, 8, chunk);
        let made = resize(&file, &Options::new(Bounds::of_width(4)));
        assert!(made.is_err(), "{chunk:?}");
    }
}

/// Lays a picture on white.
fn on_white(picture: &Picture) -> Picture {
    let data = picture.pixels().flat_map(|pixel| {
        let opacity = u32::from(pixel[3]);
        [0, 1, 2]
            .map(|at| ((u32::from(pixel[at]) * opacity + 255 * (255 - opacity) + 127) / 255) as u8)
    });
    Picture {
        width: picture.width,
        height: picture.height,
        channels: 3,
        data: data.collect(),
    }
}

/// image-webp converts the whole picture and makes its edges smooth; ours makes light as coarse as colours first, if it becomes
/// so small that libvips would do so too.
#[test]
fn thumbnails_are_those_of_the_whole_picture() {
    let photo = fs::read(samples::sample("coffee.jpg")).unwrap();
    let photo = Picture::decode(&photo);
    let (width, height) = (photo.width - 1, photo.height - 1);
    // An odd size, and a disc with a soft edge on black that is not seen.
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels = pixels.flat_map(|(x, y)| {
        let (right, down) = (x as f64 - 300.0, y as f64 - 200.0);
        let opacity = ((190.0 - right.hypot(down)) * 16.0).clamp(0.0, 255.0) as u8;
        match (opacity, photo.pixel(x, y)) {
            (0, _) => [0; 4],
            (_, pixel) => [pixel[0], pixel[1], pixel[2], opacity],
        }
    });
    let pixels: Vec<u8> = pixels.collect();
    let file = webp::Encoder::from_rgba(&pixels, width as u32, height as u32).encode(90.0);
    let whole = encode_png(&Picture::decode(&file));
    for width in [width, 250, 149, 100, 60] {
        let options = Options {
            output: Output::Png,
            ..Options::new(Bounds::of_width(width as u32))
        };
        let exact = Options {
            shrink: Shrink::Off,
            ..options
        };
        let [ours, reference] = [(&*file, options), (&whole, exact)].map(|(file, options)| {
            let made = resize(file, &options).expect("a good image");
            Picture::decode(&made.bytes)
        });
        let score = score(&on_white(&reference), &on_white(&ours));
        println!("{width}: {score:.1}");
        assert!(score >= 93.0, "{width}: {score:.1}");
    }
}
