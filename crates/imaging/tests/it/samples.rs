//! The sample photographs of this repository, as a user would resize them.

use std::fs;
use std::path::{Path, PathBuf};

use imaging::{Format, Limits, Options, Size, inspect, resize};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");

pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

pub(crate) fn samples() -> Vec<PathBuf> {
    let mut photos: Vec<_> = fs::read_dir(FOLDER)
        .expect("the repository has samples")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "md"))
        .collect();
    photos.sort();
    photos
}

#[test]
fn every_sample_fits_into_every_box() {
    let photos = samples();
    assert!(photos.len() >= 8, "{photos:?}");
    for photo in photos {
        let input = fs::read(&photo).unwrap();
        let source = inspect(&input, &Limits::default()).unwrap();
        for side in [1, 33, 100, 256, 640, 5000] {
            let bounds = Size::new(side, side);
            let resized = resize(&input, &Options::new(bounds)).unwrap();
            let expected = bounds.fit(source.upright_size());
            let written = inspect(&resized.bytes, &Limits::default()).unwrap();
            assert_eq!(
                written.upright_size(),
                expected,
                "{} to {bounds}",
                photo.display()
            );
            assert_eq!(resized.source, source);
        }
    }
}

#[test]
fn the_portrait_is_stored_lying_and_comes_out_standing() {
    let photo = samples()
        .into_iter()
        .find(|path| path.ends_with("astronaut-portrait.jpg"));
    let input = fs::read(photo.unwrap()).unwrap();
    let resized = resize(&input, &Options::new(Size::new(256, 256))).unwrap();
    assert_eq!((resized.source.width, resized.source.height), (512, 384));
    assert_eq!((resized.width, resized.height), (192, 256));
    assert_eq!(resized.format, Format::Jpeg);
}
