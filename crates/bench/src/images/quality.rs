//! How close thumbnails are to the reference: SSIMULACRA2, which says 100 of equal pictures and 90 of those that cannot be told
//! apart when one flips between them.

use std::{
    collections::HashMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use image_webp::WebPDecoder;
use imaging::Format;
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, Xyb, compute_frame_ssimulacra2};

use super::reference::{Picture, scale};
use crate::codecs::contenders;

/// Scores thumbnails; keeps the references it has made, which are small.
#[derive(Default)]
pub(crate) struct Scorer {
    references: HashMap<(PathBuf, usize, usize), Picture>,
    /// The photo that was decoded last.
    decoded: Option<(PathBuf, Picture)>,
}

impl Scorer {
    /// Scores a thumbnail against the fully decoded photo, scaled to the size of the thumbnail: peers may round sides
    /// differently.
    pub(crate) fn score(&mut self, photo: &Path, thumbnail: &Path) -> Result<f64> {
        let made = decode(thumbnail)?;
        let reference = self.reference(photo, &made)?;
        compute_frame_ssimulacra2(xyb(reference)?, xyb(&made)?).context("compare pictures")
    }

    fn reference(&mut self, photo: &Path, made: &Picture) -> Result<&Picture> {
        let key = (photo.to_owned(), made.width, made.height);
        if !self.references.contains_key(&key) {
            let reference = scale(self.decoded(photo)?, made.width, made.height);
            self.references.insert(key.clone(), reference);
        }
        self.references.get(&key).context("it was just made")
    }

    fn decoded(&mut self, photo: &Path) -> Result<&Picture> {
        let known = self.decoded.take().filter(|(path, _)| path == photo);
        let decoded = match known {
            Some(known) => known,
            None => (photo.to_owned(), decode(photo)?),
        };
        Ok(&self.decoded.insert(decoded).1)
    }
}

fn xyb(picture: &Picture) -> Result<Xyb> {
    let (pixels, _) = picture.data.as_chunks::<3>();
    let rgb = Rgb::new(
        pixels
            .iter()
            .map(|pixel| pixel.map(|byte| f32::from(byte) / 255.0))
            .collect(),
        picture.width,
        picture.height,
        TransferCharacteristic::SRGB,
        ColorPrimaries::BT709,
    )?;
    Ok(Xyb::try_from(rgb)?)
}

/// Decodes at full size; a JPEG with libjpeg, whose numbers are those of every peer.
fn decode(file: &Path) -> Result<Picture> {
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let picture = match Format::detect(&bytes) {
        Some(Format::Jpeg) => contenders::libjpeg(&bytes, 1)?,
        Some(Format::Png) => contenders::decode_png(&bytes)?,
        Some(Format::WebP) => return decode_webp(&bytes),
        Some(Format::Avif) => return decode(&shown(file)),
        _ => bail!("{} is of no format that is compared", file.display()),
    };
    let contenders::Picture {
        width,
        height,
        data,
    } = picture;
    Ok(in_colours(width, height, data))
}

/// An AVIF as libavif shows it: the script has decoded it, because nobody here but our own engine does.
fn shown(avif: &Path) -> PathBuf {
    let mut folder = avif.parent().unwrap_or(avif).as_os_str().to_owned();
    folder.push("-shown");
    let name = avif.file_name().unwrap_or_default();
    Path::new(&folder).join(name).with_extension("png")
}

fn decode_webp(bytes: &[u8]) -> Result<Picture> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
    let length = decoder.output_buffer_size().context("a size")?;
    let mut data = vec![0; length];
    decoder.read_image(&mut data)?;
    let (width, height) = decoder.dimensions();
    Ok(in_colours(width as usize, height as usize, data))
}

/// Makes three channels of one to four. The photos are opaque, so opacity is dropped.
fn in_colours(width: usize, height: usize, data: Vec<u8>) -> Picture {
    let data = match data.len() / (width * height).max(1) {
        3 => data,
        channels => data
            .chunks_exact(channels.max(1))
            .flat_map(|pixel| match *pixel {
                [red, green, blue, _] => [red, green, blue],
                [gray, ..] => [gray; 3],
                [] => [0; 3],
            })
            .collect(),
    };
    Picture {
        width,
        height,
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/chelsea.png");

    #[test]
    fn our_thumbnail_scores_high_and_a_blurred_one_low() {
        let folder = tempfile::tempdir().unwrap();
        let thumbnail = folder.path().join("thumbnail.png");
        let photo = fs::read(PHOTO).unwrap();
        let made = |bytes: &[u8], side| {
            let options = imaging::Options {
                enlarge: imaging::Enlarge::Allowed,
                ..imaging::Options::new(imaging::Bounds::of_width(side))
            };
            imaging::resize(bytes, &options).unwrap().bytes
        };
        let mut scorer = Scorer::default();
        fs::write(&thumbnail, made(&photo, 150)).unwrap();
        let ours = scorer.score(Path::new(PHOTO), &thumbnail).unwrap();
        fs::write(&thumbnail, made(&made(&photo, 30), 150)).unwrap();
        let blurred = scorer.score(Path::new(PHOTO), &thumbnail).unwrap();
        assert!(ours > 95.0 && blurred < 70.0, "{ours} {blurred}");
    }

    #[test]
    fn what_an_avif_shows_lies_beside_it() {
        let shown = shown(Path::new("/photos/avif-2mp/dune.avif"));
        assert_eq!(shown, Path::new("/photos/avif-2mp-shown/dune.png"));
    }

    #[test]
    fn every_number_of_channels_becomes_three() {
        for (data, expected) in [
            (vec![7], [7, 7, 7]),
            (vec![7, 255], [7, 7, 7]),
            (vec![1, 2, 3], [1, 2, 3]),
            (vec![1, 2, 3, 255], [1, 2, 3]),
        ] {
            assert_eq!(in_colours(1, 1, data).data, expected);
        }
    }
}
