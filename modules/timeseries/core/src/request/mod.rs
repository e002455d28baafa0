//! Command lines: what is asked, before any series is looked at.

pub mod multi;
pub mod options;
pub mod range;
pub mod read;
pub mod value;
pub mod words;

#[cfg(test)]
mod tests;
