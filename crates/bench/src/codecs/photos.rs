//! The pictures that are measured on.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use imaging::{Format, Limits, Size};

/// What a quick run leaves out: files above this size.
const QUICK_BYTES_MAX: usize = 2 << 20;

/// A photograph of the test set.
pub(crate) struct Photo {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) format: Format,
    pub(crate) size: Size,
}

impl Photo {
    /// Returns the size with each side divided.
    pub(crate) fn divided(&self, divisor: u32) -> Size {
        Size::new(
            (self.size.width / divisor).max(1),
            (self.size.height / divisor).max(1),
        )
    }
}

/// Reads the colour JPEG and PNG files in `folder`, not in its subfolders.
pub(crate) fn read(folder: &Path, quick: bool) -> Result<Vec<Photo>> {
    let mut photos = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("read folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            photos.extend(read_photo(&path, quick)?);
        }
    }
    ensure!(!photos.is_empty(), "no photos in {}", folder.display());
    photos.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(photos)
}

fn read_photo(path: &Path, quick: bool) -> Result<Option<Photo>> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let Some(format) = Format::detect(&bytes) else {
        return Ok(None);
    };
    if is_gray(&bytes) || (quick && bytes.len() > QUICK_BYTES_MAX) {
        return Ok(None);
    }
    let header = imaging::inspect(&bytes, &Limits::default())?;
    Ok(Some(Photo {
        name: path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        format,
        size: Size::new(header.width, header.height),
        bytes,
    }))
}

/// The contenders are compared on colours.
fn is_gray(bytes: &[u8]) -> bool {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.read_info().is_ok()
        && decoder
            .info()
            .is_some_and(|info| info.pixel_format.pixel_bytes() != 3)
}
