//! Files that lost their end and were given another: whole as far as their structure goes. There is an error or a warning,
//! never a picture that is silently half gray.

use imaging::{Options, Output, Size, Warning, resize};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::formats;
use crate::picture::{Picture, encode_png};

const WIDTH: u16 = 120;
const HEIGHT: u16 = 88;
/// How far the mean of a row and a channel may be off in a picture that passes: the last scan of a progressive file brings
/// fine detail, which is no reason to warn if some of it is lacking. A gray row is off by 80.
const OFF_MAX: f64 = 8.0;

/// A bright picture with much to store, of so many channels.
fn pixels(channels: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(9);
    let count = usize::from(WIDTH) * usize::from(HEIGHT) * channels;
    (0..count).map(|_| random.u8(170..)).collect()
}

fn jpeg(kind: ColorType, prepare: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let channels = match kind {
        ColorType::Luma => 1,
        ColorType::Cmyk => 4,
        _ => 3,
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    prepare(&mut encoder);
    encoder
        .encode(&pixels(channels), WIDTH, HEIGHT, kind)
        .expect("pixels of the right length");
    bytes
}

fn jpegs() -> Vec<(&'static str, Vec<u8>)> {
    fn halved(encoder: &mut Encoder<&mut Vec<u8>>) {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
    }
    fn progressive(encoder: &mut Encoder<&mut Vec<u8>>) {
        encoder.set_progressive(true);
    }
    vec![
        ("baseline", jpeg(ColorType::Rgb, |_| {})),
        ("coarse colours", jpeg(ColorType::Rgb, halved)),
        ("gray", jpeg(ColorType::Luma, |_| {})),
        (
            "restarts",
            jpeg(ColorType::Rgb, |encoder| {
                encoder.set_restart_interval(7);
            }),
        ),
        ("progressive", jpeg(ColorType::Rgb, progressive)),
        ("progressive gray", jpeg(ColorType::Luma, progressive)),
        #[cfg(feature = "mozjpeg")]
        ("progressive inks", jpeg(ColorType::Cmyk, progressive)),
        ("inks", jpeg(ColorType::Cmyk, |_| {})),
    ]
}

/// What a piece of a file becomes must be the whole picture, or be an error, or be said.
#[track_caller]
fn check(name: &str, whole: &[u8], pieces: impl Iterator<Item = Vec<u8>>) {
    // With all pixels, and with as few as decoders give.
    let sizes = [(WIDTH, HEIGHT), (WIDTH / 8, HEIGHT / 8)];
    let options = sizes.map(|(width, height)| Options {
        output: Output::Png,
        ..Options::new(Size::new(width.into(), height.into()))
    });
    let wanted = options.map(|options| {
        let made = resize(whole, &options).expect("a good file");
        assert!(!made.warnings.contains(&Warning::Damaged), "{name}");
        Picture::decode(&made.bytes)
    });
    let mut said = 0;
    for piece in pieces {
        for (options, wanted) in options.iter().zip(&wanted) {
            match resize(&piece, options) {
                Err(_) => said += 1,
                Ok(made) if made.warnings.contains(&Warning::Damaged) => said += 1,
                Ok(made) => {
                    let off = furthest_mean(&Picture::decode(&made.bytes), wanted);
                    assert!(off <= OFF_MAX, "{name} of {} bytes: {off}", piece.len());
                }
            }
        }
    }
    assert!(said > 100, "{name}: {said} were told");
}

/// Returns how much the mean of any row and channel differs at most.
fn furthest_mean(left: &Picture, right: &Picture) -> f64 {
    let [left, right] = [left, right].map(row_means);
    assert_eq!(left.len(), right.len());
    let differences = left.iter().zip(&right);
    differences.fold(0.0, |most, (left, right)| most.max((left - right).abs()))
}

fn row_means(picture: &Picture) -> Vec<f64> {
    let channels = picture.channels;
    let rows = picture.data.chunks_exact(picture.width * channels);
    let mean = |row: &[u8], channel: usize| {
        let samples = row.iter().skip(channel).step_by(channels);
        samples.map(|&sample| f64::from(sample)).sum::<f64>() / picture.width as f64
    };
    rows.flat_map(|row| (0..channels).map(move |channel| mean(row, channel)))
        .collect()
}

/// Cuts a file in many places, behind its first bytes.
fn cuts(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = (file.len() / 200).max(1);
    (64..file.len()).step_by(step).map(|length| &file[..length])
}

#[test]
fn a_jpeg_without_its_last_data_is_not_taken_for_a_whole_one() {
    for (name, file) in jpegs() {
        let pieces = cuts(&file[..file.len() - 2]).map(|piece| [piece, &[0xFF, 0xD9]].concat());
        check(name, &file, pieces);
    }
}

/// Cuts the formats that say themselves where they end, without any other end.
#[test]
fn a_cut_file_of_another_format_is_not_taken_for_a_whole_one() {
    let picture = Picture {
        width: WIDTH.into(),
        height: HEIGHT.into(),
        channels: 3,
        data: pixels(3),
    };
    for (name, file) in formats::written_by_others(&picture) {
        check(&name, &file, cuts(&file).map(<[u8]>::to_vec));
        if name == "Gif" {
            // A block of no bytes ends the data, and a semicolon the file.
            let pieces = cuts(&file).map(|piece| [piece, &[0, b';']].concat());
            check(&name, &file, pieces);
        }
    }
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    let crc = bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), step)
    });
    (!crc).to_be_bytes()
}

