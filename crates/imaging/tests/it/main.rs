//! The engine as its users see it: bytes in, bytes out.

#[cfg(feature = "avif")]
mod avif;
mod colours;
mod corpora;
mod damage;
mod formats;
mod incomplete;
mod kinds;
#[cfg(feature = "avif")]
mod libavif;
mod limits;
mod memory;
mod metadata;
mod modes;
mod orientation;
mod picture;
mod profiles;
mod quality;
mod reference;
mod resize;
mod samples;
mod stop;
#[cfg(feature = "webp")]
mod webp_opacity;
