//! Decode, orient, scale and encode images: bytes in, bytes out.
//!
//! A pure engine for thumbnails of photographs. It does no I/O, reads no clock, starts no thread and keeps
//! no state, so it can be called from any thread, and the caller decides how many pictures are worked on at
//! a time.
//!
//! ```
//! use imaging::{Options, Size, resize};
//!
//! # let photo = testkit::images::gradient_jpeg(1200, 800);
//! let thumbnail = resize(&photo, &Options::new(Size::new(256, 256)))?;
//! assert_eq!((thumbnail.width, thumbnail.height), (256, 171));
//! # Ok::<(), imaging::ImageError>(())
//! ```
//!
//! # What it does
//!
//! - JPEG and PNG in, the same format out. The content decides which it is, never a name.
//! - The picture is turned upright as its EXIF tag says, then fitted into the box: proportions kept, never
//!   enlarged. Broken EXIF is ignored, never an error.
//! - Lanczos3, with transparent pixels weighted by their opacity.
//! - A large JPEG is decoded at 1/2, 1/4 or 1/8 of its size when that leaves at least a factor of two to the
//!   final scaling.
//! - Grayscale stays grayscale. CMYK becomes RGB, 16 bits become 8, a palette becomes colours.
//!
//! # What it does not do
//!
//! - Metadata is dropped, colour profiles included, and colours are not converted: a photo in a wide-gamut
//!   profile comes out paler than it should.
//! - Of an animated PNG only the default picture is kept.
//! - Damage inside the compressed data of a JPEG that leaves its structure intact shows as smears, not as an
//!   error. A file that ends too early is always an error.
//!
//! # Features
//!
//! `mozjpeg`, on by default: libjpeg, which needs a C compiler, decodes at a fraction of the size. Without it,
//! everything is Rust and decoded at its full size, and a sequential JPEG with a scan for each colour, which is
//! rare, is [`ImageError::Unsupported`].
//!
//! # Hostile input
//!
//! [`Limits`] are checked on the header, before anything is allocated, and a file must have enough data for the
//! picture it claims. Panics of the decoders are caught and
//! become [`ImageError::Panicked`], which needs a build with `panic = "unwind"`.

mod bmp;
mod bounds;
mod bytes;
mod canvas;
mod codec;
mod error;
mod exif;
mod format;
mod gif;
mod guard;
mod header;
mod jpeg;
mod layout;
mod light;
mod limits;
mod options;
mod orientation;
mod pixels;
mod png;
mod raster;
mod resize;
mod scale;
mod size;
mod tiff;
mod warning;
mod watch;
mod webp;

pub use bounds::Bounds;
pub use error::{CodecError, ImageError};
pub use format::Format;
pub use header::{Header, inspect};
pub use limits::{Limit, Limits};
pub use options::{Enlarge, Gravity, Light, Mode, Options, Output, QUALITY_DEFAULT, Shrink, Turn};
pub use orientation::Orientation;
pub use resize::{Resized, resize, resize_each, resize_until};
pub use size::{ParseSizeError, Size};
pub use warning::Warning;
