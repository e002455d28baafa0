//! Everything that `scripts/bench l1` publishes, as one JSON object a line.
//!
//! `cargo bench -p keyspan-l1 --bench figures -- [PART ..]`; needs a server: `KEYSPAN_L1_URL`. Each
//! figure is the least of many short rounds in which all subjects take turns.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench may panic"
)]

mod draws;
mod flights;
mod hits;
mod mix;
mod ratios;
mod threads;
mod timing;

use std::env;

type Part = (&'static str, fn(&str));

const PARTS: [Part; 6] = [
    ("hits", hits::run),
    ("threads", threads::run),
    ("insert", ratios::insert),
    ("ratios", ratios::run),
    ("flights", flights::run),
    ("mix", mix::run),
];

/// One figure, for the script.
fn say(figure: &str, subject: &str, value: f64) {
    println!(r#"{{"figure": "{figure}", "subject": "{subject}", "value": {value:.3}}}"#);
}

fn main() {
    let url = env::var("KEYSPAN_L1_URL").unwrap_or("redis://127.0.0.1:6379".into());
    // `cargo bench` adds `--bench`.
    let wanted: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            part(&url);
        }
    }
}
