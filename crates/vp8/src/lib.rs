//! Decodes the pictures of lossy WebP files, band by band, in safe Rust.
//!
//! What a `VP8 ` chunk of a WebP holds is a key frame of VP8 (RFC 6386). [`Decoder`] gives its rows of samples as they are finished, a
//! row of macroblocks at a time, so that a thumbnail can be made without ever having the picture in memory; [`decode`] gives it
//! in one piece.
//!
//! ```
//! use vp8::{Filtering, Header, Request, decode};
//!
//! # let file = webp::Encoder::from_rgb(&[99; 100 * 60 * 3], 100, 60).encode(75.0);
//! # let chunk = &file[20..];
//! let header = Header::read(chunk)?;
//! assert_eq!((header.width, header.height), (100, 60));
//! let [light, blue, red] = decode(chunk, &Request { filtering: Filtering::Skip, ..Request::default() })?;
//! assert_eq!((light.width, blue.width, red.height), (100, 50, 30));
//! # Ok::<(), vp8::DecodeError>(())
//! ```
//!
//! # What it reads
//!
//! All key frames: any number of segments and partitions, both loop filters, any size. Not the container around them, opacity
//! (`ALPH`), what has no loss (`VP8L`), or the other frames of a video.
//!
//! # What it gives
//!
//! Light (16 for black to 235 for white) and two differences of colour with half as many columns and rows (BT.601), as the file
//! stores them. Who makes the picture smaller anyway saves the work of enlarging colours and of converting pixels that nobody
//! sees, and may do without the loop filter ([`Filtering::Skip`]).
//!
//! # Damage
//!
//! Data that ends too early is an error, as with libwebp. There is no `unsafe` code and no way to panic that we know of. However
//! much a file claims, [`Decoder`] takes less than 2 MB.

mod bools;
mod decoder;
mod error;
mod filter;
mod header;
mod lines;
mod modes;
mod picture;
mod residue;
mod small;
mod smooth;
mod tables;
mod tokens;
mod transform;
mod work;

pub use decoder::Decoder;
pub use error::DecodeError;
pub use header::Header;
pub use lines::{Band, Rows};
pub use picture::{Filtering, Plane, Request, decode};
