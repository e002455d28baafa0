//! Bloom filters of both families.
