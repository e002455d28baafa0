//! Time series: payloads, series with rules, command lines.

pub mod commands;
pub mod dump;
pub mod series;
mod values;