/// Ends a PNG that was cut inside of its only chunk of data.
fn end_png(piece: &[u8], data: usize) -> Vec<u8> {
    let length = (piece.len() - data) as u32;
    let chunk = [b"IDAT", &piece[data..]].concat();
    let end = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82];
    [
        &piece[..data - 8],
        &length.to_be_bytes(),
        &chunk,
        &crc(&chunk),
        &end,
    ]
    .concat()
}

#[test]
fn a_png_without_its_last_data_is_not_taken_for_a_whole_one() {
    for channels in [1, 3, 4] {
        let file = encode_png(&Picture {
            width: WIDTH.into(),
            height: HEIGHT.into(),
            channels,
            data: pixels(channels),
        });
        let data = file.windows(4).position(|window| window == b"IDAT");
        let data = data.expect("a PNG has data") + 4;
        assert_eq!(end_png(&file[..file.len() - 16], data), file, "one chunk");
        let pieces = cuts(&file[..file.len() - 16]).filter(|piece| piece.len() > data);
        check("PNG", &file, pieces.map(|piece| end_png(piece, data)));
    }
}

/// Ends a WebP that was cut: its lengths, of the file and of its only chunk, become those of what is left.
fn end_webp(piece: &[u8]) -> Vec<u8> {
    let mut ended = piece[..piece.len() & !1].to_vec();
    let length = ended.len() as u32;
    ended[4..8].copy_from_slice(&(length - 8).to_le_bytes());
    ended[16..20].copy_from_slice(&(length - 20).to_le_bytes());
    ended
}

#[test]
fn a_webp_without_its_last_data_is_not_taken_for_a_whole_one() {
    let source = encode_png(&Picture {
        width: WIDTH.into(),
        height: HEIGHT.into(),
        channels: 3,
        data: pixels(3),
    });
    let mut outputs = vec![Output::WebPLossless];
    if cfg!(feature = "webp") {
        outputs.push(Output::WebP);
    }
    for output in outputs {
        let options = Options {
            output,
            ..Options::new(Size::new(WIDTH.into(), HEIGHT.into()))
        };
        let file = resize(&source, &options).expect("a good file").bytes;
        check(&format!("{output:?}"), &file, cuts(&file).map(end_webp));
    }
}
