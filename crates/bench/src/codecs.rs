//! Which codecs and which scaler make thumbnails of photographs fastest, and what the choice costs in bytes
//! and in fidelity.
//!
//! The answer is in `docs/decisions/002-jpeg-codecs.md`.

pub(crate) mod contenders;
mod photos;
mod table;

use std::path::Path;

use anyhow::Result;
use imaging::{Format, Options, QUALITY_DEFAULT, Size};

use self::contenders::Picture;
use self::photos::Photo;
pub(crate) use self::table::Table;
use crate::rounds::{contender, interleaved};

/// Measures on the photos in `folder`. In each table the first column is what was chosen.
pub(crate) fn run(folder: &Path, quick: bool) -> Result<Vec<Table>> {
    let photos = photos::read(folder, quick)?;
    let (jpegs, pngs): (Vec<_>, Vec<_>) = photos
        .into_iter()
        .partition(|photo| photo.format == Format::Jpeg);
    let rounds = if quick { 3 } else { 9 };
    let mut tables = Vec::new();
    for shrink in [1, 2, 4, 8] {
        tables.push(thumbnails(&jpegs, shrink, rounds)?);
    }
    tables.push(scaling(&jpegs, rounds)?);
    for side in [256, 1024] {
        tables.extend(jpeg_encoding(&jpegs, side, rounds)?);
    }
    for side in [256, 1024] {
        tables.extend(png_encoding(&pngs, side, rounds)?);
    }
    tables.push(whole(&jpegs, rounds)?);
    tables.push(whole(&pngs, rounds)?);
    Ok(tables)
}

/// From the bytes of a JPEG to the pixels of a thumbnail, for one factor that a decoder can shrink by.
fn thumbnails(photos: &[Photo], shrink: u32, rounds: usize) -> Result<Table> {
    let wanted = shrink * 3;
    let mut table = Table::new(format!(
        "JPEG to pixels of a thumbnail of 1/{wanted} of each side, so 1/n is 1/{shrink}; ms"
    ));
    for photo in photos {
        let jpeg = &photo.bytes;
        let finish =
            |decoded: Picture| contenders::fast_image_resize(&decoded, photo.divided(wanted));
        let contenders = [
            contender("libjpeg 1/n", || finish(contenders::libjpeg(jpeg, shrink)?)),
            contender("jpeg-decoder 1/n", || {
                finish(contenders::jpeg_decoder(jpeg, shrink)?)
            }),
            contender("zune-jpeg full", || finish(contenders::zune(jpeg)?)),
            contender("libjpeg full", || finish(contenders::libjpeg(jpeg, 1)?)),
        ];
        table.times(photo, &interleaved(rounds, &contenders)?);
    }
    Ok(table)
}

fn scaling(photos: &[Photo], rounds: usize) -> Result<Table> {
    let mut table = Table::new("Lanczos3 from the full picture to 1/4 of each side; ms");
    for photo in photos {
        let rgb = contenders::zune(&photo.bytes)?;
        let rgba = rgb.with_alpha();
        let to = photo.divided(4);
        let contenders = [
            contender("fir RGB", || contenders::fast_image_resize(&rgb, to)),
            contender("p-s-s RGB", || contenders::pic_scale_safe(&rgb, to)),
            contender("fir RGBA", || contenders::fast_image_resize(&rgba, to)),
            contender("p-s-s RGBA", || contenders::pic_scale_safe(&rgba, to)),
        ];
        table.times(photo, &interleaved(rounds, &contenders)?);
    }
    Ok(table)
}

/// Three tables of the same runs: time, bytes and fidelity.
fn jpeg_encoding(photos: &[Photo], side: u32, rounds: usize) -> Result<[Table; 3]> {
    const QUALITY: u8 = QUALITY_DEFAULT;
    let title = format!("JPEG that fits {side}x{side}, quality {QUALITY}, 4:2:0");
    let [mut times, mut sizes, mut fidelity] =
        ["ms", "kB", "PSNR in dB"].map(|unit| Table::new(format!("{title}; {unit}")));
    for photo in photos {
        let size = Size::new(side, side).fit(photo.size);
        let picture = contenders::fast_image_resize(&contenders::zune(&photo.bytes)?, size)?;
        let contenders = [
            contender("jpeg-encoder", || {
                contenders::jpeg_encoder(&picture, QUALITY, false)
            }),
            contender("jpeg-encoder opt", || {
                contenders::jpeg_encoder(&picture, QUALITY, true)
            }),
            contender("libjpeg", || {
                contenders::libjpeg_encoder(&picture, QUALITY, false)
            }),
            contender("libjpeg opt", || {
                contenders::libjpeg_encoder(&picture, QUALITY, true)
            }),
        ];
        let timed = interleaved(rounds, &contenders)?;
        times.times(photo, &timed);
        sizes.values(photo, &timed, |bytes| Ok(bytes.len() as f64 / 1e3))?;
        fidelity.values(photo, &timed, |jpeg| {
            Ok(picture.psnr(&contenders::libjpeg(jpeg, 1)?))
        })?;
    }
    Ok([times, sizes, fidelity])
}

/// Two tables of the same runs: time and bytes.
fn png_encoding(photos: &[Photo], side: u32, rounds: usize) -> Result<[Table; 2]> {
    let [mut times, mut sizes] =
        ["ms", "kB"].map(|unit| Table::new(format!("PNG that fits {side}x{side}; {unit}")));
    for photo in photos {
        let size = Size::new(side, side).fit(photo.size);
        let picture = contenders::fast_image_resize(&contenders::decode_png(&photo.bytes)?, size)?;
        let contenders = [
            contender("ultra fast", || contenders::png(&picture, None)),
            contender("level 1", || contenders::png(&picture, Some(1))),
            contender("level 2", || contenders::png(&picture, Some(2))),
            contender("level 4", || contenders::png(&picture, Some(4))),
            contender("level 6", || contenders::png(&picture, Some(6))),
        ];
        let timed = interleaved(rounds, &contenders)?;
        times.times(photo, &timed);
        sizes.values(photo, &timed, |bytes| Ok(bytes.len() as f64 / 1e3))?;
    }
    Ok([times, sizes])
}

/// What a user of the engine gets.
fn whole(photos: &[Photo], rounds: usize) -> Result<Table> {
    let mut table = Table::new("imaging::resize, bytes to bytes; ms");
    for photo in photos {
        let to = |side| {
            let options = Options::new(Size::new(side, side));
            move || Ok(imaging::resize(&photo.bytes, &options)?)
        };
        let contenders = [
            contender("to 256x256", to(256)),
            contender("to 512x512", to(512)),
            contender("to 1920x1920", to(1920)),
        ];
        table.times(photo, &interleaved(rounds, &contenders)?);
    }
    Ok(table)
}
