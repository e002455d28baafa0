//! Command lines, and what becomes of them. Error texts of RediSearch 2.10.32.

use super::*;
use crate::code::Coded;
use crate::query::explain;
use crate::schema::{Create, Limits, Schema};

fn request(line: &str) -> Result<Request, String> {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    Request::parse(&words, &Defaults::default()).map_err(|error| error.text())
}

fn check(line: &str, error: &str) {
    assert_eq!(request(line).map(drop), Err(error.to_owned()), "{line}");
}

#[test]
fn requests_are_refused_as_observed() {
    check("", "No query string provided");
    check("* LIMIT 0 -1", "LIMIT needs two numeric arguments");
    check("* LIMIT 0 99999999", "LIMIT exceeds maximum of 1000000");
    check("* LIMIT 0", "LIMIT requires two arguments");
    check("* FILTER num 1", "FILTER requires 3 arguments");
    check("* PARAMS 1 q", "Parameters must be specified in PARAM VALUE pairs");
    check("* PARAMS 4 q a q b", "Duplicate parameter `q`");
    check("* DIALECT 9", "DIALECT requires a non negative integer >=1 and <= 4");
    check("* FOO", "Unknown argument `FOO` at position 1 for <main>");
    check("* TIMEOUT -1", "TIMEOUT requires a non negative integer");
}

#[test]
fn other_arguments_have_their_texts() {
    let missing = "Expected an argument, but none provided";
    check("* LIMIT 1000001 1", "OFFSET exceeds maximum of 1000000");
    check("* LIMIT 5 0", "The `offset` of the LIMIT must be 0 when `num` is 0");
    check("* LIMIT 0 18446744073709551616", "LIMIT needs two numeric arguments");
    check("* FILTER num a 1", "Bad lower range: a");
    check("* FILTER num 1 (b", "Bad upper range: (b");
    check("* GEOFILTER loc 1 2 3", "GEOFILTER requires 5 arguments");
    check(
        "* GEOFILTER loc x 2 3 km",
        "Bad arguments for <lon>: Could not convert argument to expected type",
    );
    check("* GEOFILTER loc 1 2 3 parsec", "Unknown distance unit parsec");
    check("* PARAMS 3 q", &format!("Bad arguments for PARAMS: {missing}"));
    check("* PARAMS 0", "Parameters must be specified in PARAM VALUE pairs");
    check(
        "* PARAMS 2 q a PARAMS 2 r b",
        "Multiple PARAMS are not allowed. Parameters can be defined only once",
    );
    check("* INKEYS 2 a", &format!("Bad arguments for INKEYS: {missing}"));
    check("* RETURN x", "Bad arguments for RETURN: Could not convert argument to expected type");
    check("* RETURN 2 a AS", "RETURN path AS name - must be accompanied with NAME");
    check("* RETURN 3 a AS as", "Alias for RETURN cannot be `AS`");
    check("* SORTBY", "Bad SORTBY arguments");
    check(
        "* SORTBY a SORTBY b",
        "Multiple SORTBY steps are not allowed. Sort multiple fields in a single step",
    );
    check("* DIALECT", "Need an argument for DIALECT");
    check("* FORMAT X", "FORMAT X is not supported");
    check("* SCORER NOPE", "No such scorer NOPE");
    check("* LANGUAGE nope", "No such language nope");
    check("* EXPLAINSCORE", "EXPLAINSCORE must be accompanied with WITHSCORES");
    check("* SUMMARIZE FRAGS x", "Bad arguments for SUMMARIZE");
    check("* NOCONTENT extra", "Unknown argument `extra` at position 2 for <main>");
}

#[test]
fn a_request_holds_what_was_asked() {
    let request = request(
        "@a:{x} nocontent INKEYS 2 k l RETURN 5 a b AS c a LIMIT 5 7 SORTBY b DESC TIMEOUT 9 \
         PARAMS 2 q v DIALECT 3 FORMAT expand WITHSCORES SCORER DOCSCORE VERBATIM SLOP 1 \
         HIGHLIGHT FIELDS 1 a TAGS o c FILTER n (1 +inf",
    )
    .unwrap();
    assert!(request.has(Switch::NoContent) && !request.has(Switch::WithSortKeys));
    assert_eq!(request.keys.as_ref().map(Vec::len), Some(2));
    assert_eq!((request.limit, request.timeout_ms, request.dialect), ((5, 7), Some(9), 3));
    assert_eq!(request.params.value(b"q"), Ok(&b"v"[..]));
    assert_eq!(
        (request.format, request.scoring()),
        (Format::Expand, crate::plan::Scoring::Document)
    );
    let range = &request.filters[0];
    assert_eq!((range.min, range.above_min, range.max), (1.0, true, f64::INFINITY));
    assert_eq!(request.order, Some(Order { property: Box::from(*b"b"), descending: true }));
}

