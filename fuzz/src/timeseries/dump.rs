//! RDB payloads. Input: a byte for how the rest is meant, a byte for the encoding version, and the
//! rest.

use keyspan_common::data_type::DataType;
use keyspan_common::rdb::file::{Reader, Record, Stored};
use keyspan_common::rdb::{TypeId, dump};
use keyspan_timeseries_core::series::Series;

use super::assert_answers;
use crate::value::RDB_VERSION;

/// Longer inputs teach nothing new.
const INPUT_MAX: usize = 64 << 10;

/// Loads the input as what its first bytes say.
pub fn check(input: &[u8]) {
    let [kind, version, rest @ ..] = input else { return };
    if rest.len() > INPUT_MAX {
        return;
    }
    let type_id = TypeId::new("TSDB-TYPE", u32::from(version % 12)).expect("a version");
    match kind % 4 {
        0 => payload(rest),
        1 => value(type_id, rest),
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

/// The fields of a series.
fn value(type_id: TypeId, body: &[u8]) {
    if let Ok(series) = dump::load_body::<Series>(type_id, body) {
        let memory = series.memory();
        assert!(memory <= 100 * body.len() + 4096, "{memory} bytes of a payload of {}", body.len());
        assert_answers(series);
    }
}

/// All values of a whole file.
fn file(bytes: &[u8]) {
    let Ok(reader) = Reader::new(bytes) else { return };
    for record in reader {
        if let Ok(Record::Entry(entry)) = record
            && let Stored::Module { type_id, body } = entry.stored
        {
            value(type_id, body);
        }
    }
}
