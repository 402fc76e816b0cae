//! Real files: photos, and what other projects test their decoders with.
//!
//! `crates/imaging/scripts/corpora.sh` brings them, and what libvips makes of them. Without it each test here says that it is skipped.

mod files;

use imaging::{
    Bounds, Format, Gravity, Header, ImageError, Limits, Mode, Options, Orientation, Output,
    Resized, Shrink, Size, inspect, resize, resize_each,
};

use self::files::{File, for_each};
use crate::picture::Picture;
use crate::quality::score;
use crate::reference::{Side, psnr, scale, to_bytes};

/// Points of SSIMULACRA2 that libvips may be ahead.
const POINTS_BEHIND_MAX: f64 = 1.0;

/// How many of the bytes of libvips a thumbnail with loss may take; without it, that depends on how hard each tries.
const SAME_SIZE: f64 = 1.05;

/// Every way into a box, of shapes that leave odd numbers over.
fn ways() -> Vec<Options> {
    let boxes = [(256, 256), (1, 1), (33, 100), (5000, 7)];
    let fits = boxes.map(|(width, height)| Options::new(Size::new(width, height)));
    let modes = [
        (Mode::Fill(Gravity::East), Size::new(64, 48)),
        (Mode::Pad(Gravity::North), Size::new(50, 71)),
        (Mode::Exact, Size::new(9, 31)),
    ];
    let modes = modes.map(|(mode, size)| Options {
        mode,
        ..Options::new(size)
    });
    [&fits[..], &modes].concat()
}

/// The size of a result, by the rules alone.
fn expected(options: &Options, picture: Size) -> Size {
    let bounds = Size::new(
        options.bounds.width.unwrap_or(picture.width),
        options.bounds.height.unwrap_or(picture.height),
    );
    let within = Size::new(
        bounds.width.min(picture.width),
        bounds.height.min(picture.height),
    );
    match options.mode {
        Mode::Fit => {
            let [width, height] = [picture.width, picture.height].map(f64::from);
            let ratio = (f64::from(bounds.width) / width).min(f64::from(bounds.height) / height);
            let side = |side: f64| ((side * ratio.min(1.0)).round() as u32).max(1);
            Size::new(side(width), side(height))
        }
        Mode::Pad(_) => bounds,
        Mode::Fill(_) | Mode::Exact => within,
    }
}

fn check_fits(file: &File, options: &Options, made: &Resized) {
    let name = &file.name;
    let picture = made.source.upright_size();
    let asked = expected(options, picture);
    assert_eq!(
        (made.width, made.height),
        (asked.width, asked.height),
        "{name} {picture}"
    );
    let written = inspect(&made.bytes, &options.limits).expect("what was written can be read");
    assert_eq!(written.upright_size(), asked, "{name}");
    assert_eq!(written.orientation, Orientation::Upright, "{name}");
    assert_eq!(written.format, made.format, "{name}");
}

#[test]
fn every_file_fits_into_every_box_or_is_refused_with_a_reason() {
    let said = for_each(150_000_000, |file| {
        let ways = ways();
        match resize_each(&file.bytes, &ways, &|| false) {
            Ok(results) => {
                for (options, made) in ways.iter().zip(&results) {
                    check_fits(file, options, made);
                }
                true
            }
            Err(error) => {
                assert!(is_refusal(&error), "{}: {error}", file.name);
                println!("{}: {}", file.name, chain(&error));
                false
            }
        }
    });
    println!("{said}");
}

/// Whether the error is about the file.
fn is_refusal(error: &ImageError) -> bool {
    !matches!(
        error,
        ImageError::Panicked { .. }
            | ImageError::Encode { .. }
            | ImageError::Scale(_)
            | ImageError::Stopped
    )
}

