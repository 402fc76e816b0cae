//! Decode, orient, scale and encode images: bytes in, bytes out.
