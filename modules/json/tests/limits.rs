//! The limits of the settings, on whole command lines. A program of its own: settings are global.

use keyspan_common::{keyspace::Keyspace, resp::Protocol};
use keyspan_json::{commands, settings};

const SIZE_MAX: i64 = 64 << 10;
const TOO_LARGE: &[u8] = b"-ERR document exceeds the limit of ReJSON.max-document-size\r\n";

fn run(keyspace: &mut Keyspace, words: &[&str]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    commands::dispatch(keyspace, &words, Protocol::Resp2).unwrap_or_default()
}

/// Runs `words` on so few objects that LONG fits into each, and on too many.
fn check(words: &[&str]) {
    let long = format!("\"{}\"", "x".repeat(1 << 10));
    let words: Vec<String> = words.iter().map(|word| word.replace("LONG", &long)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (objects, fits) in [(100, false), (20, true)] {
        let mut keyspace = Keyspace::default();
        let text = format!("[{}{{}}]", "{\"n\":0,\"a\":[]},".repeat(objects));
        assert_eq!(run(&mut keyspace, &["JSON.SET", "k", "$", &text]), b"+OK\r\n");
        let before = run(&mut keyspace, &["JSON.GET", "k"]);
        let reply = run(&mut keyspace, &words);
        assert_eq!(reply != TOO_LARGE, fits, "{objects} {words:?}: {}", reply.escape_ascii());
        assert_eq!(run(&mut keyspace, &["JSON.GET", "k"]) != before, fits, "{objects} {words:?}");
    }
}

#[test]
fn a_value_that_goes_to_many_places_counts_as_often() {
    assert!(settings::MAX_DOCUMENT_SIZE.set(SIZE_MAX));
    check(&["JSON.SET", "k", "$[*].n", "LONG"]);
    check(&["JSON.MSET", "k", "$[*].n", "LONG"]);
    check(&["JSON.MERGE", "k", "$[*]", "{\"q\":LONG}"]);
    check(&["JSON.ARRAPPEND", "k", "$[*].a", "LONG"]);
    check(&["JSON.ARRAPPEND", "k", "$[*].a", "LONG", "0"]);
    check(&["JSON.ARRINSERT", "k", "$[*].a", "0", "LONG"]);
}

#[test]
fn values_that_fit_alone_but_not_together_change_nothing() {
    assert!(settings::MAX_DOCUMENT_SIZE.set(SIZE_MAX));
    let long = format!("\"{}\"", "x".repeat(40 << 10));
    let mut keyspace = Keyspace::default();
    assert_eq!(run(&mut keyspace, &["JSON.SET", "k", "$", "{}"]), b"+OK\r\n");
    let events = keyspace.events.len();
    let words = ["JSON.MSET", "k", "$.a", &long, "other", "$", "1", "k", "$.b", &long];
    assert_eq!(run(&mut keyspace, &words), TOO_LARGE);
    assert_eq!(run(&mut keyspace, &["JSON.GET", "k"]), b"$2\r\n{}\r\n");
    assert_eq!(run(&mut keyspace, &["JSON.GET", "other"]), b"$-1\r\n");
    assert_eq!((keyspace.events.len(), keyspace.replicated.len()), (events, 1));
    let words = ["JSON.MSET", "k", "$.a", &long, "k", "$", "[]", "k", "$[0]", "1"];
    let refused = b"-ERR array index out of range\r\n";
    assert_eq!(run(&mut keyspace, &words), refused, "paths are those before the command");
    let words = ["JSON.MSET", "k", "$.a", "1", "k", "$.b", "2"];
    assert_eq!(run(&mut keyspace, &words), b"+OK\r\n");
    assert_eq!(run(&mut keyspace, &["JSON.GET", "k"]), b"$13\r\n{\"a\":1,\"b\":2}\r\n");
}
