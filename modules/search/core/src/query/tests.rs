//! Texts, their trees and their errors: RediSearch 2.10.32's where it was asked.

use super::*;
use crate::code::Coded;
use crate::schema::{Create, Limits, Schema};

fn schema() -> Schema {
    let line = "SCHEMA tag TAG num NUMERIC SORTABLE loc GEO vec VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    Create::parse(&words, &Limits::default()).unwrap().schema
}

fn read(dialect: u8, text: &str) -> Result<Node, Error> {
    let mut params = Params::default();
    for (name, value) in [("q", "12345678"), ("k", "3"), ("r", "0.5"), ("t", "a b"), ("bad", "x")] {
        assert!(params.add(name.as_bytes(), value.as_bytes()));
    }
    let stopwords = Stopwords::of(None);
    parse(text.as_bytes(), &Reading { dialect, params: &params, stopwords: &stopwords })
}

/// The tree in one line.
fn tree(dialect: u8, text: &str) -> String {
    let node = read(dialect, text).unwrap_or_else(|error| panic!("{text}: {}", error.text()));
    let lines = explain(&node, &schema());
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check(dialect: u8, text: &str, expected: &str) {
    assert_eq!(tree(dialect, text), expected, "dialect {dialect}: {text}");
}

fn check_error(dialect: u8, text: &str, expected: &str) {
    let error = read(dialect, text).map_err(|error| error.text());
    assert_eq!(error.map(drop), Err(expected.to_owned()), "dialect {dialect}: {text:.80}");
}

#[test]
fn trees_print_as_observed() {
    let printed = |dialect, text| explain(&read(dialect, text).unwrap(), &schema());
    assert_eq!(
        printed(1, "@tag:{a} @num:[1 3]"),
        "INTERSECT {\n  TAG:@tag {\n    a\n  }\n  NUMERIC {1.000000 <= @num <= 3.000000}\n}\n"
    );
    assert_eq!(
        printed(2, "*=>[KNN 2 @vec $q]"),
        "VECTOR {K=2 nearest vectors to `$q` in vector index associated with field @vec, yields distance as `__vec_score`}\n"
    );
    let lines = explain_lines(&read(1, "@tag:{a}").unwrap(), &schema());
    assert_eq!(lines, ["TAG:@tag {", "  a", "}", ""]);
}

#[test]
fn errors_name_offsets_as_observed() {
    check_error(1, "@tag:{}", "Syntax error at offset 6 near tag");
    check_error(1, "@num:[1", "Syntax error at offset 6 near 1");
    check_error(1, "@num:[a 3]", "Syntax error at offset 6 near a");
    check_error(1, "((((", "Syntax error at offset 3 near ");
    check_error(1, "*=>[KNN 2 @vec $q]", "Syntax error at offset 1 near >[");
    check_error(2, "*=>[KNN -1 @vec $q]", "Syntax error at offset 8 near -1");
    check_error(2, "*=>[KNN abc @vec $q]", "Syntax error at offset 8 near abc");
    check_error(2, "*=>[KNN 2 @vec $nope]", "No such parameter `nope`");
    check_error(2, "*=>[KNN 2 @vec $nope", "Syntax error at offset 15 near nope");
    check_error(1, "@loc:[15 37 -1 km]", "Invalid GeoFilter radius");
    check_error(1, "@loc:[200 37 1 km]", "Invalid GeoFilter lat/lon");
    check_error(1, "@loc:[15 37 1 parsec]", "Invalid GeoFilter unit");
}

#[test]
fn malformed_texts_are_refused() {
    for text in [
        "(",
        ")",
        "()",
        "a|",
        "|a",
        "@",
        "@tag:",
        "@tag:{a}=>",
        "-",
        "~",
        "%a",
        "\"a",
        "@num:[]",
        "@num:[1 2 3]",
        "@num:[1 2",
        "a=>{$weight}",
        "a=>{$weight:1",
        "@tag:@num:[1 2]",
    ] {
        for dialect in 1..=4 {
            // A sign alone that means nothing is skipped.
            let nothing = text == "@";
            assert_eq!(read(dialect, text).is_err(), !nothing, "dialect {dialect}: {text}");
        }
    }
    check_error(2, "@tag:{a", "Syntax error at offset 6 near a");
    check_error(2, "@tag:{}", "Syntax error at offset 6 near tag");
    check_error(2, "* @tag:{a}", "Syntax error at offset 2 near tag");
    check_error(2, "@tag:{a} @num:[1 2]=>[KNN 2 @vec $q]", "Syntax error at offset 21 near >[");
    check_error(2, "-@tag:{a}=>[KNN 2 @vec $q]", "Syntax error at offset 11 near >[");
    check_error(
        2,
        "@vec:[WITHIN 1 $q]",
        "Syntax error: Expecting Vector Range command at offset 6 near WITHIN",
    );
    check_error(
        2,
        "*=>[FOO 1 @vec $q]",
        "Syntax error: Expecting Vector Similarity command at offset 4 near FOO",
    );
    check_error(2, "@num:[$bad 2]", "Invalid numeric value (x) for parameter `bad`");
    check_error(2, "*=>[KNN $bad @vec $q]", "Invalid numeric value (x) for parameter `bad`");
    check_error(2, "a=>{$weight: -1}", "Invalid value (-1) for `weight`");
    check_error(2, "a=>{$foo: 1}", "Invalid attribute foo");
    check_error(
        2,
        "*=>[KNN 1 @vec $q AS d]=>{$yield_distance_as: e}",
        "Distance field was specified twice for vector query: d and e",
    );
}

#[test]
fn signs_bind_as_they_should() {
    for dialect in 1..=4 {
        let check = |text, expected| check(dialect, text, expected);
        check("x y | z", "UNION { INTERSECT { x y } z }");
        check("(x y) z", "INTERSECT { x y z }");
        check("x (y z)", "INTERSECT { x INTERSECT { y z } }");
        check("(x|y)|z", "UNION { x y z }");
        check("x|(y|z)", "UNION { x UNION { y z } }");
        check(
            "-@tag:{a} @num:[(1 inf]",
            "INTERSECT { NOT{ TAG:@tag { a } } NUMERIC {1.000000 < @num <= inf} }",
        );
        check("~x", "OPTIONAL{ x }");
        check("\"x Y\"", "EXACT { x y }");
        check("the x of", "x");
        check("the", "<empty>}");
        check("the=>{$weight: 2}", "<empty>}");
        check("", "<empty>}");
        check("*", "<WILDCARD>}");
        check(
            "hel* *llo *ell* %x% %%%y%%%",
            "INTERSECT { PREFIX{hel*} SUFFIX{*llo} INFIX{*ell*} FUZZY{x} FUZZY{y} }",
        );
        check("x=>{$weight: 2}", "x => {$weight: 2;}");
        check(
            "(x y)=>{$slop:1;$inorder:true;}",
            "INTERSECT { x y } => { $slop: 1; $inorder: true; }",
        );
        check("@tag:{a}=>{$weight:0.5}", "TAG:@tag { a } => { $weight: 0.5; }");
        check("@loc:[15 37 200 KM]", "GEO loc:{15.000000,37.000000 --> 200.000000 km}");
        check("@tag:x", "@NULL:x");
        check("x\\-y", "x-y");
        check("x.y,z", "INTERSECT { x y z }");
    }
    check(1, "-x y", "NOT{ INTERSECT { x y } }");
    check(2, "-x y", "INTERSECT { NOT{ x } y }");
}

#[test]
fn tags_are_read_as_their_dialect_has_it() {
    for dialect in 1..=4 {
        let check = |text, expected| check(dialect, text, expected);
        check("@tag:{a|b c}", "TAG:@tag { a b c }");
        check(
            "@tag:{ a | hel* | *lo | *e* }",
            "TAG:@tag { a PREFIX{hel*} SUFFIX{*lo} INFIX{*e*} }",
        );
        check("@tag:{hello\\ world}", "TAG:@tag { hello world }");
        check("@tag:{A\\|b\\}}", "TAG:@tag { A|b} }");
    }
    for dialect in 1..=4 {
        let union = "UNION { TAG:@tag { a } TAG:@tag { b } }";
        check(dialect, "@tag:{a} | @tag:{b}", union);
        check(dialect, "@tag:{a}|x", "UNION { TAG:@tag { a } x }");
    }
    check(1, "@tag:{a", "TAG:@tag { a }");
    check(1, "@tag:{a}}", "TAG:@tag { a }");
    check(2, "@tag:{foo-bar.com|$t}", "TAG:@tag { foo-bar.com a b }");
    check(2, "@tag:{\"a|b}\"|w'a?b*'}", "TAG:@tag { a|b} WILDCARD{a?b*} }");
    check(2, "@tag:{it's|that's}", "TAG:@tag { it's that's }");
    let tags = |text| {
        let Kind::Tags(_, tags) = read(2, text).unwrap().kind else { panic!("{text}") };
        tags
    };
    assert_eq!(tags("@tag:{\"\"}"), [Pattern::Word(Box::default())]);
    assert_eq!(tags("@tag:{a\\*}"), [Pattern::Word(Box::from(*b"a*"))]);
    assert_eq!(tags("@tag:{a\\ }"), [Pattern::Word(Box::from(*b"a "))]);
}

#[test]
fn numbers_compare_in_the_modern_dialects() {
    check(2, "@num==2.5", "NUMERIC {2.500000 <= @num <= 2.500000}");
    check(2, "@num!=2", "NOT{ NUMERIC {2.000000 <= @num <= 2.000000} }");
    check(
        2,
        "@num>1 @num<=3",
        "INTERSECT { NUMERIC {1.000000 < @num <= inf} NUMERIC {-inf <= @num <= 3.000000} }",
    );
    check(2, "@num:[5]", "NUMERIC {5.000000 <= @num <= 5.000000}");
    check(2, "@num:[($r -$k]", "NUMERIC {0.500000 < @num <= -3.000000}");
    check(2, "ismissing(@tag)", "ISMISSING{tag}");
    check(1, "@num:[-inf +inf]", "NUMERIC {-inf <= @num <= inf}");
    check(1, "@num:[-1.5e3 (2]", "NUMERIC {-1500.000000 <= @num < 2.000000}");
}

#[test]
fn vectors_have_filters_options_and_names() {
    let nearest = |k: &str, rest: &str| {
        format!("K={k} nearest vectors to `$q` in vector index associated with field @vec{rest}}}")
    };
    check(
        2,
        "*=>[KNN $k @vec $q EF_RUNTIME 50 AS d]",
        &format!("VECTOR {{{}", nearest("3", ", EF_RUNTIME = 50, yields distance as `d`")),
    );
    check(
        2,
        "(*)=>[knn 99999999999999999999 @vec $q]",
        &format!("VECTOR {{{}", nearest("0", ", yields distance as `__vec_score`")),
    );
    check(
        3,
        "@tag:{a}=>[KNN 5 @vec $q]=>{$yield_distance_as: dist; $ef_runtime: 20}",
        &format!(
            "VECTOR {{ TAG:@tag {{ a }} }} => {{{}",
            nearest("5", ", ef_runtime = 20, yields distance as `dist`")
        ),
    );
    check(
        2,
        "@vec:[VECTOR_RANGE $r $q]=>{$yield_distance_as: d; $epsilon: 0.1}",
        "VECTOR {Vectors that are within 0.5 distance from `$q` in vector index associated with field @vec, epsilon = 0.1, yields distance as `d`}",
    );
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = |sign: &str| sign.repeat(10_000);
    for text in [deep("("), deep("-"), deep("~("), deep("@a:(")] {
        check_error(
            1,
            &text,
            "Parser stack overflow. Try moving nested parentheses more to the left",
        );
        check_error(
            2,
            &text,
            "Parser stack overflow. Try moving nested parentheses more to the left",
        );
    }
    let nested = |depth| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
    assert!(read(2, &nested(DEPTH_MAX - 1)).is_ok());
    assert_eq!(read(2, &nested(DEPTH_MAX)), Err(Error::TooDeep));
    assert!(read(2, &"x ".repeat(TEXT_MAX / 2)).is_ok());
    assert_eq!(read(2, &"x".repeat(TEXT_MAX + 1)), Err(Error::TooLong(TEXT_MAX)));
}
