//! Damaged files give a picture or an error, never a panic.

use std::fs;

use fastrand::Rng;
use jpeg::{DecodeError, Picture, Request, Shrink, decode};

const SHRINKS: [Shrink; 4] = [Shrink::None, Shrink::Half, Shrink::Quarter, Shrink::Eighth];

fn sample(name: &str) -> Vec<u8> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");
    fs::read(format!("{samples}/{name}")).expect("the repository has samples")
}

/// Decodes what may ask for a picture of any size.
fn try_decode(input: &[u8], shrink: Shrink) -> Result<Picture, DecodeError> {
    let request = Request {
        shrink,
        bytes_max: 16 << 20,
        ..Request::default()
    };
    decode(input, &request)
}

fn with_restarts() -> Vec<u8> {
    let pixels: Vec<u8> = (0..64 * 48 * 3).map(|at| (at * 7 % 256) as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
    encoder.set_restart_interval(2);
    encoder
        .encode(&pixels, 64, 48, jpeg_encoder::ColorType::Rgb)
        .expect("a good file or a good picture");
    bytes
}

#[test]
fn what_is_missing_of_a_photo_is_gray_and_is_said() {
    let photo = sample("coffee.jpg");
    let whole = try_decode(&photo, Shrink::None).expect("a good file or a good picture");
    for hundredth in 5..98 {
        let piece = &photo[..photo.len() * hundredth / 100];
        for shrink in SHRINKS {
            let Ok(picture) = try_decode(piece, shrink) else {
                assert!(hundredth < 10, "the header is at the start");
                continue;
            };
            assert!(picture.is_damaged, "{hundredth} %");
            let last = picture.planes[0].data.last();
            assert_eq!(last, Some(&128), "{hundredth} %");
        }
        if let Ok(picture) = try_decode(piece, Shrink::None) {
            let first_row = ..whole.planes[0].width as usize;
            assert_eq!(
                picture.planes[0].data[first_row],
                whole.planes[0].data[first_row]
            );
        }
    }
}

#[test]
fn a_file_cut_anywhere_does_no_harm() {
    let file = with_restarts();
    for length in 0..file.len() {
        for shrink in SHRINKS {
            _ = try_decode(&file[..length], shrink);
        }
    }
}

#[test]
fn a_lost_interval_leaves_the_others_where_they_are() {
    let file = with_restarts();
    let whole = try_decode(&file, Shrink::None).expect("a good file or a good picture");
    let markers: Vec<usize> = (0..file.len() - 1)
        .filter(|&at| file[at] == 0xFF && (0xD0..=0xD7).contains(&file[at + 1]))
        .collect();
    // Without its first marker and what follows it, up to the second one.
    let cut = [&file[..markers[0]], &file[markers[1]..]].concat();
    let picture = try_decode(&cut, Shrink::None).expect("a good file or a good picture");
    assert!(picture.is_damaged);
    let (ours, whole) = (&picture.planes[0].data, &whole.planes[0].data);
    let last_rows = ours.len() - 64 * 8..;
    assert_eq!(ours[last_rows.clone()], whole[last_rows]);
}

#[test]
fn mutated_files_do_no_harm() {
    let mut random = Rng::with_seed(2026);
    let files = [
        with_restarts(),
        sample("astronaut-portrait.jpg"),
        sample("camera-gray.jpg"),
    ];
    for round in 0..3000 {
        // The small one more often: more of it is structure.
        let mut file = files[if round % 20 == 0 {
            1 + round / 20 % 2
        } else {
            0
        }]
        .clone();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..file.len());
            match random.u8(..4) {
                0 => file[at] ^= 1 << random.u8(..8),
                1 => file[at] = random.u8(..),
                2 => file.truncate(at.max(1)),
                _ => file.insert(
                    at,
                    *random
                        .choice(&[0, 0xFF, 0xD0, 0xD9])
                        .expect("a good file or a good picture"),
                ),
            }
        }
        let shrink = *random
            .choice(&SHRINKS)
            .expect("a good file or a good picture");
        _ = try_decode(&file, shrink);
    }
}
