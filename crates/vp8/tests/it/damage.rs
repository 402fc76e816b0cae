//! Damaged files give a picture or an error, never a panic.

use crate::files::{Made, chunk, photo, random_frame};
use fastrand::Rng;
use vp8::{DecodeError, Filtering, Plane, Request, decode};

const FILTERINGS: [Filtering; 2] = [Filtering::Full, Filtering::Skip];

/// Decodes what may ask for a picture of any size.
fn try_decode(frame: &[u8], filtering: Filtering) -> Result<[Plane; 3], DecodeError> {
    let request = Request {
        filtering,
        bytes_max: 4 << 20,
        ..Request::default()
    };
    let decoded = decode(frame, &request);
    if let Ok(planes) = &decoded {
        let bytes: usize = planes.iter().map(|plane| plane.data.len()).sum();
        assert!(bytes as u64 <= request.bytes_max);
    }
    decoded
}

#[test]
fn a_photo_that_ends_too_early_is_an_error() {
    let (rgb, width, height) = photo();
    let file = webp::Encoder::from_rgb(&rgb, width, height).encode(75.0);
    let frame = chunk(&file);
    for hundredth in 0..100 {
        let piece = &frame[..frame.len() * hundredth / 100];
        for filtering in FILTERINGS {
            let error = try_decode(piece, filtering).expect_err("a piece is not a photo");
            assert!(matches!(error, DecodeError::Corrupt(_)), "{hundredth} %");
        }
    }
}

#[test]
fn a_file_cut_anywhere_does_no_harm() {
    let mut random = Rng::with_seed(41);
    for _ in 0..20 {
        let frame = Made::random(&mut random).encode(&mut random);
        let whole = try_decode(&frame, Filtering::Full).expect("a good frame");
        for length in (0..frame.len()).step_by(1 + frame.len() / 500) {
            match try_decode(&frame[..length], Filtering::Full) {
                // What is missing did not matter, or it is the end of the last partition that is of use; behind it there
                // may be seven that are not.
                Ok(planes) => assert!(planes == whole || length + 32 > frame.len(), "{length}"),
                Err(error) => assert!(matches!(error, DecodeError::Corrupt(_)), "{error}"),
            }
        }
    }
}

#[test]
fn mutated_files_do_no_harm() {
    let mut random = Rng::with_seed(42);
    for round in 0..400 {
        let frame = Made::random(&mut random).encode(&mut random);
        for _ in 0..10 {
            let mut frame = frame.clone();
            for _ in 0..random.usize(1..8) {
                // The headers more often: most of what is behind them is noise anyway.
                let most = if random.bool() {
                    frame.len()
                } else {
                    frame.len().min(60)
                };
                let at = random.usize(..most.max(1));
                match random.u8(..4) {
                    0 => frame[at] ^= 1 << random.u8(..8),
                    1 => frame[at] = random.u8(..),
                    2 => frame.truncate(at.max(1)),
                    _ => frame.insert(at, random.u8(..)),
                }
            }
            _ = try_decode(&frame, FILTERINGS[round % 2]);
        }
    }
}

#[test]
fn noise_does_no_harm() {
    let mut random = Rng::with_seed(43);
    for round in 0..500 {
        let mut frame = random_frame(&mut random);
        frame.truncate(random.usize(..frame.len()));
        _ = try_decode(&frame, FILTERINGS[round % 2]);
    }
}
