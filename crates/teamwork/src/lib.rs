//! Tasks that start together, fail together and clean up together.
