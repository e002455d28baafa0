//! Payloads and files that real servers wrote decode to what was recorded beside them.
//!
//! `KEYSPAN_RDB_FIXTURES=<folder>` reads another folder of the same layout.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that cannot be read fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use keyspan_common::rdb::file::{Reader, Record, Stored};
use keyspan_common::rdb::payload::{self, PayloadWriter, Strings};
use keyspan_common::rdb::{Field, dump};
use serde_json::Value as Json;

/// The fixtures whose name ends in `suffix`; never none.
fn files(suffix: &str) -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/rdb");
    let folder = std::env::var_os("KEYSPAN_RDB_FIXTURES").map_or(own, PathBuf::from);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().is_some_and(|path| path.ends_with(suffix)))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no *{suffix} in {folder:?}");
    found
}

/// The objects of every `.jsonl` file, with a name to report.
fn lines() -> impl Iterator<Item = (String, Json)> {
    files(".jsonl").into_iter().flat_map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let line = |(number, line)| (format!("{path:?}:{number}"), serde_json::from_str(line));
        let objects: Vec<_> = text.lines().enumerate().map(line).collect();
        objects.into_iter().map(|(name, json)| (name, json.unwrap()))
    })
}

/// The bytes of hexadecimal text.
fn bytes(hex: &Json) -> Vec<u8> {
    let pairs = hex.as_str().unwrap().as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// A recorded field.
fn recorded(field: &Json) -> Field {
    match field[0].as_str().unwrap() {
        "u" => {
            let number = &field[1];
            let signed = || number.as_i64().unwrap().cast_unsigned();
            Field::Unsigned(number.as_u64().unwrap_or_else(signed))
        }
        "d" => Field::Double(f64::from_le_bytes(bytes(&field[2]).try_into().unwrap())),
        "f" => Field::Float(field[1].to_string().parse().unwrap()),
        "b" => Field::Bytes(bytes(&field[1])),
        kind => panic!("unknown kind {kind}"),
    }
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn payloads_decode_to_the_recorded_fields() {
    let (mut payloads, mut with_fields) = (0, 0);
    for (name, json) in lines() {
        for key in json["keys"].as_array().into_iter().flatten() {
            let payload = bytes(&key["dump_hex_footer9"]);
            let dump = dump::parse(&payload).expect(&name);
            assert_eq!(dump.type_id.name(), text(key, "type"), "{name}");
            assert_eq!(u64::from(dump.type_id.version()), key["encver"], "{name}");
            assert_eq!(dump.rdb_version, 9, "{name}");
            let fields = payload::fields(dump.body).expect(&name);
            if let Some(expected) = key["fields"].as_array() {
                assert_eq!(fields, expected.iter().map(recorded).collect::<Vec<_>>(), "{name}");
                with_fields += 1;
            }
            assert_eq!(dump::from_body(dump.type_id, 9, dump.body), payload, "{name}");
            rewrites(&fields, &name);
            payloads += 1;
        }
    }
    assert!(payloads > 50 && with_fields > 50, "{payloads} payloads, {with_fields} with fields");
}

/// Fields written in either form decode to themselves.
fn rewrites(fields: &[Field], name: &str) {
    for strings in [Strings::Plain, Strings::Encoded] {
        let mut writer = PayloadWriter::new(strings);
        fields.iter().for_each(|field| writer.field(field));
        assert_eq!(payload::fields(&writer.into_body()).as_deref(), Ok(fields), "{name}");
    }
}

#[test]
fn payloads_as_written_hold_the_same_value() {
    let mut compared = 0;
    for (name, json) in lines() {
        for key in json["keys"].as_array().into_iter().flatten() {
            // A fixture of one key has the payload beside the key, not in it.
            let original = key.get("dump_hex").unwrap_or(&json["dump_hex"]);
            let Json::String(_) = original else { continue };
            let original = bytes(original);
            let dump = dump::parse(&original).expect(&name);
            assert_eq!(u64::from(dump.rdb_version), key["rdb_version"], "{name}");
            assert_eq!(dump::resign(&original, 9), bytes(&key["dump_hex_footer9"]), "{name}");
            compared += 1;
        }
        if let Json::String(_) = json["after_dump_hex"] {
            let after = bytes(&json["after_dump_hex"]);
            payload::fields(dump::parse(&after).expect(&name).body).expect(&name);
        }
    }
    assert!(compared > 50, "{compared} payloads compared");
}

#[test]
fn damaged_payloads_neither_panic_nor_lose_the_type() {
    let mut damaged = 0;
    for (name, json) in lines() {
        if let Json::String(_) = json["mutation"] {
            let payload = bytes(&json["dump_hex"]);
            let dump = dump::parse(&payload).expect(&name);
            assert_eq!(dump.type_id.name(), text(&json, "type"), "{name}");
            let _ = payload::fields(dump.body);
            damaged += 1;
        }
    }
    assert!(damaged > 100, "{damaged} damaged payloads");
}

/// What a manifest says of a key: database, name, expiry.
type Listed = (u64, String, Option<i64>);

fn listed(manifest: &Json) -> Vec<Listed> {
    let listed = |key: &Json| {
        (key["db"].as_u64().unwrap(), text(key, "key").to_owned(), key["expire_at_ms"].as_i64())
    };
    manifest["keys"].as_array().unwrap().iter().map(listed).collect()
}

fn json_beside(path: &Path, suffix: &str) -> Option<Json> {
    let beside = path.to_str().unwrap().to_owned() + suffix;
    let text = fs::read_to_string(beside).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn files_hold_the_keys_of_their_manifests() {
    for path in files(".rdb") {
        let file = fs::read(&path).unwrap();
        let mut found = Vec::new();
        for record in Reader::new(&file).unwrap() {
            let record = record.unwrap_or_else(|error| panic!("{path:?}: {error:?}"));
            if let Record::Entry(entry) = record {
                if let Stored::Module { body, .. } = entry.stored {
                    payload::fields(body).unwrap();
                }
                let key = String::from_utf8(entry.key.into_owned()).unwrap();
                found.push((entry.database, key, entry.expires_at_ms));
            }
        }
        if let Some(manifest) = json_beside(&path, ".manifest.json") {
            let mut expected = listed(&manifest);
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{path:?}");
        }
        assert!(!found.is_empty(), "{path:?}");
    }
}

#[test]
fn the_search_file_holds_its_aux_records() {
    for path in files("valkey8.0.rdb") {
        let Some(expected) = json_beside(&path.with_extension("json"), "") else { continue };
        let file = fs::read(&path).unwrap();
        let aux = |record| match record {
            Record::ModuleAux { type_id, when, body } => {
                payload::fields(body).unwrap();
                Some((type_id.name(), u64::from(type_id.version()), when))
            }
            Record::Aux { .. } | Record::Entry(_) | Record::Function(_) => None,
        };
        let found: Vec<_> =
            Reader::new(&file).unwrap().map(Result::unwrap).filter_map(aux).collect();
        let listed = |aux: &Json| {
            let number = |name| aux[name].as_u64().unwrap();
            (text(aux, "type").to_owned(), number("encver"), number("when"))
        };
        let expected: Vec<_> = expected["aux"].as_array().unwrap().iter().map(listed).collect();
        assert_eq!(found, expected, "{path:?}");
        assert!(!found.is_empty(), "{path:?}");
    }
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    for path in files(".rdb") {
        let file = fs::read(&path).unwrap();
        for cut in (0..file.len()).step_by(1 + file.len() / 97) {
            let whole = Reader::new(file.get(..cut).unwrap())
                .is_ok_and(|mut reader| reader.all(|record| record.is_ok()));
            assert!(!whole, "{path:?} cut at {cut}");
        }
    }
}
