//! The files of the corpora.

use std::fs;
use std::path::{Path, PathBuf};

use imaging::{Limits, inspect};

use crate::picture::Picture;

/// Where the script puts everything.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../corpora");

/// Tests without optimisation look at so much less.
const SLOWER: u64 = if cfg!(debug_assertions) { 10 } else { 1 };

/// All packages.
const PACKAGES: [&str; 7] = [
    "golang-1.19-src",
    "golang-golang-x-image-dev",
    "gnome-backgrounds",
    "mate-backgrounds",
    "matplotlib",
    "pillow",
    "scikit-image",
];

/// A picture of a package.
pub(crate) struct File {
    /// Its path in the corpus.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    /// What libvips reads, upright and in sRGB, if it reads it and it is not large.
    pub(crate) fn decoded(&self) -> Option<Picture> {
        let path = format!("{FOLDER}/decoded/{}.png", self.name);
        Some(Picture::decode(&fs::read(path).ok()?))
    }

    /// The thumbnail that libvips makes in a box of 256x256, in the same format, if it is a photo.
    pub(crate) fn thumbnail(&self) -> Option<Vec<u8>> {
        fs::read(format!("{FOLDER}/thumbnails/{}", self.name)).ok()
    }
}

/// Calls `look` with files of which no package has more than so many pixels, and says how many of them it took for good. None at all
/// are a failure. Without corpora, says that it is skipped.
pub(crate) fn for_each(pixels_max: u64, mut look: impl FnMut(&File) -> bool) -> String {
    let root = Path::new(FOLDER).join("files");
    if !root.is_dir() {
        return format!("skipped: no {FOLDER}; crates/imaging/scripts/corpora.sh makes it");
    }
    let mut total = 0;
    let mut said = Vec::new();
    for package in PACKAGES {
        let mut paths = Vec::new();
        collect(&root.join(package), &mut paths);
        paths.sort();
        let (mut pixels, mut seen, mut good) = (0, 0, 0);
        for path in &paths {
            let bytes = fs::read(path).expect("a file that was just listed");
            let header = inspect(&bytes, &Limits::default());
            let more = header.map_or(0, |header| {
                u64::from(header.width) * u64::from(header.height)
            });
            if pixels + more > pixels_max / SLOWER {
                continue;
            }
            pixels += more;
            let name = path.strip_prefix(&root).expect("it lies below");
            let name = name.to_str().expect("names are plain").to_owned();
            seen += 1;
            good += u32::from(look(&File { name, bytes }));
        }
        said.push(format!(
            "{package}: {good} of {seen} files, {} in all",
            paths.len()
        ));
        total += good;
    }
    assert!(total > 0, "nothing was looked at");
    said.join("\n")
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the corpora") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}
