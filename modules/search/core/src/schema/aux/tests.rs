//! The records of a real file, and those of other encodings put together field by field.

use keyspan_common::rdb::file::{Reader, Record};
use keyspan_common::rdb::{Error, Field as Raw, Memory, PayloadReader, Value, Write, payload};

use super::*;
use crate::schema::{Algorithm, Create, Flags, Kind, Limits, Metric, Options, Source, Tag};

/// The body of the record of RediSearch 2.10.32.
fn body() -> Vec<u8> {
    let file = "../../../tests/fixtures/rdb/redisearch-2.10.32-valkey8.0.rdb";
    let file = std::fs::read(file).unwrap();
    let mut bodies = Reader::new(&file).unwrap().filter_map(|record| {
        let Record::ModuleAux { type_id, when: 1, body } = record.unwrap() else { return None };
        (type_id.name() == "ft_index0").then(|| body.to_vec())
    });
    bodies.next().unwrap()
}

fn observed() -> Definitions {
    let body = body();
    let mut reader = PayloadReader::new(&body);
    let definitions = Definitions::load(&mut reader, 23.into()).unwrap();
    reader.finish().unwrap();
    definitions
}

#[test]
fn a_real_file_defines_its_indexes() {
    let Definitions(indexes) = observed();
    let [vectors, texts] = indexes.as_slice() else { panic!("two indexes") };
    assert_eq!((&*vectors.name, &*texts.name), (&b"idx:vec"[..], &b"idx:text"[..]));
    let [emb, flat, nm] = vectors.schema.fields.as_slice() else { panic!("three fields") };
    let hnsw = Algorithm::Hnsw { m: 8, ef_construction: 100, ef_runtime: 20, epsilon: 0.01 };
    let vector = emb.vector().unwrap();
    assert_eq!((vector.algorithm, vector.dimension, vector.metric), (hnsw, 4, Metric::Cosine));
    assert_eq!(flat.vector().unwrap().algorithm, Algorithm::FLAT);
    assert_eq!((nm.identifier(), nm.is_served()), (&b"name"[..], false));
    let schema = &texts.schema;
    assert_eq!((schema.source, schema.score, schema.prefixes.len()), (Source::Hash, 0.7, 2));
    assert_eq!(schema.stopwords.as_ref().map(Vec::len), Some(2));
    let tag = Tag { separator: b';', case_sensitive: true };
    assert_eq!(schema.field(b"tags").map(|field| field.kind), Some(Kind::Tag(tag)));
    let price = schema.field(b"price").unwrap();
    assert_eq!((price.sort_slot, price.options.has(Options::UNNORMALISED)), (Some(1), true));
    assert!(schema.has_text() && schema.temporary_ms.is_none());
    assert_eq!(texts.aliases, [Box::from(*b"al1"), Box::from(*b"al2")]);
    assert_eq!(texts.synonyms.len(), 2);
}

#[test]
fn a_real_file_is_written_as_it_was() {
    let mut memory = Memory::default();
    observed().save(&mut memory, VERSION);
    let fields: Vec<Raw> = memory.fields().cloned().collect();
    assert_eq!(fields, payload::fields(&body()).unwrap());
}

fn defined(line: &str) -> Definitions {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    let schema = Create::parse(&words, &Limits::default()).unwrap().schema;
    Definitions(vec![Definition {
        name: Box::from(*b"i"),
        schema,
        aliases: Vec::new(),
        synonyms: Vec::new(),
    }])
}

#[test]
fn what_is_declared_here_survives() {
    for line in [
        "SCHEMA t TAG n NUMERIC SORTABLE NOINDEX g GEO INDEXMISSING",
        "ON JSON PREFIX 2 a b FILTER @n>1 LANGUAGE_FIELD l SCORE_FIELD s TEMPORARY 5 STOPWORDS 0 \
         SCHEMA $.t AS t TAG SEPARATOR ; WITHSUFFIXTRIE INDEXEMPTY",
        "SCHEMA v VECTOR FLAT 8 TYPE BFLOAT16 DIM 9 DISTANCE_METRIC IP BLOCK_SIZE 7 \
         w VECTOR HNSW 8 TYPE UINT8 DIM 9 DISTANCE_METRIC L2 M 7",
    ] {
        let definitions = defined(line);
        assert_eq!(Memory::round_trip(&definitions, VERSION), Ok(definitions), "{line}");
    }
}

/// A record with one vector field, in the layout of `version`.
fn record(version: u32, vector: &[u64], epsilon: Option<f64>, behind: &[u64]) -> Memory {
    let mut out = Memory::default();
    out.unsigned(1);
    out.bytes(b"i\0");
    out.unsigned(0x53);
    out.unsigned(1);
    out.bytes(b"v\0");
    if version >= 18 {
        out.unsigned(0);
    }
    [16, 0].into_iter().for_each(|number| out.unsigned(number));
    out.signed(-1);
    vector.iter().for_each(|number| out.unsigned(*number));
    epsilon.into_iter().for_each(|number| out.double(number));
    behind.iter().for_each(|number| out.unsigned(*number));
    out.bytes(b"JSON\0");
    out.unsigned(1);
    out.bytes(b"p:\0");
    [0; 4].into_iter().for_each(|number| out.unsigned(number));
    out.double(1.0);
    out.unsigned(0);
    if version >= 24 {
        out.unsigned(1);
    }
    out.unsigned(NO_TIMEOUT);
    out.unsigned(0);
    out
}

const NO_TIMEOUT: u64 = (-1000_i64).cast_unsigned();

