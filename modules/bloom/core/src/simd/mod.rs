//! The only unsafe code of this crate: instructions that have no safe name.

pub(crate) mod prefetch;
