//! The walk through the input directory, one directory at a time, in the order of the names.
//!
//! Images are recognized by content. Symbolic links are not followed, so no walk leaves the input directory or runs in
//! circles; they are counted. The output directory is passed over when it lies inside the input directory, and so are
//! the temporary files of a killed run.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use imaging::{Bounds, Format, Output};
use tokio::time::Instant;
use walkdir::{DirEntry, WalkDir};

use crate::config::Config;
use crate::failure::{Failure, FileError};
use crate::file;
use crate::name::{self, Base};
use crate::retry::Trouble;

/// One image that was found, and what has become of it so far.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Where it is, relative to the input directory.
    pub(crate) path: PathBuf,
    /// What its result is named after.
    pub(crate) base: Base,
    /// The format it is in.
    pub(crate) format: Format,
    /// The format that its result is to be in.
    planned: Format,
    /// What has gone wrong with it.
    pub(crate) trouble: Trouble,
    /// Not to be sent before this moment.
    pub(crate) not_before: Option<Instant>,
}

impl Image {
    fn new(path: PathBuf, base: Base, format: Format, output: Output) -> Self {
        Self {
            path,
            base,
            format,
            planned: output.format(format),
            trouble: Trouble::default(),
            not_before: None,
        }
    }

    /// Where its result goes, relative to the output directory, if it is encoded in `format`.
    pub(crate) fn target(&self, bounds: Bounds, format: Format) -> PathBuf {
        // A server that answers in another format than it was asked for breaks the plan of the names: then the whole name
        // keeps the results apart.
        let base = if format == self.planned {
            self.base
        } else {
            Base::WholeName
        };
        let name = self
            .path
            .file_name()
            .expect("an image was found under a name");
        self.path
            .with_file_name(name::result_name(name, base, bounds, format))
    }
}

/// What the scan comes across.
#[derive(Debug)]
pub(crate) enum Found {
    /// A directory whose files come next, relative to the input directory.
    Directory(PathBuf),
    /// An image to resize.
    Image(Image),
    /// A file that is no image.
    Other,
    /// A symbolic link, or something that is neither a file nor a directory.
    Special,
    /// Something that could not be looked at.
    Failed(Failure),
}

/// An iterator over everything in the input directory.
pub(crate) struct Scan {
    input: PathBuf,
    output: PathBuf,
    /// What images become.
    result: Output,
    walk: walkdir::IntoIter,
    /// What is left of the directory at hand.
    files: vec::IntoIter<File>,
}

/// A file of the directory at hand.
enum File {
    /// It has not been opened, and no other file competes with it for the name of its result.
    Unopened(PathBuf),
    /// It has been looked at.
    Found(Found),
}

impl Scan {
    /// Begins a walk through the input directory.
    pub(crate) fn new(config: &Config) -> Self {
        // The files of a directory come before its sub-directories, and so together.
        let order = |one: &DirEntry, other: &DirEntry| {
            let is_dir = |entry: &DirEntry| entry.file_type().is_dir();
            is_dir(one)
                .cmp(&is_dir(other))
                .then_with(|| one.file_name().cmp(other.file_name()))
        };
        let walk = WalkDir::new(&config.input)
            .follow_links(false)
            .sort_by(order)
            .into_iter();
        Self {
            input: config.input.clone(),
            output: config.output.clone(),
            result: config.options.output,
            walk,
            files: Vec::new().into_iter(),
        }
    }