fn check(version: u32, vector: &[u64], epsilon: Option<f64>, behind: &[u64], m: u64) {
    let memory = record(version, vector, epsilon, behind);
    let Definitions(indexes) = memory.load(version).unwrap();
    let schema = &indexes[0].schema;
    assert_eq!((schema.source, schema.index_all), (Source::Json, version >= 24), "{version}");
    let vector = schema.fields[0].vector().unwrap();
    let is_graph = matches!(vector.algorithm, Algorithm::Hnsw { m: found, ef_construction: 200, ef_runtime: 10, .. } if found == m);
    assert!(is_graph || (m == 0 && vector.algorithm == Algorithm::FLAT), "{version} {vector:?}");
    assert_eq!((vector.dimension, vector.metric), (4, Metric::Cosine), "{version}");
}

#[test]
fn every_encoding_has_its_layout() {
    // Type, dimension, metric, multi, capacity, M, efforts.
    check(19, &[1, 0, 4, 2, 1024, 8, 200, 10], None, &[], 8);
    check(20, &[16, 1, 0, 4, 2, 1024, 8, 200, 10], None, &[], 8);
    check(21, &[16, 1, 0, 4, 2, 1, 1024, 8, 200, 10], None, &[], 8);
    check(22, &[16, 2, 1, 0, 0, 4, 2, 1, 1024, 8, 200, 10], None, &[], 8);
    check(24, &[16, 2, 1, 0, 0, 4, 2, 1, 1024, 8, 200, 10], None, &[], 8);
    check(25, &[16, 2, 1, 0, 0, 4, 2, 1, 8, 200, 10], Some(0.1), &[], 8);
    check(27, &[16, 2, 1, 0, 0, 4, 2, 1, 8, 200, 10], Some(0.1), &[0], 8);
    check(26, &[16, 2, 3, 10240, 0, 4, 2, 0, 8, 32, 200, 0, 10], Some(0.1), &[], 16);
    check(19, &[0, 0, 4, 2, 1024, 0], None, &[], 0);
    check(24, &[16, 0, 0, 4, 2, 0, 1024, 1024], None, &[], 0);
    check(27, &[16, 0, 0, 4, 2, 0], None, &[], 0);
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let load =
        |version, vector: &[u64]| record(version, vector, None, &[]).load::<Definitions>(version);
    assert_eq!(load(23, &[16, 0, 6, 4, 2, 0, 1024, 1024]), Err(Error::Invalid));
    assert_eq!(load(23, &[16, 0, 0, 0, 2, 0, 1024, 1024]), Err(Error::Invalid));
    assert_eq!(load(23, &[16, 0, 0, 4, 3, 0, 1024, 1024]), Err(Error::Invalid));
    assert_eq!(load(23, &[16, 2, 1, 0, 0, 4, 2, 1, 1024, 0, 200, 10]), Err(Error::Invalid));
    assert_eq!(load(28, &[16, 0, 0, 4, 2, 0]), Err(Error::Version));
    let mut many = Memory::default();
    many.unsigned(u64::MAX);
    assert_eq!(many.load::<Definitions>(23), Err(Error::Invalid));
}

/// A message field that holds bytes.
fn sub(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn valkey(schema: &[u8]) -> Memory {
    let mut out = Memory::default();
    out.unsigned(0x0001_0200);
    out.unsigned(2);
    out.bytes(&[&[8, 1, 16, 1][..], &sub(3, schema)].concat());
    for bytes in [&b"header"[..], b"chunk", b"chunk", b""] {
        out.bytes(bytes);
    }
    out.bytes(&[8, 2]);
    out
}

#[test]
fn definitions_of_valkey_search_are_read() {
    let hnsw = sub(6, &[8, 8, 16, 100, 24, 20]);
    let vector = [&[8, 0x80, 1, 24, 3, 32, 1, 40, 10][..], &hnsw].concat();
    let attribute = |name: &[u8], path: &[u8], index: &[u8]| {
        sub(6, &[sub(1, name), sub(2, path), sub(3, index)].concat())
    };
    let schema = [
        sub(1, b"i"),
        sub(2, b"p:"),
        vec![24, 2, 64, 3],
        attribute(b"v", b"$.v", &sub(1, &vector)),
        attribute(b"t", b"t", &sub(3, &[&sub(1, b"|")[..], &[16, 1]].concat())),
        attribute(b"n", b"n", &sub(2, b"")),
    ];
    let ValkeyDefinitions(indexes) = valkey(&schema.concat()).load(VALKEY_VERSION).unwrap();
    let [(database, index)] = indexes.as_slice() else { panic!("one index") };
    assert_eq!((*database, &*index.name, index.schema.source), (3, &b"i"[..], Source::Json));
    let [v, t, n] = index.schema.fields.as_slice() else { panic!("three fields") };
    assert_eq!((v.identifier(), v.vector().unwrap().dimension), (&b"$.v"[..], 128));
    let graph = Algorithm::Hnsw { m: 8, ef_construction: 100, ef_runtime: 20, epsilon: 0.01 };
    assert_eq!(v.vector().unwrap().algorithm, graph);
    assert_eq!(t.kind, Kind::Tag(Tag { separator: b'|', case_sensitive: true }));
    assert_eq!((n.kind, n.path.as_deref()), (Kind::Numeric, None));
    assert!(index.schema.flags.has(Flags::VECTORS));
}

#[test]
fn bad_messages_are_refused() {
    let load = |schema: &[u8]| valkey(schema).load::<ValkeyDefinitions>(VALKEY_VERSION);
    assert_eq!(load(&[10, 5, b'a']), Err(Error::Invalid));
    assert_eq!(load(&[0x80; 11]), Err(Error::Invalid));
    assert_eq!(load(&sub(6, &sub(1, b"v"))), Err(Error::Invalid));
}
