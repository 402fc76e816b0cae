//! A batch client that resizes a directory of images.
