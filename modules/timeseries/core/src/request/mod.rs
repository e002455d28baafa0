//! Command lines: what is asked, before any series is looked at.

pub mod multi;
pub mod range;
pub mod value;
pub mod words;
