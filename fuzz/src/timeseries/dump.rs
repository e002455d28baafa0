//! RDB payloads. Input: a byte for how the rest is meant, a byte for its encoding version, and the
//! rest.

use keyspan_common::{
    data_type::DataType,
    rdb::{
        TypeId, dump,
        file::{Reader, Record, Stored as Entry},
    },
};
use keyspan_timeseries_core::series::Series;

use super::values::{assert_answers, assert_changes, assert_stored};
use crate::value::RDB_VERSION;

/// Longer inputs teach nothing new.
const INPUT_MAX: usize = 64 << 10;
/// How much memory a payload may ask for: a label of two letters is two blocks and their places.
const GROWTH_MAX: usize = 40;

/// Loads the input as what its first bytes say.
pub fn check(input: &[u8]) {
    let [kind, version, rest @ ..] = input else { return };
    if rest.len() > INPUT_MAX {
        return;
    }
    let type_id = TypeId::new("TSDB-TYPE", u32::from(version % 12));
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

fn value(type_id: TypeId, body: &[u8]) {
    let Ok(series) = dump::load_body::<Series>(type_id, body) else { return };
    let memory = series.memory();
    assert!(
        memory <= GROWTH_MAX * body.len() + 4_096,
        "{memory} bytes of a payload of {}",
        body.len()
    );
    assert_stored(&series);
    assert_answers(&series);
    assert_changes(&series);
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
