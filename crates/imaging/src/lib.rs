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
//! # Tasks
//!
//! Read a header before anything is queued or allocated:
//!
//! ```
//! use imaging::{Limits, inspect};
//!
//! # let photo = testkit::images::gradient_jpeg(1200, 800);
//! let header = inspect(&photo, &Limits::default())?;
//! assert_eq!((header.width, header.height), (1200, 800));
//! # Ok::<(), imaging::ImageError>(())
//! ```
//!
//! Convert a picture, keep who made it, and look at what was noticed:
//!
//! ```
//! use imaging::{Bounds, Format, Metadata, Options, Output, Warning, resize};
//!
//! # let photo = testkit::images::gradient_jpeg(120, 80);
//! let options = Options {
//!     output: Output::WebPLossless,
//!     metadata: Metadata::Copyright,
//!     ..Options::new(Bounds::of_width(320))
//! };
//! let made = resize(&photo, &options)?;
//! assert_eq!(made.format, Format::WebP);
//! assert_eq!(made.warnings, [Warning::NotEnlarged]);
//! # Ok::<(), imaging::ImageError>(())
//! ```
//!
//! Put graphics on a canvas, with its light mixed as light:
//!
//! ```
//! use imaging::{Gravity, Light, Mode, Options, Size, resize};
//!
//! # let drawing = testkit::images::gradient_png(300, 100);
//! let options = Options {
//!     mode: Mode::Pad(Gravity::Centre),
//!     background: [0, 0, 0, 0],
//!     light: Light::Linear,
//!     ..Options::new(Size::new(64, 64))
//! };
//! let made = resize(&drawing, &options)?;
//! assert_eq!((made.width, made.height), (64, 64));
//! # Ok::<(), imaging::ImageError>(())
//! ```
//!
//! [Cut a square](Options), [make several sizes](resize_each), [stop at a deadline](resize_until). Eight short programs,
//! `crates/imaging/examples`, are a course: `cargo run -p imaging --example 01_thumbnail` is the first, and the others are about
//! shapes, several sizes, formats and bytes, headers, limits and deadlines, metadata and warnings, and light.
//!
//! # What it does
//!
//! - JPEG, PNG, WebP, GIF, BMP and TIFF in; JPEG, PNG and WebP out, the format of the source unless another is
//!   asked for; with a feature, AVIF in and out. The content decides which it is, never a name.
//! - The picture is turned upright as its EXIF tag says, then fitted into the box: proportions kept, never
//!   enlarged. Broken EXIF is ignored, never an error. Other [modes](Mode) cut, stretch or pad.
//! - Lanczos3, with transparent pixels weighted by their opacity; on request in [linear light](Light::Linear).
//! - A large JPEG is decoded at 1/2, 1/4 or 1/8 of its size when that leaves at least a factor of two to the
//!   final scaling. If it becomes a JPEG, no pixel is made that nobody looks at: light and colours are passed on as they are stored.
//! - A picture is scaled while it is decoded, row by row: of a common JPEG or PNG of any size, some rows are in memory, and of
//!   other formats what their decoders need.
//! - Colours are converted to sRGB, after scaling, and the profile is dropped. One that is broken or does not fit the picture
//!   is [said](Warning::BrokenProfile) and ignored.
//! - Grayscale stays grayscale. CMYK becomes RGB, 10 to 16 bits become 8, a palette becomes colours. What is brighter than sRGB can
//!   say (HDR) is made [less bright](Warning::Dimmed).
//! - Other metadata is dropped, or [kept](Metadata) if asked for.
//! - [Several sizes](resize_each) come from one decode, and work that [nobody waits for](resize_until) stops.
//!
//! # What it does not do
//!
//! - Of an animation or several pages only the first picture is kept, which is [said](Warning::FirstPictureOnly).
//! - Damage inside the compressed data of a JPEG that leaves its structure intact shows as smears, not as an
//!   error. What is made up for data that is missing is [said](Warning::Damaged), as far as it shows: a progressive JPEG may
//!   lack some detail of its last scan. A file that ends without its end marker is always an error.
//!
//! # Features
//!
//! Two features bring C code, which needs a C compiler and nothing else. Both are on by default; without them
//! everything is Rust.
//!
//! - `mozjpeg`: libjpeg decodes progressive JPEG at a fraction of its size; common JPEG is decoded so in Rust either way.
//!   Without it, the others are decoded at their full size, a sequential one with a scan for each colour, which is rare, is
//!   [`ImageError::Unsupported`], and the profile of a CMYK photo that is progressive or has coarser colours is [ignored](Warning::BrokenProfile).
//! - `webp`: libwebp writes WebP with loss. Without it, [`Output::WebP`] is [`ImageError::Unsupported`], and a WebP stays a
//!   WebP without loss. Reading WebP, which is where libwebp had its worst holes, is done in Rust either way.
//!
//! A third one is off by default, because it is much code, and slow without assembly. It is Rust only:
//!
//! - `avif`: our own reader of the container and `oxideav-av1` read AVIF, and rav1e writes it. Without it, an AVIF is
//!   [`ImageError::Unsupported`]. What is read: a still picture of 8, 10 or 12 bits or a grid of such, that of a sequence if there is
//!   one, with its opacity, rotation, mirror, colours, EXIF and XMP. What is not: pictures of which a part is to be cut out, several
//!   layers of which one is to be chosen, colours that are not those of BT.601, BT.709 or BT.2020. A coded picture, or a piece of a grid, may have
//!   36 megapixels, for each of which the decoder takes 14 to 20 bytes of memory; and it is decoded, as it is encoded, in one go:
//!   [`stop`](resize_until) is asked before and after, and between the pieces of a grid.
//!
//! # Hostile input
//!
//! [`Limits`] are checked on the header, before anything is allocated, and a file must have enough data for the
//! picture it claims, which cannot be told of AVIF. Panics of the decoders are caught and
//! become [`ImageError::Panicked`], which needs a build with `panic = "unwind"`.

#[cfg(feature = "avif")]
mod avif;
mod bmp;
mod bounds;
mod bytes;
mod canvas;
mod codec;
mod colours;
mod error;
mod exif;
mod extras;
mod format;
mod gif;
mod guard;
mod halved;
mod header;
mod jpeg;
mod layout;
mod light;
mod limits;
mod making;
mod memory;
mod mixing;
mod opacity;
mod options;
mod orientation;
mod pixels;
mod planes;
mod png;
mod raster;
mod resample;
mod resize;
mod rows;
mod scale;
mod settings;
mod size;
mod tiff;
mod warning;
mod watch;
mod webp;
mod whole;
mod words;

pub use bounds::Bounds;
pub use error::{CodecError, ImageError};
pub use format::Format;
pub use header::{Header, inspect};
pub use limits::{Limit, Limits};
pub use memory::memory_needed;
pub use options::{
    Enlarge, Gravity, Light, Metadata, Mode, Options, Output, QUALITY_DEFAULT, Shrink, Turn,
};
pub use orientation::Orientation;
pub use resize::{Resized, resize, resize_each, resize_until};
pub use settings::{SETTINGS, Setting, SettingError};
pub use size::{ParseSizeError, Size};
pub use warning::Warning;
pub use words::{Colour, ParseColourError, ParseWordError};