    /// Lists the files up to the next directory; `None` at the end of the walk.
    fn list(&mut self) -> Option<Vec<File>> {
        let (mut names, mut files) = (Vec::new(), Vec::new());
        let mut is_over = true;
        while let Some(entry) = self.walk.next() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {
                    if entry.path() == self.output {
                        self.walk.skip_current_dir();
                    }
                    is_over = false;
                    break;
                }
                Ok(entry) if !entry.file_type().is_file() => {
                    files.push(File::Found(Found::Special));
                }
                Ok(entry) if file::is_temporary(entry.file_name()) => {}
                Ok(entry) => names.push(self.relative(entry.path())),
                Err(error) => files.push(File::Found(self.unlisted(error))),
            }
        }
        files.extend(
            names
                .first()
                .and_then(|name| name.parent())
                .map(|parent| File::Found(Found::Directory(parent.to_owned()))),
        );
        files.extend(self.open_contested(names));
        (!is_over || !files.is_empty()).then_some(files)
    }

    /// Opens those of the files of one directory that could compete for a name, and settles who gets which.
    fn open_contested(&self, paths: Vec<PathBuf>) -> Vec<File> {
        let names: Vec<_> = paths.iter().map(|path| file_name(path)).collect();
        let contested = name::contested(&names);
        let opened: Vec<_> = paths
            .iter()
            .zip(contested)
            .map(|(path, open)| open.then(|| self.detect(path)))
            .collect();
        let rivals: Vec<_> = names
            .into_iter()
            .zip(&opened)
            .filter_map(|(name, format)| {
                let format = format.as_ref()?.as_ref().ok()?.as_ref()?;
                Some((name, self.result.format(*format)))
            })
            .collect();
        let mut bases = name::bases(&rivals).into_iter();
        let file = |(path, format): (PathBuf, Option<io::Result<Option<Format>>>)| match format {
            None => File::Unopened(path),
            Some(Ok(Some(format))) => {
                let base = bases.next().expect("each rival has a base");
                File::Found(Found::Image(Image::new(path, base, format, self.result)))
            }
            Some(other) => File::Found(self.found(path, other)),
        };
        paths.into_iter().zip(opened).map(file).collect()
    }

    fn detect(&self, path: &Path) -> io::Result<Option<Format>> {
        file::detect(&self.input.join(path))
    }

    /// What a file without rivals is.
    fn found(&self, path: PathBuf, format: io::Result<Option<Format>>) -> Found {
        match format {
            Ok(Some(format)) => Found::Image(Image::new(path, Base::Stem, format, self.result)),
            Ok(None) => Found::Other,
            Err(error) => Found::Failed(Failure::new(&path, &FileError::Read(error))),
        }
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.input).unwrap_or(path).to_owned()
    }

    fn unlisted(&self, error: walkdir::Error) -> Found {
        let path = self.relative(error.path().unwrap_or(&self.input));
        // What the system said, without the path once more. It is a loop otherwise, which a walk that follows no links does not find.
        let source = error
            .into_io_error()
            .unwrap_or_else(|| io::Error::other("a loop of directories"));
        Found::Failed(Failure::new(&path, &FileError::List(source)))
    }
}

impl Iterator for Scan {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            match self.files.next() {
                Some(File::Found(found)) => return Some(found),
                Some(File::Unopened(path)) => {
                    let format = self.detect(&path);
                    return Some(self.found(path, format));
                }
                None => self.files = self.list()?.into_iter(),
            }
        }
    }
}

fn file_name(path: &Path) -> OsString {
    path.file_name()
        .expect("a directory entry has a name")
        .to_owned()
}