#[test]
fn fields_are_returned_in_the_order_observed() {
    let returned = |line: &str, distances: &[&[u8]]| {
        let request = request(line).unwrap();
        let returned = request.returned(distances)?;
        Some(
            returned
                .iter()
                .map(|one| String::from_utf8_lossy(&one.name).into_owned())
                .collect::<Vec<_>>(),
        )
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(returned("* RETURN 2 tag num SORTBY num", &[]), names(&["num", "tag"]));
    assert_eq!(returned("* RETURN 2 tag d", &[b"d"]), names(&["d", "tag"]));
    assert_eq!(returned("* RETURN 3 num AS n SORTBY num", &[]), names(&["n"]));
    assert_eq!(returned("* RETURN 0", &[]), names(&[]));
    assert_eq!(returned("*", &[]), None);
    assert!(request("* RETURN 0").unwrap().has(Switch::NoContent));
}

fn schema() -> Schema {
    let line =
        "SCHEMA tag TAG num NUMERIC loc GEO vec VECTOR FLAT 6 TYPE INT8 DIM 2 DISTANCE_METRIC L2";
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    Create::parse(&words, &Limits::default()).unwrap().schema
}

fn tree(line: &str) -> Result<String, String> {
    let query = request(line)?.query(&schema()).map_err(|error| error.text())?;
    Ok(explain(&query, &schema()).split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn filters_go_in_front_of_the_query() {
    let num = "NUMERIC {1.000000 <= @num <= 3.000000}";
    let geo = "GEO loc:{1.000000,2.000000 --> 3.000000 km}";
    let check = |line: &str, expected: String| assert_eq!(tree(line), Ok(expected), "{line}");
    check("* FILTER num 1 3", format!("INTERSECT {{ {num} <WILDCARD>}} }}"));
    check(
        "@tag:{a}|x FILTER num 1 3 GEOFILTER loc 1 2 3 KM INKEYS 1 k",
        format!("INTERSECT {{ IDS {{1 keys}} {geo} {num} UNION {{ TAG:@tag {{ a }} x }} }}"),
    );
    let knn = "K=2 nearest vectors to `$q` in vector index associated with field @vec, yields distance as `__vec_score`}";
    let vector = |filter: &str| format!("VECTOR {{ {filter} }} => {{{knn}");
    let words: [&[u8]; 11] = [
        b"*=>[KNN 2 @vec $q]",
        b"FILTER",
        b"num",
        b"1",
        b"3",
        b"PARAMS",
        b"2",
        b"q",
        b"ab",
        b"DIALECT",
        b"2",
    ];
    let request = Request::parse(&words, &Defaults::default()).unwrap();
    let printed = explain(&request.query(&schema()).unwrap(), &schema());
    assert_eq!(printed.split_whitespace().collect::<Vec<_>>().join(" "), vector(num));
}

#[test]
fn filters_of_other_fields_match_nothing_or_are_refused() {
    let check = |line: &str, error: &str| assert_eq!(tree(line), Err(error.to_owned()), "{line}");
    assert!(tree("* FILTER nope 1 3").is_ok() && tree("* GEOFILTER num 1 2 3 m").is_ok());
    check("* FILTER nope 1 3 DIALECT 2", "Unknown Field 'nope'");
    check("* FILTER tag 1 3 DIALECT 2", "Field 'tag' is not a numeric field");
    check("* GEOFILTER num 1 2 3 m DIALECT 2", "Field 'num' is not a geo field");
    check("* GEOFILTER loc 200 2 3 m", "Invalid GeoFilter lat/lon");
    check("* GEOFILTER loc 1 2 -3 m", "Invalid GeoFilter radius");
}
