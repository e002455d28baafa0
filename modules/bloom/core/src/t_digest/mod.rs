//! t-digest.