/// An image for the tests of those who pass images on without opening them.
#[cfg(test)]
pub(crate) fn image(path: &str) -> Image {
    Image::new(PathBuf::from(path), Base::Stem, Format::Jpeg, Output::Same)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0 and so on";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";
    const GIF: &[u8] = b"GIF89a and so on";

    /// Lays out the files, scans, and lists the images with the names of their results, and the rest.
    fn check(output: &str, files: &[(&str, &[u8])], expected: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join("in").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let size = "8x8".parse().unwrap();
        let config = Config::new(&root.path().join("in"), &root.path().join(output), size).unwrap();
        let found: Vec<_> = Scan::new(&config)
            .filter_map(|found| show(&found, size))
            .collect();
        assert_eq!(found, expected);
    }

    fn show(found: &Found, size: imaging::Size) -> Option<String> {
        match found {
            Found::Directory(_) => None,
            Found::Image(image) => Some(format!(
                "{} -> {}",
                image.path.display(),
                image.target(size.into(), image.format.written()).display()
            )),
            Found::Other => Some("other".to_owned()),
            Found::Special => Some("special".to_owned()),
            Found::Failed(failure) => Some(failure.path.display().to_string()),
        }
    }

    #[test]
    fn images_are_found_by_content_in_the_order_of_their_names() {
        check(
            "out",
            &[
                ("b/2.jpg", PNG),
                ("b/1", JPEG),
                ("a.txt", b"a.jpg"),
                ("z.jpg", JPEG),
                ("empty.png", b""),
            ],
            &[
                "other",
                "other",
                "z.jpg -> z-8x8.jpg",
                "b/1 -> b/1-8x8.jpg",
                "b/2.jpg -> b/2-8x8.png",
            ],
        );
    }

    #[test]
    fn a_gif_competes_with_what_it_becomes() {
        check(
            "out",
            &[
                ("a.gif", GIF),
                ("a.png", PNG),
                ("b.gif", GIF),
                ("b.jpg", JPEG),
            ],
            &[
                "a.gif -> a.gif-8x8.png",
                "a.png -> a.png-8x8.png",
                "b.gif -> b-8x8.png",
                "b.jpg -> b-8x8.jpg",
            ],
        );
    }

    #[test]
    fn an_output_directory_inside_the_input_directory_is_passed_over() {
        let files: [(&str, &[u8]); 3] = [
            ("1.jpg", JPEG),
            ("thumbs/1-8x8.jpg", JPEG),
            ("thumbs2/2.jpg", JPEG),
        ];
        check(
            "in/thumbs",
            &files,
            &["1.jpg -> 1-8x8.jpg", "thumbs2/2.jpg -> thumbs2/2-8x8.jpg"],
        );
    }

    #[test]
    fn leftovers_of_a_killed_run_are_passed_over() {
        check(
            "out",
            &[(".resize-x1y2.tmp", JPEG), ("a.jpg", JPEG)],
            &["a.jpg -> a-8x8.jpg"],
        );
    }

    #[test]
    fn rivals_keep_their_whole_names_unless_one_is_no_image() {
        check(
            "out",
            &[
                ("a.cr2", b"raw"),
                ("a.jpg", JPEG),
                ("b.jpeg", JPEG),
                ("b.png", JPEG),
                ("c/b.jpg", JPEG),
            ],
            &[
                "other",
                "a.jpg -> a-8x8.jpg",
                "b.jpeg -> b.jpeg-8x8.jpg",
                "b.png -> b.png-8x8.jpg",
                "c/b.jpg -> c/b-8x8.jpg",
            ],
        );
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_counted_but_never_followed() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let input = root.path().join("in");
        fs::create_dir_all(root.path().join("elsewhere")).unwrap();
        fs::write(root.path().join("elsewhere/secret.jpg"), JPEG).unwrap();
        fs::create_dir(&input).unwrap();
        symlink(root.path().join("elsewhere"), input.join("directory")).unwrap();
        symlink(
            root.path().join("elsewhere/secret.jpg"),
            input.join("file.jpg"),
        )
        .unwrap();
        symlink(&input, input.join("circle")).unwrap();
        let size = "8x8".parse().unwrap();
        let config = Config::new(&input, &root.path().join("out"), size).unwrap();
        let found: Vec<_> = Scan::new(&config)
            .filter_map(|found| show(&found, size))
            .collect();
        assert_eq!(found, ["special"; 3]);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_unicode_are_found() {
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        let root = tempfile::tempdir().unwrap();
        let input = root.path().join("in");
        fs::create_dir(&input).unwrap();
        fs::write(
            input.join(OsString::from_vec(b"caf\xe9.jpg".to_vec())),
            JPEG,
        )
        .unwrap();
        let size = "8x8".parse().unwrap();
        let config = Config::new(&input, &root.path().join("out"), size).unwrap();
        let mut found = Scan::new(&config).filter(|found| !matches!(found, Found::Directory(_)));
        let Some(Found::Image(image)) = found.next() else {
            panic!("no image found")
        };
        assert_eq!(
            image
                .target(size.into(), Format::Jpeg)
                .as_os_str()
                .as_bytes(),
            b"caf\xe9-8x8.jpg"
        );
    }

    #[test]
    fn a_directory_that_is_gone_is_named_with_what_the_system_said_once() {
        let root = tempfile::tempdir().unwrap();
        let (input, output) = (root.path().join("in"), root.path().join("out"));
        fs::create_dir(&input).unwrap();
        let config = Config::new(&input, &output, imaging::Size::new(8, 8)).unwrap();
        let mut scan = Scan::new(&config);
        fs::remove_dir(&input).unwrap();
        let Some(Found::Failed(failure)) = scan.next() else {
            panic!("it was listed");
        };
        assert_eq!(
            failure.reason,
            "cannot list the directory: No such file or directory (os error 2)"
        );
    }
}
