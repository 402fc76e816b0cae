//! The engine as its users see it: bytes in, bytes out.

mod colours;
mod damage;
mod formats;
mod kinds;
mod limits;
mod modes;
mod orientation;
mod picture;
mod reference;
mod resize;
mod samples;
mod stop;
