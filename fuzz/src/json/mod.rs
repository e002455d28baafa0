//! JSON: paths, texts and edits, payloads, command lines.

pub mod commands;
pub mod dump;
mod model;
pub mod path;
pub mod text;

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
