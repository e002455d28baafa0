//! Command lines, and what becomes of them. Error texts of RediSearch 2.10.32.

use super::*;
use crate::code::Coded;
use crate::schema::{Algorithm, Element, Item, Metric};

/// Words of a line; `''` is an empty one.
fn words(line: &str) -> Vec<&[u8]> {
    line.split_whitespace()
        .map(|word| if word == "''" { &b""[..] } else { word.as_bytes() })
        .collect()
}

fn create(line: &str) -> Result<Schema, String> {
    let created = Create::parse(&words(line), &Limits::default());
    created.map(|create| create.schema).map_err(|error| error.text())
}

fn check(line: &str, error: &str) {
    assert_eq!(create(line).map(drop), Err(error.to_owned()), "{line}");
}

#[test]
fn heads_are_refused_as_observed() {
    check("ON LIST SCHEMA tag TAG", "Invalid rule type: LIST");
    check("ON", "Bad arguments for ON: Expected an argument, but none provided");
    check("PREFIX 2 a", "Bad arguments for PREFIX: Expected an argument, but none provided");
    check("PREFIX x a", "Bad arguments for PREFIX: Could not convert argument to expected type");
    check("STOPWORDS -1", "Bad arguments for STOPWORDS: Value is outside acceptable bounds");
    check("SCORE 2 SCHEMA t TAG", "Invalid score: 2");
    check("SCORE nan SCHEMA t TAG", "Invalid score: nan");
    check("LANGUAGE klingon SCHEMA t TAG", "Invalid language: klingon");
    check("FOO 1 SCHEMA t TAG", "Unknown argument `FOO`");
    check("ON HASH PREFIX 1 a", "No schema found");
    check("ON HASH SCHEMA", "Fields arguments are missing");
    check(
        "TEMPORARY x SCHEMA t TAG",
        "Bad arguments for TEMPORARY: Could not convert argument to expected type",
    );
    check(
        "TEMPORARY 9223372036854775807 SCHEMA t TAG",
        "Bad arguments for TEMPORARY: Value is outside acceptable bounds",
    );
}

#[test]
fn fields_are_refused_as_observed() {
    check("SCHEMA tag FOO", "Invalid field type for field `tag`");
    check("SCHEMA tag", "Field `tag` does not have a type");
    check("SCHEMA tag AS", "AS requires an argument");
    check("SCHEMA '' TAG", "Field name cannot be empty");
    check("SCHEMA tag TAG tag TAG", "Duplicate field in schema - tag");
    check("SCHEMA a AS tag TAG tag NUMERIC", "Duplicate field in schema - tag");
    check("SCHEMA tag TAG SEPARATOR", "SEPARATOR requires an argument");
    check("SCHEMA tag TAG SEPARATOR ab", "Tag separator must be a single character. Got `%s`ab");
    check("SCHEMA tag TAG FOO", "Field `FOO` does not have a type");
    check("SCHEMA title TEXT", "TEXT fields are not supported yet, field `title`");
    check("SCHEMA shape GEOSHAPE", "GEOSHAPE fields are not supported yet, field `shape`");
}

#[test]
fn vectors_are_refused_as_observed() {
    let vector = |rest: &str, error: &str| check(&format!("SCHEMA vec VECTOR {rest}"), error);
    let bad = |rest: &str, name: &str, text: &str| {
        let error = format!("Bad arguments for vector similarity HNSW index `{name}`: {text}");
        vector(&format!("HNSW {rest}"), &error);
    };
    let missing = "Expected an argument, but none provided";
    vector("", &format!("Bad arguments for vector similarity algorithm: {missing}"));
    vector("HNSW", &format!("Bad arguments for vector similarity number of parameters: {missing}"));
    vector("SVS-VAMANA 0", "Bad arguments for vector similarity algorithm: Unknown argument");
    vector(
        "HNSW 5 TYPE FLOAT32 DIM 2 DISTANCE_METRIC",
        "Bad number of arguments for vector similarity index: got 5 but expected even number (as algorithm parameters should be submitted as named arguments)",
    );
    vector("HNSW 6 TYPE FLOAT32", "Expected 6 parameters but got 2");
    vector("HNSW 2 FOO 5", "Bad arguments for algorithm HNSW: FOO");
    vector("FLAT 2 M 5", "Bad arguments for algorithm FLAT: M");
    vector(
        "FLAT 2 BLOCK_SIZE 0",
        "Bad arguments for vector similarity FLAT index `BLOCK_SIZE`: Value is outside acceptable bounds",
    );
    let bounds = "Value is outside acceptable bounds";
    bad("2 DIM 0", "DIM", bounds);
    bad("2 DIM -1", "DIM", bounds);
    bad("2 DIM 1000000000", "DIM", bounds);
    bad("2 M 0", "M", bounds);
    bad("2 M 1000000", "M", bounds);
    bad("2 EF_CONSTRUCTION 0", "EF_CONSTRUCTION", bounds);
    bad("2 EPSILON -1", "EPSILON", bounds);
    bad("2 M abc", "M", "Could not convert argument to expected type");
    bad("2 TYPE FOO", "TYPE", "Unknown argument");
    bad("2 QUANTIZATION PQ", "QUANTIZATION", "Unknown argument");
    bad("8 TYPE INT8 DIM 2 DISTANCE_METRIC L2 QUANTIZATION SQ8", "QUANTIZATION", bounds);
    for (rest, name) in [
        ("0", "TYPE"),
        ("4 DIM 2 DISTANCE_METRIC L2", "TYPE"),
        ("4 TYPE FLOAT32 DISTANCE_METRIC L2", "DIM"),
        ("4 TYPE FLOAT32 DIM 2", "DISTANCE_METRIC"),
    ] {
        vector(
            &format!("HNSW {rest}"),
            &format!(
                "Missing mandatory parameter: cannot create HNSW index without specifying {name} argument"
            ),
        );
    }
}

