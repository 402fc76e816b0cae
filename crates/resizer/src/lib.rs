//! An HTTP server that resizes images.
