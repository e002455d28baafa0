//! What the fuzz targets check. Each module that is named as a target has a `check`, which takes the
//! fuzzer's bytes and panics when an invariant does not hold; the programs in `targets/` only call it.
//!
//! Inputs are made of plain texts behind as few bytes of structure as will do, so that the seeds
//! (`seeds.py`) can be the recorded transcripts and fixtures.

pub mod bloom;
pub mod json;
mod lines;
mod resp;
pub mod search;
pub mod timeseries;
mod value;
