//! RDB payloads. Input: a byte for how the rest is meant, a byte for the type, a byte for its encoding
//! version, and the rest.

use keyspan_common::rdb::{
    TypeId, dump,
    file::{Reader, Record, Stored as Entry},
};

use super::{
    CountMin, Cuckoo, Filter, TDigest, TopK, bound_memory, types,
    values::{Stored, assert_answers},
};
use crate::value::RDB_VERSION;

/// Longer inputs teach nothing new.
const INPUT_MAX: usize = 64 << 10;
/// How much memory a payload may ask for beyond its own size, in bytes.
const MEMORY_MAX: usize = 16 << 20;
const NAMES: [&str; 6] =
    ["MBbloom--", "MBbloomCF", "CMSk-TYPE", "TopK-TYPE", "TDIS-TYPE", "bloomfltr"];

/// Loads the input as what its first bytes say.
pub fn check(input: &[u8]) {
    let [kind, name, version, rest @ ..] = input else { return };
    if rest.len() > INPUT_MAX {
        return;
    }
    bound_memory();
    let type_id = TypeId::new(NAMES[usize::from(*name) % NAMES.len()], u32::from(version % 8));
    match kind % 4 {
        0 => payload(rest),
        1 => payload(&dump::from_body(type_id.expect("a version"), RDB_VERSION, rest)),
        2 => payload(&dump::resign(rest, RDB_VERSION)),
        _ => file(rest),
    }
}

/// A payload as RESTORE gets it.
fn payload(bytes: &[u8]) {
    if let Ok(dump) = dump::parse(bytes) {
        value(dump.type_id, dump.body);
    }
}

/// The fields of a value of any type.
fn value(type_id: TypeId, body: &[u8]) {
    macro_rules! load {
        ($($value:ident)*) => {
            $(if let Ok(value) = dump::load_body::<$value>(type_id, body) {
                loaded(&value, body.len());
            })*
        };
    }
    types!(load);
}

fn loaded<V: Stored>(value: &V, len: usize) {
    let memory = value.memory();
    assert!(memory <= 2 * len + MEMORY_MAX, "{memory} bytes of a payload of {len}");
    assert_answers(value);
}

/// All values of a whole file.
fn file(bytes: &[u8]) {
    let Ok(reader) = Reader::new(bytes) else { return };
    for record in reader {
        if let Ok(Record::Entry(entry)) = record
            && let Entry::Module { type_id, body } = entry.stored
        {
            value(type_id, body);
        }
    }
}
