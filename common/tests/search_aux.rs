//! RediSearch's records beside the keys are read to their end, neither more nor less.

use std::path::Path;

use keyspan_common::rdb::file::{Reader, Record};
use keyspan_common::rdb::payload::{PayloadReader, PayloadWriter, Strings};
use keyspan_common::rdb::search_aux::{Aux, Dictionaries, Indexes};
use keyspan_common::rdb::{Error, Write};

/// Reads a body as a server does: the record, then the end mark.
fn skip<A: Aux>(body: &[u8], version: u32, before_keys: bool) -> Result<u64, Error> {
    let mut reader = PayloadReader::new(body);
    let count = A::skip(&mut reader, version, before_keys)?;
    reader.finish()?;
    Ok(count)
}

fn skip_named(name: &str, body: &[u8], version: u32, when: u64) -> Result<u64, Error> {
    match name {
        "ft_index0" => skip::<Indexes>(body, version, when == 1),
        "scdtype00" => skip::<Dictionaries>(body, version, when == 1),
        _ => Err(Error::Invalid),
    }
}

#[test]
fn records_of_redisearch_2_10_are_skipped() {
    let file = "../tests/fixtures/rdb/redisearch-2.10.32-valkey8.0.rdb";
    let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let mut found = Vec::new();
    for record in Reader::new(&file).unwrap() {
        let Record::ModuleAux { type_id, when, body } = record.unwrap() else { continue };
        let (name, version) = (type_id.name(), type_id.version());
        let count = skip_named(&name, body, version, when).unwrap();
        // Every field counts: a record that ends early is an error.
        for len in 0..body.len() {
            assert!(skip_named(&name, &body[..len], version, when).is_err(), "{name} {len}");
        }
        found.push((name, when, count));
    }
    found.sort();
    let expected = [("ft_index0", 1, 2), ("scdtype00", 1, 0), ("scdtype00", 2, 1)];
    assert_eq!(found, expected.map(|(name, when, count)| (name.to_owned(), when, count)));
}

/// A record of one index with one field of these types, `extra` standing where the encoding puts
/// what the types need.
fn index(version: u32, types: u64, flags: u64, extra: &[i64]) -> Vec<u8> {
    let mut out = PayloadWriter::new(Strings::Plain);
    let zeros = |out: &mut PayloadWriter, count: u32| (0..count).for_each(|_| out.unsigned(0));
    out.unsigned(1);
    out.bytes(b"idx\0");
    out.unsigned(flags);
    out.unsigned(1);
    out.bytes(b"field\0");
    if version >= 18 {
        out.unsigned(1);
        out.bytes(b"$.path\0");
    }
    out.unsigned(types);
    out.unsigned(0);
    out.signed(-1);
    for number in extra {
        match number {
            -1 => out.double(0.5),
            number => out.signed(*number),
        }
    }
    out.bytes(b"JSON\0");
    zeros(&mut out, 5);
    out.double(1.0);
    zeros(&mut out, 1 + u32::from(version >= 24));
    if flags & 0x100 != 0 {
        out.unsigned(1);
        out.bytes(b"term");
        out.unsigned(2);
        out.bytes(b"~a");
        out.bytes(b"~b");
    }
    zeros(&mut out, 2);
    out.into_body()
}

fn check(version: u32, types: u64, flags: u64, extra: &[i64]) {
    let body = index(version, types, flags, extra);
    assert_eq!(skip::<Indexes>(&body, version, true), Ok(1), "{version} {types} {extra:?}");
    let mut longer = extra.to_vec();
    longer.push(0);
    let body = index(version, types, flags, &longer);
    assert!(skip::<Indexes>(&body, version, true).is_err(), "{version} {types} {longer:?}");
}

#[test]
fn every_encoding_has_its_own_fields() {
    const NUMERIC: u64 = 2;
    const VECTOR: u64 = 16;
    const SHAPE: u64 = 32;
    for version in 17..=27 {
        check(version, NUMERIC, 0, &[]);
        check(version, NUMERIC, 0x100, &[]);
    }
    check(22, SHAPE, 0, &[]);
    check(23, SHAPE, 0, &[1]);
    check(18, VECTOR, 0, &[]);
    // The algorithm, then its parameters; from 20 on behind the size of a blob.
    check(19, VECTOR, 0, &[0, 1, 2, 3, 4, 5]);
    check(19, VECTOR, 0, &[1, 1, 2, 3, 4, 5, 6, 7]);
    check(20, VECTOR, 0, &[9, 0, 1, 2, 3, 4, 5]);
    check(21, VECTOR, 0, &[9, 0, 1, 2, 3, 4, 5, 6]);
    check(21, VECTOR, 0, &[9, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
    check(24, VECTOR, 0, &[9, 0, 1, 2, 3, 4, 5, 6]);
    check(24, VECTOR, 0, &[9, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    check(25, VECTOR, 0, &[9, 0, 1, 2, 3, 4]);
    check(26, VECTOR, 0, &[9, 2, 1, 1, 2, 3, 4, 5, 6, 7, 8, -1]);
    check(27, VECTOR, 0, &[9, 2, 1, 1, 2, 3, 4, 5, 6, 7, 8, -1, 0]);
    check(27, VECTOR, 0, &[9, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1]);
}

#[test]
fn hostile_counts_and_versions_are_refused() {
    let mut out = PayloadWriter::new(Strings::Plain);
    out.unsigned(u64::MAX);
    let body = out.into_body();
    assert_eq!(skip::<Indexes>(&body, 23, true), Err(Error::Invalid));
    assert_eq!(skip::<Dictionaries>(&body, 1, false), Err(Error::Invalid));
    assert_eq!(skip::<Indexes>(&[0], 16, true), Err(Error::Version));
    assert_eq!(skip::<Indexes>(&[0], 28, true), Err(Error::Version));
    assert_eq!(skip::<Dictionaries>(&[0], 2, false), Err(Error::Version));
}
