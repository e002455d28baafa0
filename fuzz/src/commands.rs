//! Command lines on a keyspace. Input: lines that end in [`LINE_END`], of words that end in
//! [`WORD_END`], bytes that no text has.
//!
//! The first word names the command; what names none stands for one all the same. The words that
//! are keys are mapped to four: three for documents and one that holds another type.

use std::sync::LazyLock;

use keyspan_common::{
    command::{Access, Keys, Row},
    keyspace::{Keyspace, Stored},
    resp::Protocol,
};
use keyspan_json::{commands, settings};
use keyspan_json_core::Document;

use crate::{model, resp};

/// Ends a word.
pub const WORD_END: u8 = 0xff;
/// Ends a line.
pub const LINE_END: u8 = 0xfe;
/// Lines behind these teach nothing new.
const LINES_MAX: usize = 16;
/// So many bytes of one input are run.
const INPUT_MAX: usize = 8 << 10;
/// The greatest size of a document, in bytes.
const DOCUMENT_MAX: i64 = 16 << 10;
/// How far over that a document may come: numbers that are a byte each become 8 when one of them
/// does not fit, and memory grows ahead.
const GROWTH_MAX: usize = 10;

/// The keys; the last one holds another type.
const KEYS: [&[u8]; 8] = [b"a", b"b", b"c", b"a", b"b", b"c", b"a", b"other"];

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

/// Runs the lines for clients of both protocols, each with a keyspace of its own.
pub fn check(input: &[u8]) {
    let rows = &*ROWS;
    let input = &input[..input.len().min(INPUT_MAX)];
    let mut sides = [Side::new(Protocol::Resp2), Side::new(Protocol::Resp3)];
    for line in input.split(|byte| *byte == LINE_END).take(LINES_MAX) {
        let mut words: Vec<&[u8]> = line.split(|byte| *byte == WORD_END).collect();
        let row = named(rows, words[0]);
        map_keys(row.keys, &mut words);
        sides.iter_mut().for_each(|side| side.run(row, &words));
        let [two, three] = &sides;
        assert_eq!(two.texts, three.texts, "the protocols differ after {}", shown(&words));
    }
}

fn named<'r>(rows: &'r [Row], name: &[u8]) -> &'r Row {
    let called = rows.iter().find(|row| name.eq_ignore_ascii_case(row.name.as_bytes()));
    let sum: usize = name.iter().map(|byte| usize::from(*byte)).sum();
    called.unwrap_or(&rows[sum % rows.len()])
}

fn map_keys(keys: Keys, words: &mut [&[u8]]) {
    let Keys::Range { first, last, step } = keys else { return };
    let len = i32::try_from(words.len()).expect("few words");
    let last = if last < 0 { len + last } else { last };
    for place in (first..=last).step_by(usize::try_from(step).expect("a step forward")) {
        let Some(word) = usize::try_from(place).ok().and_then(|place| words.get_mut(place)) else {
            continue;
        };
        let sum: usize = word.iter().map(|byte| usize::from(*byte)).sum();
        *word = KEYS[sum % KEYS.len()];
    }
}

fn shown(words: &[&[u8]]) -> String {
    words.iter().map(|word| format!("{:?} ", String::from_utf8_lossy(word))).collect()
}

/// The texts of the documents, by key; `None` for another type.
type Texts = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A keyspace and a protocol.
struct Side {
    keyspace: Keyspace<Document>,
    texts: Texts,
    protocol: Protocol,
}

impl Side {
    fn new(protocol: Protocol) -> Self {
        let mut keyspace = Keyspace::default();
        keyspace.keys.insert(b"other".to_vec(), Stored::Other);
        Self { texts: texts(&keyspace), keyspace, protocol }
    }

    fn run(&mut self, row: &Row, words: &[&[u8]]) {
        self.keyspace.events.clear();
        self.keyspace.replicated = 0;
        let words: Vec<&[u8]> =
            std::iter::once(row.name.as_bytes()).chain(words[1..].iter().copied()).collect();
        let reply = commands::dispatch(&mut self.keyspace, &words, self.protocol);
        let reply = reply.expect("a command of the table");
        resp::assert_reply(&reply, self.protocol);
        let after = texts(&self.keyspace);
        self.compare(row, &after, reply.starts_with(b"-"), &shown(&words));
        self.texts = after;
    }

    /// Checks what was announced against what changed.
    fn compare(&self, row: &Row, after: &Texts, failed: bool, line: &str) {
        let Keyspace { events, replicated, .. } = &self.keyspace;
        let changed = self.texts != *after;
        assert!(!changed || !failed, "an error changed something: {line}");
        assert!(*replicated == usize::from(!events.is_empty()), "{replicated} {events:?}: {line}");
        assert!(!changed || row.access != Access::Read, "a read changed something: {line}");
        let announced = |key: &[u8]| events.iter().any(|(named, _)| named == key);
        for entry in self.texts.iter().filter(|entry| !after.contains(entry)) {
            assert!(announced(&entry.0), "no event for {entry:?}: {line}");
        }
        for entry in after.iter().filter(|entry| !self.texts.contains(entry)) {
            assert!(announced(&entry.0), "no event for {entry:?}: {line}");
        }
        // A write may store what was there, or undo itself where a place is matched twice.
        let exact = ["json.del", "json.forget", "json.clear", "json.arrpop", "json.arrtrim"];
        assert!(changed || events.is_empty() || !exact.contains(&row.name), "{events:?}: {line}");
    }
}

/// Prints all documents, and checks each.
fn texts(keyspace: &Keyspace<Document>) -> Texts {
    let mut texts: Texts = Vec::new();
    for (key, stored) in &keyspace.keys {
        let text = match stored {
            Stored::Other => None,
            Stored::Value(document) => Some(checked(document)),
        };
        texts.push((key.clone(), text));
    }
    texts.sort();
    texts
}

fn checked(document: &Document) -> Vec<u8> {
    crate::validate(document);
    let limit = usize::try_from(DOCUMENT_MAX).expect("a size");
    assert!(document.memory() <= GROWTH_MAX * limit, "{} bytes in one document", document.memory());
    let text = crate::text(document.root());
    model::parsed(&text);
    text
}
