//! JSON.*: command lines on a keyspace, see [`crate::lines`].

use std::sync::LazyLock;

use keyspan_common::{command::Row, keyspace::Keyspace, resp::Protocol};
use keyspan_json::{commands, settings};
use keyspan_json_core::Document;

use super::model;
use crate::lines::{self, Module, States};

/// The greatest size of a document, in bytes.
const DOCUMENT_MAX: i64 = 16 << 10;
/// How far over that a document may come: numbers that are a byte each become 8 when one of them
/// does not fit, and memory grows ahead.
const GROWTH_MAX: usize = 10;
/// Commands that say nothing of a change that is none. The others may store what was there, or undo
/// themselves where a place is matched twice.
const EXACT: [&str; 5] = ["json.del", "json.forget", "json.clear", "json.arrpop", "json.arrtrim"];

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let limits = [
        (&settings::MAX_PATH_STEPS, 50_000),
        (&settings::MAX_PATH_MATCHES, 2_000),
        (&settings::MAX_REPLY_SIZE, 1 << 20),
        (&settings::MAX_DOCUMENT_SIZE, DOCUMENT_MAX),
    ];
    assert!(limits.into_iter().all(|(setting, value)| setting.set(value)));
    commands::rows()
});

/// Runs the lines.
pub fn check(input: &[u8]) {
    lines::check::<Json>(0, input);
}

struct Json;

impl Module for Json {
    fn rows() -> &'static [Row] {
        &ROWS
    }

    fn dispatch(keyspace: &mut Keyspace, words: &[&[u8]], protocol: Protocol) -> Option<Vec<u8>> {
        commands::dispatch(keyspace, words, protocol)
    }

    /// The texts of the documents.
    fn states(keyspace: &Keyspace) -> States {
        let documents = keyspace.values::<Document>();
        let mut texts: States =
            documents.map(|(key, document)| (key.to_vec(), checked(document))).collect();
        texts.sort();
        texts
    }

    /// Nothing: what the settings allow is replicated as it was received.
    fn set(_profile: u8) {}

    fn is_exact(row: &Row) -> bool {
        EXACT.contains(&row.name)
    }
}

fn checked(document: &Document) -> Vec<u8> {
    super::validate(document);
    let limit = usize::try_from(DOCUMENT_MAX).expect("a size");
    assert!(document.memory() <= GROWTH_MAX * limit, "{} bytes in one document", document.memory());
    let text = super::text(document.root());
    model::parsed(&text);
    text
}
