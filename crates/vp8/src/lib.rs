//! Decodes the pictures of lossy WebP files, band by band, in safe Rust.

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