fn chain(error: &ImageError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Reads a file as it is shown: all of its pixels, upright and in sRGB.
fn decode(file: &File) -> Result<Picture, ImageError> {
    let options = Options {
        output: Output::Png,
        shrink: Shrink::Off,
        ..Options::new(Bounds::OPEN)
    };
    Ok(Picture::decode(&resize(&file.bytes, &options)?.bytes))
}

/// Red, green, blue and opacity of each pixel, and the colours of what is not seen in black.
fn as_seen(picture: &Picture) -> Picture {
    let pixels = picture.pixels().map(|pixel| match *pixel {
        [gray] => [gray, gray, gray, 255],
        [gray, opacity] => [gray, gray, gray, opacity],
        [red, green, blue] => [red, green, blue, 255],
        [red, green, blue, opacity] => [red, green, blue, opacity],
        _ => unreachable!("{} channels", picture.channels),
    });
    let seen = pixels.map(|[red, green, blue, opacity]| match opacity {
        0 => [0; 4],
        _ => [red, green, blue, opacity],
    });
    Picture {
        channels: 4,
        data: seen.flatten().collect(),
        ..*picture
    }
}

/// Files that are read otherwise than by libvips or Pillow, and why.
const READ_OTHERWISE: [(&str, &str); 16] = [
    ("/video-001.cmyk.jpeg", INKS),
    ("/pil_sample_cmyk.jpg", INKS),
    ("_cmyk_jpeg.tif", INKS),
    ("_cmyk_16l_jpeg.tif", INKS),
    (".410.jpeg", COARSE),
    (".411.jpeg", COARSE),
    (
        "/app13.jpg",
        "libjpeg does not interpolate the two columns of colours that it has",
    ),
    (
        "/hopper_bad_exif.jpg",
        "its coefficients are far out of range, and decoders cut them off at different places",
    ),
    (
        "/pil136.tiff",
        "a JPEG within a TIFF, whose colours are not interpolated",
    ),
    (
        "/page.png",
        "libvips leaves a gray profile alone; lcms does as we do",
    ),
    ("/hopper_ps.webp", "its profile, by another engine"),
    ("_16bit_RGBa.tiff", "libvips takes its 16 bits for 8"),
    ("/1_trns.png", "its transparent gray does not exist"),
    (
        "/mmap_error.bmp",
        "its pixels are said to begin within its palette",
    ),
    ("/pal4rletrns.bmp", SKIPPED),
    ("/pal8rletrns.bmp", SKIPPED),
];
const INKS: &str = "without a profile, libvips takes inks for those of its own";
const COARSE: &str = "libjpeg does not interpolate colours that are so coarse";
const SKIPPED: &str = "pixels that it skips are transparent or black";

/// What others read and we refuse as damaged, and why.
const REFUSED: [(&str, &str); 9] = [
    ("/invalid-noend.png", "it lacks its end"),
    ("/invalid-trunc.png", "it lacks its end"),
    ("/images/apng/", "a wrong animation behind a good picture"),
    ("/bmp/b/", "wrong, by the name of its folder"),
    ("/hopper_bigtiff.tif", "another format, by its first bytes"),
    (
        "/multipage_single_frame_loop.tiff",
        "its directories are a ring",
    ),
    ("/no_palette.gif", "it has no colours"),
    ("/tiff_wrong_bits_per_sample", "by its name"),
    ("/rletopdown.bmp", "a combination that the format rules out"),
];

fn is_lossy(source: &Header) -> bool {
    match source.format {
        Format::Jpeg => true,
        Format::WebP => !source.lossless,
        _ => false,
    }
}

fn is_among(file: &File, names: &[(&str, &str)]) -> bool {
    names.iter().any(|(part, _)| file.name.contains(part))
}

/// Decibels between what is read of a picture with loss here and there: mostly less than a step.
const LOSSY_PSNR_MIN: f64 = 50.0;

/// Steps between what is read of others: 16 bits are rounded or cut off, profiles are rounded.
const LOSSLESS_STEPS_MAX: u8 = 2;

#[test]
fn what_libvips_reads_is_read_alike() {
    let said = for_each(150_000_000, |file| {
        let Some(theirs) = file.decoded() else {
            return false;
        };
        let ours = match decode(file) {
            Ok(ours) => as_seen(&ours),
            Err(error) => {
                let is_known = matches!(error, ImageError::Unsupported { .. });
                let said = chain(&error);
                assert!(
                    is_known || is_among(file, &REFUSED),
                    "{}: {said}",
                    file.name
                );
                return false;
            }
        };
        let theirs = as_seen(&theirs);
        assert_eq!(
            (ours.width, ours.height),
            (theirs.width, theirs.height),
            "{}",
            file.name
        );
        let source = inspect(&file.bytes, &Limits::default()).expect("it was just read");
        let (steps, psnr) = (ours.furthest(&theirs), psnr(&ours, &theirs));
        let is_alike = match is_lossy(&source) {
            true => psnr >= LOSSY_PSNR_MIN,
            false => steps <= LOSSLESS_STEPS_MAX,
        };
        assert!(
            is_alike || is_among(file, &READ_OTHERWISE),
            "{}: {steps} steps, {psnr:.1} dB",
            file.name
        );
        is_alike
    });
    println!("{said}");
}

#[test]
fn thumbnails_of_photos_are_as_good_as_those_of_libvips() {
    let said = for_each(30_000_000, |file| {
        let Some(theirs) = file.thumbnail() else {
            return false;
        };
        let whole = decode(file).expect("libvips takes it for a photo");
        let score_of = |made: &[u8]| {
            let made = Picture::decode(made);
            let sides = [
                Side::whole(whole.width, made.width),
                Side::whole(whole.height, made.height),
            ];
            score(
                &as_colours(&to_bytes(&scale(&whole, sides))),
                &as_colours(&made),
            )
        };
        let ours = resize(&file.bytes, &Options::new(Size::new(256, 256)))
            .expect("it was just read")
            .bytes;
        let scores = [score_of(&ours), score_of(&theirs)];
        assert!(
            scores[0] >= scores[1] - POINTS_BEHIND_MAX,
            "{}: {scores:.1?}",
            file.name
        );
        let sizes = [ours.len(), theirs.len()].map(|bytes| bytes as f64);
        // A build without libwebp writes a WebP without loss.
        let is_lossy = [&file.bytes, &ours].iter().all(|bytes| {
            let header = inspect(bytes, &Limits::default());
            is_lossy(&header.expect("it was just read"))
        });
        assert!(
            !is_lossy || sizes[0] <= sizes[1] * SAME_SIZE,
            "{}: {sizes:?} bytes",
            file.name
        );
        is_lossy
    });
    println!("{said}");
}

/// Red, green and blue of each pixel.
fn as_colours(picture: &Picture) -> Picture {
    let seen = as_seen(picture);
    Picture {
        channels: 3,
        data: seen
            .pixels()
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect(),
        ..seen
    }
}
