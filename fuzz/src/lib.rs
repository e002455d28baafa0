//! What the fuzz targets check. Each module has a `check`, which takes the fuzzer's bytes and panics
//! when an invariant does not hold; the programs in `targets/` only call it.
//!
//! Inputs are made of plain texts behind as few bytes of structure as will do, so that the seeds
//! (`seeds.py`) can be the recorded transcripts and fixtures.

pub mod commands;
pub mod dump;
pub mod json_text;
mod model;
pub mod path;
mod resp;

use keyspan_json_core::{Document, ValueRef, print};

/// The compact text of a value.
fn text(value: ValueRef<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    print::compact(value, &mut out, usize::MAX).expect("there is no limit");
    out
}

/// Panics unless the document's memory is in order.
fn validate(document: &Document) {
    if let Err(broken) = document.validate() {
        panic!("{broken} in {}", String::from_utf8_lossy(&text(document.root())));
    }
}

/// The input in front of the first `mark`, and what is behind it.
fn split(input: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == mark) {
        Some(place) => (&input[..place], &input[place + 1..]),
        None => (input, &[]),
    }
}
