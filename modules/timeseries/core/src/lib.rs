//! Time series: chunks of samples, rules that compact them, labels that find them. No server.

pub mod error;
pub mod filter;
pub mod index;
pub mod label;
