//! How results are named, so that no two images of a directory share a result.
//!
//! `photo.jpg` becomes `photo-256x256.jpg`: the stem, the box, and the extension of the *encoded* format. Where that
//! would give two images of one directory the same name (`photo.jpg` and `photo.jpeg`; or `photo.jpg` and a JPEG that
//! is called `photo.png`), each of them keeps its whole name instead: `photo.jpg-256x256.jpg` and
//! `photo.jpeg-256x256.jpg`. The rule looks at the names and formats in one directory only, never at the order in which
//! they are found, so every run gives the same names.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};

use imaging::{Bounds, Format};

/// What comes before the size in the name of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// The name of the image without its extension.
    Stem,
    /// The whole name of the image, because another one has the same stem and format.
    WholeName,
}

/// Tells which of the files of one directory could compete for the name of a result, by their names alone.
///
/// The images among them must go through [`bases`] together; any other image has [`Base::Stem`] for itself. So only
/// these few must be opened before the first image of a large directory can be sent.
pub(crate) fn contested(names: &[OsString]) -> Vec<bool> {
    let mut stems: HashMap<&OsStr, u32> = HashMap::new();
    for name in names {
        *stems.entry(stem(name)).or_default() += 1;
    }
    let whole_names: HashSet<&OsStr> = names.iter().map(OsString::as_os_str).collect();
    let competes = |name: &OsString| {
        let stem = stem(name);
        stems[stem] > 1 || (stem != name.as_os_str() && whole_names.contains(stem))
    };
    names.iter().map(competes).collect()
}

/// Chooses the base of each contested image of one directory, in the order given; with each comes the format of its result.
pub(crate) fn bases(images: &[(OsString, Format)]) -> Vec<Base> {
    let mut stems: HashMap<(&OsStr, Format), u32> = HashMap::new();
    for (name, format) in images {
        *stems.entry((stem(name), *format)).or_default() += 1;
    }
    let mut bases: Vec<Base> = Vec::with_capacity(images.len());
    let mut whole_names: HashSet<(&OsStr, Format)> = HashSet::new();
    for (name, format) in images {
        let is_shared = stems[&(stem(name), *format)] > 1;
        bases.push(if is_shared {
            Base::WholeName
        } else {
            Base::Stem
        });
        if is_shared {
            whole_names.insert((name, *format));
        }
    }
    // A stem can equal a whole name (`photo.jpeg.jpg` beside `photo.jpeg`): then its owner keeps its whole name too,
    // which may in turn be somebody's stem. Each round moves at least one image, so there are at most that many.
    loop {
        let mut moved = false;
        for ((name, format), base) in images.iter().zip(&mut bases) {
            if *base == Base::Stem && whole_names.contains(&(stem(name), *format)) {
                *base = Base::WholeName;
                moved |= whole_names.insert((name, *format));
            }
        }
        if !moved {
            return bases;
        }
    }
}

/// The name of a result: `name` is that of the image, `format` the one the result is encoded in.
pub(crate) fn result_name(name: &OsStr, base: Base, bounds: Bounds, format: Format) -> OsString {
    let mut result = match base {
        Base::Stem => stem(name).to_owned(),
        Base::WholeName => name.to_owned(),
    };
    result.push(format!("-{bounds}.{}", format.extension()));
    result
}

