//! Top-K.
