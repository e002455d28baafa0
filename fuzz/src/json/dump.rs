//! RDB payloads and files. Input: a byte for how the rest is meant, a byte for an encoding version,
//! and the rest.

use keyspan_common::rdb::{
    PayloadReader, PayloadWriter, TypeId, Value, Write, dump,
    file::{Reader, Record, Stored},
    load_dump, payload, save_dump,
    search_aux::{Aux, Dictionaries, Indexes},
};
use keyspan_json_core::Document;

use super::{model, text, validate};

/// Longer inputs teach nothing new.
const INPUT_MAX: usize = 64 << 10;
/// What RESTORE of every supported server takes.
const RDB_VERSION: u16 = 9;

/// Loads the input as what its first byte says.
pub fn check(input: &[u8]) {
    let [kind, version, rest @ ..] = input else { return };
    if rest.len() > INPUT_MAX {
        return;
    }
    match kind % 8 {
        0 => payload(rest),
        1 => body(u32::from(version % 6), rest),
        2 => content(u32::from(version % 6), rest),
        3 => file(rest),
        4 => file(&[b"REDIS0011".as_slice(), rest].concat()),
        5 => aux(u32::from(*version), rest),
        6 => bson(rest),
        _ => payload(&dump::resign(rest, RDB_VERSION)),
    }
}

/// A payload as RESTORE gets it.
fn payload(bytes: &[u8]) {
    if let Ok(document) = load_dump::<Document>(bytes) {
        saves(&document);
    }
}

/// The fields of a value, with a right footer.
fn body(version: u32, body: &[u8]) {
    let type_id = TypeId::new(Document::TYPE_NAMES[0], version).expect("a version");
    let bytes = dump::from_body(type_id, RDB_VERSION, body);
    let parsed = dump::parse(&bytes).expect("a payload");
    assert_eq!((parsed.type_id, parsed.body), (type_id, body));
    fields(body);
    payload(&bytes);
}

/// One string field: text or CBOR.
fn content(version: u32, bytes: &[u8]) {
    let type_id = TypeId::new(Document::TYPE_NAMES[0], version).expect("a version");
    payload(&dump::write(type_id, RDB_VERSION, |writer| writer.bytes(bytes)));
}

/// Fields that can be read are written so that they read the same.
fn fields(body: &[u8]) {
    let Ok(fields) = payload::fields(body) else { return };
    for strings in [payload::Strings::Plain, payload::Strings::Encoded] {
        let mut writer = PayloadWriter::new(strings);
        fields.iter().for_each(|field| writer.field(field));
        assert_eq!(payload::fields(&writer.into_body()).as_ref(), Ok(&fields));
    }
}

/// A loaded document is in order, prints JSON, and loads the same from each encoding.
fn saves(document: &Document) {
    validate(document);
    let printed = text(document.root());
    model::assert_same(document.root(), &model::parsed(&printed));
    for version in [3, 4] {
        let saved = save_dump(document, version, RDB_VERSION).expect("a version");
        let loaded = load_dump::<Document>(&saved).expect("what was saved loads");
        validate(&loaded);
        assert_eq!(text(loaded.root()), printed, "from encoding {version}");
        assert_eq!(save_dump(&loaded, version, RDB_VERSION), Ok(saved), "saved again");
    }
}

/// A whole file, all its documents, and what RediSearch left in it.
fn file(bytes: &[u8]) {
    let Ok(reader) = Reader::new(bytes) else { return };
    let mut records = 0;
    for record in reader {
        records += 1;
        assert!(records <= bytes.len(), "more records than bytes");
        match record {
            Ok(Record::Entry(entry)) => stored(&entry.stored),
            Ok(Record::ModuleAux { type_id, when, body }) => {
                skip::<Indexes>(body, type_id.version(), when == 1);
                skip::<Dictionaries>(body, type_id.version(), when == 1);
            }
            Ok(Record::Aux { .. } | Record::Function(_)) | Err(_) => {}
        }
    }
}

fn stored(stored: &Stored<'_>) {
    if let Stored::Module { type_id, body } = stored
        && let Ok(document) = dump::load_body::<Document>(*type_id, body)
    {
        saves(&document);
    }
}

fn aux(version: u32, body: &[u8]) {
    for before_keys in [true, false] {
        skip::<Indexes>(body, version, before_keys);
        skip::<Indexes>(body, 17 + version % 11, before_keys);
        skip::<Dictionaries>(body, version % 3, before_keys);
    }
}

fn skip<A: Aux>(body: &[u8], version: u32, before_keys: bool) {
    if let Ok(count) = A::skip(&mut PayloadReader::new(body), version, before_keys) {
        assert!(count <= body.len() as u64, "{count} entries in {} bytes", body.len());
    }
}

fn bson(bytes: &[u8]) {
    if let Ok(document) = Document::from_bson(bytes) {
        saves(&document);
    }
}