/// The name without its extension; a leading dot begins no extension.
fn stem(name: &OsStr) -> &OsStr {
    std::path::Path::new(name).file_stem().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the results of a directory, found as the scan finds them.
    fn results(images: &[(OsString, Format)]) -> Vec<OsString> {
        let names: Vec<_> = images.iter().map(|(name, _)| name.clone()).collect();
        let contested = contested(&names);
        let rivals: Vec<_> = images
            .iter()
            .zip(&contested)
            .filter(|(_, contested)| **contested)
            .collect();
        let rivals: Vec<_> = rivals.into_iter().map(|(image, _)| image.clone()).collect();
        let mut bases = bases(&rivals).into_iter();
        let size = "256x256".parse().unwrap();
        let result = |((name, format), contested): (&(OsString, Format), bool)| {
            let base = if contested {
                bases.next().unwrap()
            } else {
                Base::Stem
            };
            result_name(name, base, size, *format)
        };
        images.iter().zip(contested).map(result).collect()
    }

    fn check<const N: usize>(images: [(&str, Format); N], expected: [&str; N]) {
        let images = images.map(|(name, format)| (OsString::from(name), format));
        assert_eq!(results(&images), expected);
    }

    #[test]
    fn an_image_is_named_after_its_stem_its_size_and_its_format() {
        check(
            [
                ("cat.JPG", Format::Jpeg),
                ("dog", Format::Png),
                (".hidden", Format::Jpeg),
                ("a.b.c", Format::Png),
            ],
            [
                "cat-256x256.jpg",
                "dog-256x256.png",
                ".hidden-256x256.jpg",
                "a.b-256x256.png",
            ],
        );
    }

    #[test]
    fn the_extension_follows_the_content() {
        check([("liar.png", Format::Jpeg)], ["liar-256x256.jpg"]);
    }

    #[test]
    fn images_of_one_stem_but_different_formats_do_not_collide() {
        check(
            [("photo.jpg", Format::Jpeg), ("photo.png", Format::Png)],
            ["photo-256x256.jpg", "photo-256x256.png"],
        );
    }

    #[test]
    fn images_of_one_stem_and_format_keep_their_whole_names() {
        check(
            [
                ("a.jpeg", Format::Jpeg),
                ("a.jpg", Format::Jpeg),
                ("b.jpg", Format::Jpeg),
            ],
            ["a.jpeg-256x256.jpg", "a.jpg-256x256.jpg", "b-256x256.jpg"],
        );
    }

    #[test]
    fn a_stem_that_equals_a_whole_name_gives_way_again_and_again() {
        check(
            [
                ("a.jpeg", Format::Jpeg),
                ("a.jpeg.jpg", Format::Jpeg),
                ("a.jpeg.jpg.jpg", Format::Jpeg),
                ("a.jpg", Format::Jpeg),
            ],
            [
                "a.jpeg-256x256.jpg",
                "a.jpeg.jpg-256x256.jpg",
                "a.jpeg.jpg.jpg-256x256.jpg",
                "a.jpg-256x256.jpg",
            ],
        );
    }

    #[test]
    fn only_files_that_could_collide_are_opened_early() {
        let names = ["a.cr2", "a.jpg", "b.jpg", "c.jpg.jpg", "c.jpg", "d"].map(OsString::from);
        assert_eq!(contested(&names), [true, true, false, true, false, false]);
    }

    #[test]
    fn no_two_images_of_a_directory_ever_share_a_result() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..2_000 {
            let mut names = HashSet::new();
            for _ in 0..random.usize(1..12) {
                let parts =
                    (0..random.usize(1..5)).map(|_| *random.choice(&["a", "jpg", "png"]).unwrap());
                names.insert(OsString::from(parts.collect::<Vec<_>>().join(".")));
            }
            let format = |random: &mut fastrand::Rng| {
                if random.bool() {
                    Format::Jpeg
                } else {
                    Format::Png
                }
            };
            let images: Vec<_> = names
                .into_iter()
                .map(|name| (name, format(&mut random)))
                .collect();
            let results = results(&images);
            let distinct: HashSet<_> = results.iter().collect();
            assert_eq!(
                distinct.len(),
                images.len(),
                "seed {seed}: {images:?} gives {results:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_is_kept_byte_for_byte() {
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        let name = OsString::from_vec(b"caf\xe9.jpg".to_vec());
        let result = result_name(&name, Base::Stem, "4x4".parse().unwrap(), Format::Jpeg);
        assert_eq!(result.as_bytes(), b"caf\xe9-4x4.jpg");
    }
}
