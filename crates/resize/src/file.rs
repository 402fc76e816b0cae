//! Images on disk: recognized by content, read up to a limit, saved whole or not at all.
//!
//! A result is written to a temporary file beside it and then renamed, so a reader sees the old file, or the whole
//! new one. The temporary file is removed when saving fails or is given up. Only a process that is killed outright can
//! leave one behind: its name tells it apart ([`is_temporary`]), no scan takes it for an image, and the next run that
//! saves into the directory removes it ([`sweep`]).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use imaging::Format;

use crate::failure::FileError;

/// The largest file that is read: the limit of the resizers on a request.
pub(crate) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

const TEMPORARY_PREFIX: &str = ".resize-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Recognizes the image format of a file by its first bytes; `None` is not an image that we read.
pub(crate) fn detect(path: &Path) -> io::Result<Option<Format>> {
    let mut head = Vec::with_capacity(Format::HEAD_BYTES);
    File::open(path)?
        .take(Format::HEAD_BYTES as u64)
        .read_to_end(&mut head)?;
    Ok(Format::detect(&head))
}

/// Reads a whole file of at most [`FILE_BYTES_MAX`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(FileError::Read)?;
    let bytes = file.metadata().map_err(FileError::Read)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(FileError::TooLarge { bytes });
    }
    // The file may grow while it is read, so the limit holds here as well.
    let mut image = Vec::with_capacity(bytes as usize + 1);
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut image)
        .map_err(FileError::Read)?;
    if image.len() as u64 > FILE_BYTES_MAX {
        return Err(FileError::TooLarge {
            bytes: image.len() as u64,
        });
    }
    Ok(image)
}

/// Makes the directory of a result if it is missing, and returns where it really is.
pub(crate) fn prepare(target: &Path) -> Result<PathBuf, FileError> {
    let directory = directory_of(target);
    fs::create_dir_all(directory)
        .and_then(|()| directory.canonicalize())
        .map_err(|source| FileError::Save {
            path: target.to_owned(),
            source,
        })
}

/// Makes a directory if it is missing, and a file in it that is gone again afterwards.
pub(crate) fn try_out(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    create_temporary(directory)?.close()
}

fn directory_of(target: &Path) -> &Path {
    target.parent().expect("a result lies in a directory")
}

/// Saves a result under its name, in a directory that is there, replacing an older one.
pub(crate) fn save(target: &Path, image: &[u8]) -> Result<(), FileError> {
    let error = |source| FileError::Save {
        path: target.to_owned(),
        source,
    };
    let directory = directory_of(target);
    let mut temporary = create_temporary(directory).map_err(error)?;
    temporary.write_all(image).map_err(error)?;
    temporary
        .persist(target)
        .map_err(|failed| error(failed.error))?;
    Ok(())
}

/// Whether a file of this name is one that [`save`] had not finished.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(TEMPORARY_PREFIX.as_bytes()) && name.ends_with(TEMPORARY_SUFFIX.as_bytes())
}

/// Removes the temporary files that killed processes left in a directory of results.
///
/// A file that is being written is locked, and the system drops the lock when its process ends, however it ends. So
/// what can be locked here belongs to nobody. This is a courtesy: what cannot be listed or removed stays.
pub(crate) fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| is_temporary(&entry.file_name()))
    {
        let path = entry.path();
        let removed = File::open(&path).and_then(|file| {
            file.try_lock()?;
            fs::remove_file(&path)
        });
        match removed {
            Ok(()) => tracing::info!(path = %path.display(), "removed a leftover of a killed run"),
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "left a temporary file alone");
            }
        }
    }
}

fn create_temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    // A result is an ordinary file, readable as the user's umask says; the crate's default is for secrets.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(directory)?;
    if let Err(error) = temporary.as_file().lock() {
        // Some network file systems have no locks; there, no sweep removes anything either.
        tracing::debug!(%error, "cannot lock a temporary file");
    }
    Ok(temporary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_result_replaces_an_older_one_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("new/sub/cat-8x8.jpg");
        prepare(&target).unwrap();
        save(&target, b"old").unwrap();
        save(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(names(target.parent().unwrap()), ["cat-8x8.jpg"]);
    }

    #[test]
    fn a_result_that_cannot_be_saved_leaves_no_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("cat-8x8.jpg");
        fs::create_dir(&target).unwrap();
        let error = save(&target, b"new").unwrap_err();
        assert!(error.to_string().contains("cat-8x8.jpg"), "{error}");
        assert_eq!(names(directory.path()), ["cat-8x8.jpg"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_result_is_as_readable_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            fs::metadata(directory.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        save(&directory.path().join("result"), b"x").unwrap();
        fs::write(directory.path().join("plain"), b"x").unwrap();
        assert_eq!(mode("result"), mode("plain"));
    }

    #[test]
    fn a_sweep_removes_what_a_killed_run_left_and_spares_what_is_being_written() {
        let directory = tempfile::tempdir().unwrap();
        let leftover = directory.path().join(".resize-abc123.tmp");
        fs::write(&leftover, b"half an im").unwrap();
        fs::write(directory.path().join("cat-8x8.jpg"), b"whole").unwrap();
        let being_written = create_temporary(directory.path()).unwrap();
        sweep(directory.path());
        assert!(!leftover.exists());
        assert!(being_written.path().exists());
        assert!(directory.path().join("cat-8x8.jpg").exists());
    }

    #[test]
    fn a_file_over_the_limit_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge.jpg");
        File::create(&path)
            .unwrap()
            .set_len(FILE_BYTES_MAX + 1)
            .unwrap();
        assert!(
            matches!(read(&path), Err(FileError::TooLarge { bytes }) if bytes == FILE_BYTES_MAX + 1)
        );
    }
}
