//! The photos that are measured on: a few of each kind and size.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use imaging::{Format, Limits, Orientation, QUALITY_DEFAULT};

/// Kinds and sizes as the script makes them, a folder each.
const FOLDERS: [&str; 8] = [
    "jpeg-12mp",
    "jpeg-2mp",
    "png-12mp",
    "png-2mp",
    "webp-12mp",
    "webp-2mp",
    "avif-12mp",
    "avif-2mp",
];

/// What a quick run leaves out: they take longest.
const NOT_QUICK: [&str; 4] = ["png-12mp", "webp-12mp", "avif-12mp", "avif-2mp"];

/// The extension of AVIF, and how its corpora begin.
pub(crate) const AVIF: &str = "avif";

/// The photos that come with this repository: what there is without the script.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");

/// Samples that are gray, or in colours other than sRGB: the references know neither.
const NOT_PLAIN: [&str; 2] = ["camera-gray", "rocket"];

/// The quality that libvips and sharp are given for WebP: the default of sharp. Ours has a default of its own, which gives as many bytes.
const WEBP_QUALITY: u8 = 80;

/// Photos of one format and about one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Corpus {
    pub(crate) name: String,
    pub(crate) photos: Vec<PathBuf>,
}

impl Corpus {
    /// The extension of the photos.
    pub(crate) fn extension(&self) -> &'static str {
        match self.name.split('-').next() {
            Some("png") => "png",
            Some("webp") => "webp",
            Some(AVIF) => AVIF,
            _ => "jpg",
        }
    }

    /// The extension of their thumbnails: that of the photos, but for AVIF. Its encoders would take most of the time, each at a
    /// price of its own for as many bytes.
    pub(crate) fn made(&self) -> &'static str {
        match self.extension() {
            AVIF => "jpg",
            extension => extension,
        }
    }

    /// The quality at which thumbnails are encoded; a PNG has none.
    pub(crate) fn quality(&self) -> u8 {
        match self.extension() {
            "webp" => WEBP_QUALITY,
            _ => QUALITY_DEFAULT,
        }
    }
}

/// The corpora in a folder, or without one those that the samples make up.
pub(crate) fn read(folder: &Path, quick: bool) -> Result<Vec<Corpus>> {
    if !folder.is_dir() {
        return samples();
    }
    let wanted = FOLDERS
        .iter()
        .filter(|name| !(quick && NOT_QUICK.contains(name)))
        .filter(|name| cfg!(feature = "avif") || !name.starts_with(AVIF));
    wanted
        .map(|&name| {
            let mut photos = files(&folder.join(name))?;
            photos.truncate(if quick { 1 } else { usize::MAX });
            ensure!(!photos.is_empty(), "no photos in {name}");
            let name = name.to_owned();
            Ok(Corpus { name, photos })
        })
        .collect()
}

fn samples() -> Result<Vec<Corpus>> {
    let files = files(Path::new(SAMPLES))?;
    let of_format = |format, name: &str| {
        let photos = files.iter().filter(|file| is_plain(file, format));
        Corpus {
            name: name.to_owned(),
            photos: photos.cloned().collect(),
        }
    };
    Ok(vec![
        of_format(Format::Jpeg, "jpeg-samples"),
        of_format(Format::Png, "png-samples"),
    ])
}

/// Everything in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut files: Vec<_> = entries
        .map(|entry| Ok(std::path::absolute(entry?.path())?))
        .collect::<Result<_>>()?;
    files.sort();
    Ok(files)
}

/// Whether it is of that format and a reference can be made of it.
fn is_plain(file: &Path, format: Format) -> bool {
    let name = file.to_string_lossy();
    if NOT_PLAIN.iter().any(|other| name.contains(other)) {
        return false;
    }
    let Ok(bytes) = fs::read(file) else {
        return false;
    };
    imaging::inspect(&bytes, &Limits::default())
        .is_ok_and(|header| header.format == format && header.orientation == Orientation::Upright)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_corpora_there_are_the_samples() {
        let corpora = read(Path::new("/nowhere"), true).unwrap();
        let counts = corpora.iter().map(|corpus| corpus.photos.len());
        assert_eq!(counts.collect::<Vec<_>>(), [4, 1]);
    }

    #[test]
    fn a_quick_run_has_fewer_corpora_and_photos() {
        let folder = tempfile::tempdir().unwrap();
        for name in FOLDERS {
            fs::create_dir(folder.path().join(name)).unwrap();
            for photo in ["b", "a", "c"] {
                fs::write(folder.path().join(name).join(photo), "").unwrap();
            }
        }
        let shape = |quick| {
            let corpora = read(folder.path(), quick).unwrap();
            (corpora.len(), corpora[0].photos.len())
        };
        let all = if cfg!(feature = "avif") { 8 } else { 6 };
        assert_eq!((shape(true), shape(false)), ((4, 1), (all, 3)));
    }

    #[test]
    fn the_name_of_a_corpus_says_its_format() {
        let of = |name: &str| Corpus {
            name: name.to_owned(),
            photos: Vec::new(),
        };
        assert_eq!(of("png-2mp").extension(), "png");
        assert_eq!(of("jpeg-samples").extension(), "jpg");
        let avif = of("avif-2mp");
        assert_eq!((avif.extension(), avif.made()), ("avif", "jpg"));
        assert_eq!(of("webp-2mp").made(), "webp");
        assert_eq!(
            (of("webp-2mp").quality(), of("jpeg-2mp").quality()),
            (80, 82)
        );
    }
}
