//! Tables of paths.
