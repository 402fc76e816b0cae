//! The whole way of a picture: header, decode, scale, turn, encode.

use crate::guard::catch_panic;
use crate::pixels::{Decoded, Pixels};
use crate::{Format, Header, ImageError, Limits, Size, inspect, jpeg, png, scale};

/// The JPEG quality unless told otherwise. 80 is the default of sharp, imgproxy and thumbor; thumbnails are
/// small, so a little more costs little.
pub const QUALITY_DEFAULT: u8 = 82;

/// How to resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The box to fit into.
    pub size: Size,
    /// The quality of a JPEG, from 1 to 100; what lies outside is brought inside.
    pub quality: u8,
    /// What the image may ask for.
    pub limits: Limits,
}

impl Options {
    /// Fits into `size`, with the default quality and limits.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self {
            size,
            quality: QUALITY_DEFAULT,
            limits: Limits::default(),
        }
    }
}

/// A resized picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resized {
    /// The encoded picture.
    pub bytes: Vec<u8>,
    /// Its format, the same as that of the source.
    pub format: Format,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// What the source was.
    pub source: Header,
}

/// Turns a picture upright, fits it into a box without enlarging it, and encodes it anew.
///
/// A picture that is small enough already is encoded anew all the same, without its metadata. The result
/// depends on the input and the options alone.
///
/// # Errors
///
/// When the input is not an image, is damaged, ends too early, is of an unsupported kind, asks for more than
/// the limits allow, or makes a codec panic.
pub fn resize(input: &[u8], options: &Options) -> Result<Resized, ImageError> {
    catch_panic(|| resize_unguarded(input, options))
}

fn resize_unguarded(input: &[u8], options: &Options) -> Result<Resized, ImageError> {
    let source = inspect(input, &options.limits)?;
    let fitted = options.size.fit(source.upright_size());
    options.limits.check_output(fitted)?;

    // Scaling first and turning last moves the fewest pixels.
    let stored = source.orientation.turn(fitted);
    let decoded = decode(input, &source, stored, &options.limits)?;
    let scaled = scale::scale(decoded, &source, stored)?;
    let upright = source.orientation.apply(scaled);

    Ok(Resized {
        bytes: encode(&upright, source.format, options.quality)?,
        format: source.format,
        width: fitted.width,
        height: fitted.height,
        source,
    })
}

/// Decodes at least twice the `target` size, or everything.
fn decode(
    input: &[u8],
    source: &Header,
    target: Size,
    limits: &Limits,
) -> Result<Decoded, ImageError> {
    match source.format {
        Format::Jpeg => jpeg::decode(input, source, target, limits),
        Format::Png => png::decode(input, source),
    }
}

fn encode(pixels: &Pixels, format: Format, quality: u8) -> Result<Vec<u8>, ImageError> {
    match format {
        Format::Jpeg => jpeg::encode(pixels, quality),
        Format::Png => png::encode(pixels),
    }
}