#[test]
fn a_schema_holds_what_was_declared() {
    let schema = create(
        "on json prefix 2 a: b: filter @n>1 score 0.5 score_field s skipinitialscan stopwords 0 \
         SCHEMA $.t AS t TAG SEPARATOR ; CASESENSITIVE INDEXEMPTY SORTABLE n NUMERIC SORTABLE NOINDEX \
         $.g GEO INDEXMISSING \
         v VECTOR hnsw 12 TYPE float16 DIM 3 DISTANCE_METRIC cosine M 8 EPSILON 0.5 QUANTIZATION SQ8",
    )
    .unwrap();
    assert_eq!((schema.source, schema.score), (Source::Json, 0.5));
    assert_eq!(schema.prefixes, [Box::from(*b"a:"), Box::from(*b"b:")]);
    assert!(schema.covers(b"b:1") && !schema.covers(b"c:1"));
    assert_eq!(
        (schema.filter.as_deref(), schema.score_field.as_deref()),
        (Some(&b"@n>1"[..]), Some(&b"s"[..]))
    );
    assert_eq!(schema.stopwords, Some(vec![]));
    assert!(schema.flags.has(Flags::SKIP_SCAN) && schema.flags.has(Flags::ALIASED));
    assert!(!schema.flags.has(Flags::NON_EMPTY) && schema.flags.has(Flags::VECTORS));
    let [t, n, g, v] = schema.fields.as_slice() else { panic!("four fields") };
    assert_eq!((&*t.name, t.identifier(), t.sort_slot), (&b"t"[..], &b"$.t"[..], Some(0)));
    assert_eq!(t.kind, Kind::Tag(Tag { separator: b';', case_sensitive: true }));
    assert!(!n.is_indexed() && n.sort_slot == Some(1) && n.options.has(Options::UNNORMALISED));
    assert!(g.options.has(Options::MISSING) && g.is_indexed());
    let vector = v.vector().unwrap();
    assert_eq!(
        (vector.element, vector.dimension, vector.metric),
        (Element::Float16, 3, Metric::Cosine)
    );
    assert_eq!((vector.blob_size(), vector.quantized), (6, true));
    let hnsw = Algorithm::Hnsw { m: 8, ef_construction: 200, ef_runtime: 10, epsilon: 0.5 };
    assert_eq!(vector.algorithm, hnsw);
}

#[test]
fn fields_are_added_behind_the_others() {
    let schema = create("SCHEMA a TAG SORTABLE").unwrap();
    let alter = |line: &str| {
        Alter::parse(&words(line), &schema, &Limits { fields: 2, ..Limits::default() })
            .map_err(|error| error.text())
    };
    assert_eq!(alter(""), Err("ALTER must be followed by SCHEMA".to_owned()));
    assert_eq!(alter("SCHEMA DROP a"), Err("Unknown action passed to ALTER SCHEMA".to_owned()));
    assert_eq!(alter("SCHEMA ADD"), Err("No fields provided".to_owned()));
    assert_eq!(alter("SCHEMA ADD a TAG"), Err("Duplicate field in schema - a".to_owned()));
    assert_eq!(alter("SCHEMA ADD b TAG c TAG"), Err("Schema is limited to 2 fields".to_owned()));
    let added = alter("SKIPINITIALSCAN SCHEMA ADD b NUMERIC SORTABLE").unwrap();
    assert!(added.skip_scan);
    assert_eq!((added.schema.position(b"b"), added.schema.fields[1].sort_slot), (Some(1), Some(1)));
}

#[test]
fn fields_describe_themselves_as_observed() {
    let schema = create(
        "SCHEMA t TAG CASESENSITIVE n NUMERIC SORTABLE v VECTOR FLAT 6 TYPE INT8 DIM 2 DISTANCE_METRIC IP",
    )
    .unwrap();
    let rest = |place: usize| schema.fields[place].info()[3..].to_vec();
    assert_eq!(rest(0), [Item::Text("SEPARATOR", b","), Item::Flag("CASESENSITIVE")]);
    assert_eq!(rest(1), [Item::Flag("SORTABLE"), Item::Flag("UNF")]);
    let vector = [
        Item::Text("algorithm", b"FLAT"),
        Item::Text("data_type", b"INT8"),
        Item::Number("dim", 2),
        Item::Text("distance_metric", b"IP"),
    ];
    assert_eq!(rest(2), vector);
}
