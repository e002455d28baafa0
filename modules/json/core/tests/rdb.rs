//! Documents out of dumps by real producers, and back.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

use keyspan_common::rdb::payload::fields;
use keyspan_common::rdb::{Field, Memory, dump, load_dump, save_dump};
use keyspan_json_core::{Document, print};
use proptest::prelude::*;
use serde_json::Value;

fn text(document: &Document) -> String {
    let mut out = Vec::new();
    print::compact(document.root(), &mut out, usize::MAX).unwrap();
    String::from_utf8(out).unwrap()
}

fn fixtures(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/rdb/");
    let lines = std::fs::read_to_string(format!("{folder}{name}.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

fn loaded(fixture: &Value) -> Document {
    let document: Document = load_dump(&bytes(&fixture["dump_hex"])).unwrap();
    document.validate().unwrap();
    document
}

/// What `JSON.GET key` replied.
fn recorded(fixture: &Value) -> &str {
    let is_whole = |expect: &&Value| {
        expect["command"][0] == "JSON.GET" && expect["command"].as_array().unwrap().len() == 2
    };
    let expects = fixture["expect"].as_array().unwrap();
    expects.iter().find(is_whole).unwrap()["reply"].as_str().unwrap()
}

#[test]
fn cbor_of_redisjson_both_ways() {
    let fixtures = fixtures("rejson-8.8.0-valkey8.0");
    assert!(fixtures.len() > 20);
    for fixture in fixtures {
        let document = loaded(&fixture);
        assert_eq!(text(&document), recorded(&fixture), "{}", fixture["id"]);
        let theirs = bytes(&fixture["dump_hex"]);
        let ours = save_dump(&document, 4, 11).unwrap();
        let content = |payload: &[u8]| fields(dump::parse(payload).unwrap().body).unwrap();
        assert!(content(&ours) == content(&theirs), "{}", fixture["id"]);
    }
}

#[test]
fn text_of_every_writer() {
    for name in ["rejson-2.x-synthetic", "valkeyjson-1.0.2-valkey8.0", "rejson-1.0.8-redis6.0"] {
        for fixture in fixtures(name) {
            let document = loaded(&fixture);
            let ours: Value = serde_json::from_str(&text(&document)).unwrap();
            let theirs = recorded(&fixture);
            if name == "rejson-2.x-synthetic" {
                assert_eq!(text(&document), theirs, "{}", fixture["id"]);
            } else if name != "rejson-1.0.8-redis6.0"
                || theirs.is_ascii() && !theirs.contains("\\u")
            {
                // RedisJSON 1 prints the bytes of UTF-8 as characters of their own, and doubles
                // with %.17g.
                let theirs: Value = serde_json::from_str(theirs).unwrap();
                assert!(same(&ours, &theirs), "{}: {ours} {theirs}", fixture["id"]);
            }
            let back: Document = load_dump(&save_dump(&document, 3, 11).unwrap()).unwrap();
            assert_eq!(text(&back), text(&document));
        }
    }
}

/// Equal, with 1 and 1.0 the same: these writers keep or drop the fraction as they like.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            ours == theirs || ours.as_f64() == theirs.as_f64()
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, a)| theirs.get(key).is_some_and(|b| same(a, b)))
        }
        (ours, theirs) => ours == theirs,
    }
}

#[test]
fn damaged_payloads_are_refused_or_whole() {
    let (mut accepted, mut refused) = (0, 0);
    for payload in fixtures("corrupt").iter().filter(|payload| payload["type"] == "ReJSON-RL") {
        match load_dump::<Document>(&bytes(&payload["dump_hex"])) {
            Ok(document) => {
                document.validate().unwrap();
                assert!(serde_json::from_str::<Value>(&text(&document)).is_ok());
                // The peer hangs at some; none that it refuses may be accepted.
                assert_ne!(payload["peer_result"], "ERR Bad data format", "{payload}");
                accepted += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(accepted > 5 && refused > 50, "{accepted} accepted, {refused} refused");
}

#[test]
fn nesting_is_bounded() {
    for (depth, accepted) in [(128, true), (129, false), (100_000, false)] {
        let mut cbor = vec![0x81; depth];
        cbor.push(0xf6);
        assert_eq!(load(4, &[Field::Bytes(cbor)]).is_some(), accepted, "CBOR {depth}");
        let text = format!("{}null{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(load(3, &[Field::Bytes(text.into())]).is_some(), accepted, "text {depth}");
        let mut nodes = Vec::new();
        for _ in 0..depth {
            nodes.extend([Field::Unsigned(64), Field::Unsigned(1)]);
        }
        nodes.push(Field::Unsigned(1));
        assert_eq!(load(0, &nodes).is_some(), accepted, "nodes {depth}");
    }
}

#[test]
fn hostile_cbor() {
    for (bytes, printed) in [
        (&b"\x82\x01\x02"[..], Some("[1,2]")),
        (b"\x9f\x01\xff", None),
        (b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", None),
        (b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", None),
        (b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", None),
        (b"\xd8\x4d\x43\x01\x00\x02", None),
        (b"\xd8\x4d\x40", Some("[]")),
        (b"\xd8\x54\x42\x00\x7c", None),
        (b"\xf9\x7e\x00", None),
        (b"\xa1\x01\x02", None),
        (b"\x61\xff", None),
        (b"\x43abc", None),
        (b"\xc1\x01", None),
        (b"\x01\x01", None),
        (b"", None),
        (b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", Some("-9223372036854775808")),
        (b"\x3b\x80\x00\x00\x00\x00\x00\x00\x00", Some("-9.223372036854776e18")),
        (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", Some("18446744073709551615")),
        (b"\xda\x00\x01\x00\x00\x42\x80\x3f", Some("[1.0]")),
    ] {
        let document = load(4, &[Field::Bytes(bytes.to_vec())]);
        assert_eq!(document.as_ref().map(text).as_deref(), printed, "{bytes:x?}");
    }
}

fn load(version: u32, content: &[Field]) -> Option<Document> {
    let document: Document = content.iter().cloned().collect::<Memory>().load(version).ok()?;
    document.validate().unwrap();
    Some(document)
}

proptest! {
    #[test]
    fn any_bytes_as_cbor(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        load(4, &[Field::Bytes(bytes)]);
    }

    #[test]
    fn survives_both_encodings(text in "[\\[{]?(\"[a-z]\"|[0-9.,:\\]}\\[{ ]|null|-1e5){0,20}") {
        let Ok(document) = Document::parse(text.as_bytes()) else { return Ok(()) };
        for version in [3, 4] {
            let back: Document = load_dump(&save_dump(&document, version, 11).unwrap()).unwrap();
            prop_assert!(back == document);
        }
    }
}
