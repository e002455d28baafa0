//! The tables of shapes give their memory back, whichever thread drops the last document.
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::mpsc;
use std::thread;

use keyspan_json_core::document::table_sizes;
use keyspan_json_core::node::Node;
use keyspan_json_core::{Document, print};

fn text(document: &Document) -> String {
    let mut out = Vec::new();
    print::compact(document.root(), &mut out, usize::MAX).unwrap();
    String::from_utf8(out).unwrap()
}

fn given(structure: usize, value: usize) -> String {
    format!(
        r#"{{"id {structure}":{value},"nested":{{"of {structure}":["text {value}",{value}]}}}}"#
    )
}

/// One test, since the tables are the process's.
#[test]
fn tables_are_empty_when_the_documents_are_gone() {
    one_shape_of_many_documents();
    documents_dropped_elsewhere();
    never_repeated_keys();
    edits_on_shared_shapes();
    assert_eq!(table_sizes(), (0, 0));
}

fn one_shape_of_many_documents() {
    let documents: Vec<Document> =
        (0..1000).map(|value| Document::parse(given(0, value).as_bytes()).unwrap()).collect();
    assert_eq!(table_sizes(), (2, 1));
    drop(documents);
    assert_eq!(table_sizes(), (0, 0));
}

fn documents_dropped_elsewhere() {
    let (sender, receiver) = mpsc::channel::<Document>();
    let dropper = thread::spawn(move || receiver.into_iter().for_each(drop));
    let parsers: Vec<_> = (0..2)
        .map(|thread| {
            let sender = sender.clone();
            thread::spawn(move || {
                for round in 0..20_000 {
                    let expected = given(round % 7 + thread, round);
                    let document = Document::parse(expected.as_bytes()).unwrap();
                    assert_eq!(text(&document), expected);
                    sender.send(document).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    parsers.into_iter().for_each(|parser| parser.join().unwrap());
    dropper.join().unwrap();
    assert_eq!(table_sizes(), (0, 0));
}

fn never_repeated_keys() {
    let documents: Vec<Document> = (0..5000)
        .map(|value| Document::parse(format!(r#"{{"key {value}":1}}"#).as_bytes()).unwrap())
        .collect();
    assert_eq!(table_sizes(), (0, 0), "for {} documents", documents.len());
}

fn edits_on_shared_shapes() {
    let one = Document::parse(b"1").unwrap();
    let mut documents: Vec<Document> =
        (0..10).map(|value| Document::parse(given(3, value).as_bytes()).unwrap()).collect();
    for document in &mut documents {
        assert!(document.insert_member(&[1], b"new", one.root()));
        document.validate().unwrap();
        assert_eq!(document.at(&[1]).unwrap().find(b"new").map(|(position, _)| position), Some(1));
    }
    let copies = documents.clone();
    // Small documents are closed up at once, and give up the shape that they had before.
    assert_eq!(table_sizes().0, 2);
    drop(documents);
    assert_eq!(copies.iter().map(text).filter(|text| text.contains("new")).count(), 10);
}
