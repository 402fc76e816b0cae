//! Decodes baseline JPEG, at a fraction of its size if asked to, in safe Rust.
//!
//! Made for thumbnails of photographs, which nearly all are baseline files: undoing their Huffman coding is most of the
//! work of a small thumbnail. Most of it can be skipped here: of a picture that is decoded at 1/8 only the first coefficient of
//! each block is of interest, and a table tells the length of several others at once.
//!
//! ```
//! use jpeg::{Header, Request, Shrink, decode};
//!
//! # let mut photo = Vec::new();
//! # jpeg_encoder::Encoder::new(&mut photo, 90).encode(&[99; 100 * 60 * 3], 100, 60, jpeg_encoder::ColorType::Rgb)?;
//! let header = Header::read(&photo)?;
//! assert_eq!((header.width, header.height), (100, 60));
//! let picture = decode(&photo, &Request { shrink: Shrink::Quarter, ..Request::default() })?;
//! assert_eq!((picture.planes[0].width, picture.planes[0].height), (25, 15));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it reads
//!
//! Sequential Huffman-coded files with 8 bits per sample, one, three or four colours and all of them in one scan, with any
//! subsampling by whole numbers and with restart markers. All else is [`DecodeError::NotMine`], before anything is allocated
//! for the picture: progressive and arithmetic coding, 12 bits, a scan for each colour. Inks are given as they are
//! stored: what light they let through is for others to know.
//!
//! # What it gives
//!
//! A [`Plane`] for each colour, as coarse as the file stores it. Who makes the picture smaller anyway saves the
//! work of enlarging colours and of converting pixels that nobody sees. [`Decoder::rows`] gives the planes row by row, as they
//! are decoded, so that they need not be in memory.
//!
//! # Damage
//!
//! Damaged and truncated data gives a picture as that of libjpeg: what is missing is gray, and [`Picture::is_damaged`].
//! There is no `unsafe` code and no way to panic that we know of.

mod bits;
mod block;
mod decoder;
mod error;
mod header;
mod huffman;
mod inverse;
mod lane;
mod picture;
mod scan;
mod segment;
mod tables;

pub use decoder::{Data, Decoder, decode};
pub use error::DecodeError;
pub use header::{Colours, Component, Header};
pub use picture::{Detail, Picture, Plane, PlaneLayout, Request, Shrink};
