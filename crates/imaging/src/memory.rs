//! How much memory a picture takes while it is worked on, told from its header.

use crate::resize::Job;
use crate::{Format, Header, ImageError, Options, inspect, jpeg, png, webp};

/// How many bytes of rows are kept for each column, while a picture is scaled: those that the filter reaches, several times as wide as bytes.
const ROWS_BYTES: u64 = 512;

/// How many bytes a pixel of the result takes: as it was scaled, and as it was turned or laid on a background.
const RESULT_BYTES: u64 = 8;

/// Tells from the header about how many bytes [`resize`](crate::resize) takes at most, besides those of its input and of the encoder.
///
/// Of most JPEG, PNG and lossy WebP only some rows are in memory, however large they are. Of others, it is the whole picture at 3 to
/// 20 bytes for a pixel, as their decoders need them. Who works on several pictures at a time can have them share a budget by
/// this: it is known before anything is allocated, as what is refused is.
///
/// ```
/// use imaging::{Options, Size, memory_needed};
///
/// # let photo = testkit::images::gradient_jpeg(1200, 800);
/// let bytes = memory_needed(&photo, &Options::new(Size::new(256, 256)))?;
/// assert!(bytes < 2 << 20);
/// # Ok::<(), imaging::ImageError>(())
/// ```
///
/// # Errors
///
/// As [`inspect`], and if the result would be above a limit.
pub fn memory_needed(input: &[u8], options: &Options) -> Result<u64, ImageError> {
    let source = inspect(input, &options.limits)?;
    let result = Job::new(options, input, &source)?.canvas();
    let columns = u64::from(source.width.max(source.height).max(result.width));
    Ok(decoder_bytes(input, &source)? + columns * ROWS_BYTES + result.pixels() * RESULT_BYTES)
}

/// What a decoder keeps that needs the whole picture.
fn decoder_bytes(input: &[u8], source: &Header) -> Result<u64, ImageError> {
    let pixels = source.stored_size().pixels();
    Ok(match source.format {
        Format::Jpeg => jpeg::whole_bytes(input)?,
        Format::Png => pixels * png::whole_pixel_bytes(input),
        // The canvas, its background, and the first frame.
        Format::WebP if source.animated => pixels * 12,
        // Colours, and with opacity before that is found not to be there.
        Format::WebP if source.lossless => pixels * 7,
        Format::WebP if webp::has_opacity(input) => pixels * 5,
        Format::WebP => 0,
        Format::Gif => pixels * 5,
        Format::Bmp => pixels * 4,
        // Samples of 16 bits, and what becomes of them.
        Format::Tiff => pixels * 12,
        // What oxideav-av1 takes.
        Format::Avif => pixels * 20,
    })
}
