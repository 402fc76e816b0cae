//! The decoders against each other: what several read must look the same.

use std::fs;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use mozjpeg::{ColorSpace, Compress};

use super::super::markers::{Frame, read_frame, read_scans};
use crate::codec::Decoding;
use crate::colours::Colours;
use crate::layout::Area;
use crate::pixels::Pixels;
use crate::rows::{Form, RowSink};
use crate::scale::{Scaled, Scaler, Scaling, Wanted};
use crate::watch::Watch;
use crate::{ImageError, Light, Limits, Shrink, Size, inspect, jpeg};

/// Decibels above which two photos cannot be told apart side by side.
const ALIKE: f64 = 40.0;
/// The same for pictures of a few pixels, where the edge, at which the decoders blur colours in their own ways,
/// is a large part.
const ALIKE_WHEN_TINY: f64 = 36.0;

const SAMPLES: [&str; 5] = [
    "astronaut-progressive.jpg",
    "camera-gray.jpg",
    "coffee.jpg",
    "hubble-deep-field.jpg",
    "retina.jpg",
];

fn sample(name: &str) -> Vec<u8> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");
    fs::read(format!("{samples}/{name}")).expect("the repository has samples")
}

type Decode = fn(&Decoding<'_>, &Frame, &mut dyn RowSink) -> Result<(), ImageError>;

/// Scales what a decoder gives.
struct Sink {
    scaling: Scaling,
    scaler: Option<Scaler>,
}

impl RowSink for Sink {
    fn begin(&mut self, form: &Form) -> Result<(), ImageError> {
        self.scaler = Some(Scaler::new(&self.scaling, form, &Colours::Plain));
        Ok(())
    }

    fn take(&mut self, plane: usize, row: &[u8]) -> Result<(), ImageError> {
        let scaler = self.scaler.as_mut().expect("a picture begins once");
        scaler.take(plane, row)
    }
}

/// Decodes at a fraction of the size, and scales to `target`.
fn decode(with: Decode, (jpeg, shrink): (&[u8], u32), target: Size) -> Pixels {
    let source = inspect(jpeg, &Limits::default()).expect("a good header");
    let frame = read_frame(jpeg).expect("a good header");
    let decoding = Decoding {
        input: jpeg,
        source: &source,
        shrink,
        factor: shrink.into(),
        limits: &Limits::default(),
        watch: &Watch::new(&|| false),
    };
    let scaling = Scaling {
        seen: Area::whole(source.stored_size()),
        target,
        light: Light::Encoded,
        wanted: Wanted::Pixels,
        shrink: Shrink::Off,
    };
    let mut sink = Sink {
        scaling,
        scaler: None,
    };
    with(&decoding, &frame, &mut sink).expect("a good file");
    let scaler = sink.scaler.expect("a picture begins once");
    match scaler.finish(target) {
        Some(Scaled::Pixels(pixels, _)) => pixels,
        _ => unreachable!("all rows, and pixels of them"),
    }
}

/// Our own decoder, for files that are known to be for it.
fn ours(decoding: &Decoding<'_>, frame: &Frame, sink: &mut dyn RowSink) -> Result<(), ImageError> {
    let is_ours = jpeg::ours::decode(decoding, frame, sink)?;
    assert!(is_ours, "a file for this decoder");
    Ok(())
}

/// Returns the peak signal to noise ratio in decibels.
fn psnr(left: &Pixels, right: &Pixels) -> f64 {
    assert_eq!((left.size, left.channels), (right.size, right.channels));
    let differences = left.data.iter().zip(&right.data);
    let squares: f64 = differences
        .map(|(left, right)| f64::from(left.abs_diff(*right)).powi(2))
        .sum();
    let mean = squares / left.data.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

#[test]
fn a_shrunk_photo_looks_like_the_whole_one_scaled() {
    for name in SAMPLES {
        let photo = sample(name);
        let source = inspect(&photo, &Limits::default()).unwrap();
        for shrink in [2, 4, 8] {
            // The largest that the rule shrinks by so much for.
            let side = source.width.max(source.height) / (shrink * 2);
            let target = Size::new(side, side).fit(source.stored_size());
            let whole = decode(jpeg::zune::decode, (&photo, 1), target);
            let mut decoders: Vec<Decode> = vec![jpeg::libjpeg::decode];
            if !name.contains("progressive") {
                decoders.push(ours);
            }
            for (at, decoder) in decoders.into_iter().enumerate() {
                let shrunk = decode(decoder, (&photo, shrink), target);
                let psnr = psnr(&whole, &shrunk);
                println!("{name} at 1/{shrink} by decoder {at}: {psnr:.1} dB");
                assert!(psnr >= ALIKE, "{name} at 1/{shrink}: {psnr:.1} dB");
            }
        }
    }
}

#[track_caller]
fn check_alike(jpeg: &[u8], what: &str) {
    let frame = read_frame(jpeg).expect("a good header");
    let scans = read_scans(jpeg, &frame, &Limits::default()).expect("a good file");
    assert!(
        scans.interleaved,
        "{what}: zune-jpeg is not given such files"
    );
    let decode = |decoder| decode(decoder, (jpeg, 1), frame.size());
    let libjpeg = decode(jpeg::libjpeg::decode);
    let zune = decode(jpeg::zune::decode);
    let zune = psnr(&zune, &libjpeg);
    assert!(zune >= ALIKE_WHEN_TINY, "{what}: {zune:.1} dB");
    if ::jpeg::Header::read(jpeg).is_ok() {
        let ours = psnr(&decode(ours), &libjpeg);
        assert!(ours >= ALIKE_WHEN_TINY, "{what}, ours: {ours:.1} dB");
    }
}

/// Inks, plain or as light and colours, as libjpeg reads them: exactly, if none is coarser than others.
#[test]
fn inks_and_plain_colours_are_those_of_libjpeg() {
    use SamplingFactor as S;
    check_inks(S::F_1_1);
    for coarse in [S::F_2_1, S::F_1_2, S::F_2_2] {
        check_inks(coarse);
    }
}

fn check_inks(sampling: SamplingFactor) {
    use SamplingFactor as S;
    let mut random = fastrand::Rng::with_seed(9);
    for round in 0..60 {
        let (width, height) = (random.u16(1..=70), random.u16(1..=70));
        let kind = [ColorType::Cmyk, ColorType::CmykAsYcck][round % 2];
        let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * 4)
            .map(|at| (at % 251) as u8 / 2 + random.u8(..64))
            .collect();
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_sampling_factor(sampling);
        encoder
            .encode(&pixels, width, height, kind)
            .expect("pixels of the right length");
        let size = Size::new(width.into(), height.into());
        let [ours, libjpeg] = [ours as Decode, jpeg::libjpeg::decode]
            .map(|decoder| decode(decoder, (&bytes, 1), size));
        assert_eq!((ours.size, ours.channels), (libjpeg.size, libjpeg.channels));
        let furthest = ours.data.iter().zip(&libjpeg.data);
        let furthest = furthest.map(|(ours, theirs)| ours.abs_diff(*theirs)).max();
        match sampling {
            // A step of each of the transforms, which the conversion adds up.
            S::F_1_1 => assert!(furthest <= Some(3), "round {round}, {kind:?}: {furthest:?}"),
            // libjpeg does not interpolate colours of one or two columns.
            _ if width <= 4 => {}
            _ => {
                let psnr = psnr(&ours, &libjpeg);
                assert!(
                    psnr >= 45.0,
                    "round {round}, {kind:?}, {sampling:?}: {psnr:.1} dB"
                );
            }
        }
    }
}

#[test]
fn both_decode_what_our_encoder_can_write() {
    use SamplingFactor as S;
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..200 {
        let picture = Waves::random(&mut random);
        let progressive = random.bool();
        let sampling = random
            .choice([S::F_1_1, S::F_2_1, S::F_1_2, S::F_2_2])
            .unwrap();
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_sampling_factor(sampling);
        encoder.set_progressive(progressive);
        encoder.set_restart_interval(random.u16(..9));
        encoder
            .encode(&picture.data, picture.width, picture.height, ColorType::Rgb)
            .unwrap();
        let size = (picture.width, picture.height);
        check_alike(
            &bytes,
            &format!("round {round}: {sampling:?}, {progressive}, {size:?}"),
        );
    }
}

#[test]
fn both_decode_what_libjpeg_can_write() {
    let mut random = fastrand::Rng::with_seed(8);
    for round in 0..200 {
        let picture = Waves::random(&mut random);
        let progressive = random.bool();
        // How many pixels share a colour.
        let shared = random
            .choice([(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (1, 4)])
            .unwrap();
        let mut encoder = Compress::new(ColorSpace::JCS_RGB);
        encoder.set_fastest_defaults();
        encoder.set_size(picture.width.into(), picture.height.into());
        encoder.set_quality(90.0);
        encoder.set_chroma_sampling_pixel_sizes(shared, shared);
        if progressive {
            encoder.set_progressive_mode();
        }
        let mut encoder = encoder.start_compress(Vec::new()).unwrap();
        encoder.write_scanlines(&picture.data).unwrap();
        let bytes = encoder.finish().unwrap();
        let size = (picture.width, picture.height);
        check_alike(
            &bytes,
            &format!("round {round}: {shared:?}, {progressive}, {size:?}"),
        );
    }
}

/// Smooth waves, of another length for each colour: they lose little when colours are stored coarser.
struct Waves {
    width: u16,
    height: u16,
    data: Vec<u8>,
}

impl Waves {
    fn random(random: &mut fastrand::Rng) -> Self {
        let (width, height) = (random.u16(1..=70), random.u16(1..=70));
        let wave = |x: u16, y: u16, length: f64| {
            (127.0 + 90.0 * ((f64::from(x) + 2.0 * f64::from(y)) / length).sin()) as u8
        };
        let data = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| [29.0, 37.0, 53.0].map(|length| wave(x, y, length)))
            .collect();
        Self {
            width,
            height,
            data,
        }
    }
}
