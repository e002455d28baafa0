//! Against other engines, on random documents and paths.

use std::collections::BTreeMap;

use jsonpath_rust::JsonPath as _;
use keyspan_json_core::node::Node;
use keyspan_json_core::path::{Budget, Dialect, Locations, Path};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::oracle::{Json, down, selected};

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d_e", "F9"]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..12).prop_map(|value| json!(value)),
        (-4i64..9).prop_map(|value| json!(value as f64 / 2.0)),
        prop::sample::select(vec!["", "a", "ab", "b", "x y", "\u{e9}"])
            .prop_map(|text| json!(text)),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(name(), inner, 0..5)
                .prop_map(|members: BTreeMap<_, _>| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn bound() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), (-6i64..7).prop_map(|value| value.to_string())]
}

fn plain_selector() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => name().prop_map(|name| format!("'{name}'")),
        1 => name().prop_map(|name| format!("\"{name}\"")),
        3 => (-5i64..5).prop_map(|index| index.to_string()),
        2 => Just("*".to_owned()),
        2 => (bound(), bound(), bound())
            .prop_map(|(start, end, step)| format!("{start}:{end}:{step}")),
    ]
}

fn segment(selector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![
        3 => name().prop_map(|name| format!(".{name}")),
        1 => name().prop_map(|name| format!("..{name}")),
        1 => Just("..*".to_owned()),
        1 => Just(".*".to_owned()),
        3 => selector.clone().prop_map(|selector| format!("[{selector}]")),
        1 => prop::collection::vec(selector.clone(), 1..4)
            .prop_map(|selectors| format!("[{}]", selectors.join(", "))),
        1 => selector.prop_map(|selector| format!("..[{selector}]")),
    ]
    .boxed()
}

/// Singular queries with indexes from `low`.
fn singular(low: i64) -> impl Strategy<Value = String> {
    let step = prop_oneof![
        name().prop_map(|name| format!(".{name}")),
        (low..3).prop_map(|index| format!("[{index}]")),
    ];
    (prop::sample::select(vec!["@", "$"]), prop::collection::vec(step, 0..3))
        .prop_map(|(start, steps)| format!("{start}{}", steps.concat()))
}

/// `serde_json_path` takes no negative index in a singular query.
fn operand() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => singular(0),
        1 => singular(0).prop_map(|query| format!("length({query})")),
        1 => name().prop_map(|name| format!("count(@.{name}.*)")),
        1 => name().prop_map(|name| format!("value(@..{name})")),
        3 => (-3i64..6).prop_map(|value| value.to_string()),
        1 => (-3i64..6).prop_map(|value| format!("{value}.5")),
        1 => prop::sample::select(vec!["true", "false", "null", "'a'", "\"ab\"", "2e0"])
            .prop_map(str::to_owned),
    ]
}

fn test(query: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let operators = prop::sample::select(vec!["==", "!=", "<"]);
    // RFC 9535 has nothing <= nothing and no order among objects, arrays and booleans;
    // `serde_json_path` has not the first, and takes `>` of two such values as true.
    let inclusive = prop::sample::select(vec!["<=", ">=", ">"]);
    prop_oneof![
        4 => (operand(), operators, operand())
            .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        1 => (operand(), inclusive, -3i64..6)
            .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
        2 => query.clone(),
        1 => query.prop_map(|query| format!("!{query}")),
        1 => (singular(0), prop::sample::select(vec!["a.*", "[ab]+", "b", "x y"]))
            .prop_map(|(query, pattern)| format!("match({query}, '{pattern}')")),
        1 => (singular(0), prop::sample::select(vec!["a", "[^a]", " "]))
            .prop_map(|(query, pattern)| format!("search({query}, '{pattern}')")),
    ]
}

fn expression(query: BoxedStrategy<String>) -> BoxedStrategy<String> {
    test(query)
        .prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} || {b}")),
                inner.clone().prop_map(|a| format!("({a})")),
                inner.prop_map(|a| format!("!({a})")),
            ]
        })
        .boxed()
}

/// Queries from `@` and `$` without filters.
fn plain_query() -> BoxedStrategy<String> {
    let segments = prop::collection::vec(segment(plain_selector().boxed()), 0..3);
    (prop::sample::select(vec!["@", "@", "$"]), segments)
        .prop_map(|(start, segments)| format!("{start}{}", segments.concat()))
        .boxed()
}

fn selector(query: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![
        2 => plain_selector(),
        1 => expression(query).prop_map(|expression| format!("?{expression}")),
    ]
    .boxed()
}

fn filtered_query() -> BoxedStrategy<String> {
    let segments = prop::collection::vec(segment(selector(plain_query())), 0..3);
    (prop::sample::select(vec!["@", "$"]), segments)
        .prop_map(|(start, segments)| format!("{start}{}", segments.concat()))
        .boxed()
}

fn path(selector: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    prop::collection::vec(segment(selector), 0..4)
        .prop_map(|segments| format!("${}", segments.concat()))
}

fn parse(text: &str, dialect: Dialect) -> Path {
    Path::parse(text.as_bytes(), dialect).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The matches as texts, in an order of their own.
fn multiset<'v>(values: impl IntoIterator<Item = &'v Value>) -> Vec<String> {
    let mut texts: Vec<String> = values.into_iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

/// Whether `jsonpath-rust` follows RFC 9535 for it: it compares nothing as if it were something.
fn is_plain(text: &str) -> bool {
    !["count(", "value(", "length(", "!"].iter().any(|sign| text.contains(sign))
}

#[test]
fn values_without_an_order_are_not_over_one_another() {
    let document =
        serde_json::json!([{"a": {}, "b": {"c": 1}, "t": true, "f": false, "l": [1], "m": []}]);
    for comparison in ["@.b > @.a", "$ > @", "@.t > @.f", "@.l > @.m", "@.a < @.b", "@.b > 0"] {
        let path = parse(&format!("$[?{comparison}]"), Dialect::Strict);
        assert_eq!(selected(&path, &document), serde_json::json!([]), "{comparison}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strict_agrees_with_serde_json_path(
        document in document(),
        text in path(selector(filtered_query())),
    ) {
        let expected = serde_json_path::JsonPath::parse(&text).unwrap();
        let expected: Vec<Value> = expected.query(&document).all().into_iter().cloned().collect();
        prop_assert_eq!(selected(&parse(&text, Dialect::Strict), &document), Value::Array(expected));
    }

    #[test]
    fn strict_agrees_with_jsonpath_rust(
        document in document(),
        text in path(selector(plain_query())).prop_filter("its functions differ", |text| is_plain(text)),
    ) {
        // It gives the matches of `..` with several selectors in an order of its own.
        let expected = document.query(&text).unwrap();
        let found = selected(&parse(&text, Dialect::Strict), &document);
        prop_assert_eq!(multiset(found.as_array().unwrap()), multiset(expected));
    }

    #[test]
    fn locations_lead_to_the_selected(
        document in document(),
        text in path(selector(filtered_query())),
    ) {
        let path = parse(&text, Dialect::Strict);
        let mut nodes = Vec::new();
        let mut locations = Locations::new();
        path.select(Json(&document), &mut Budget::default(), &mut nodes).unwrap();
        path.locate(Json(&document), &mut Budget::default(), &mut locations).unwrap();
        prop_assert_eq!(nodes.len(), locations.len());
        for (node, way) in nodes.iter().zip(locations.iter()) {
            let end = way.iter().try_fold(Json(&document), |node, step| down(node, *step)).unwrap();
            prop_assert!(std::ptr::eq(node.0, end.0));
        }
    }

    #[test]
    fn definite_paths_resolve_to_what_they_select(
        document in document(),
        text in singular(-3),
        strict in any::<bool>(),
    ) {
        let dialect = if strict { Dialect::Strict } else { Dialect::Redis };
        let path = parse(&text.replace('@', "$"), dialect);
        prop_assert!(path.is_definite());
        let mut nodes = Vec::new();
        let mut locations = Locations::new();
        let mut steps = keyspan_json_core::path::Steps::new();
        path.select(Json(&document), &mut Budget::default(), &mut nodes).unwrap();
        path.locate(Json(&document), &mut Budget::default(), &mut locations).unwrap();
        let found = path.resolve_steps(Json(&document), &mut steps);
        prop_assert_eq!(found.map(|node| node.0), nodes.first().map(|node| node.0));
        prop_assert_eq!(path.resolve(Json(&document)).map(|node| node.0), found.map(|node| node.0));
        prop_assert_eq!(locations.at(0).unwrap_or_default(), &steps[..]);
        prop_assert_eq!(locations.len(), usize::from(found.is_some()));
    }

    #[test]
    fn dialects_agree_on_what_both_have(
        document in document(),
        names in prop::collection::vec(name(), 1..4),
    ) {
        for joined in [names.join("."), names.join(".."), names.join("[*].")] {
            let text = format!("$.{joined}");
            let strict = selected(&parse(&text, Dialect::Strict), &document);
            prop_assert_eq!(selected(&parse(&text, Dialect::Redis), &document), strict.clone());
            prop_assert_eq!(selected(&parse(&joined, Dialect::Redis), &document), strict);
        }
    }

    #[test]
    fn any_text_is_taken_or_refused(text in "[$@.\\[\\]()?*'\"a!=<>&|,:~0-9 -]{0,24}") {
        for dialect in [Dialect::Redis, Dialect::Strict] {
            match Path::parse(text.as_bytes(), dialect) {
                Ok(path) => {
                    let document = json!({"a": [{"a": 1}, 2, "a"]});
                    let mut nodes = Vec::new();
                    path.select(Json(&document), &mut Budget::default(), &mut nodes).unwrap();
                    prop_assert!(!path.is_definite() || nodes.len() < 2);
                }
                Err(error) => prop_assert!(error.position() <= text.len() + 2),
            }
        }
    }

    #[test]
    fn strict_refuses_what_serde_json_path_refuses(
        text in "\\$[.\\[][$@.\\[\\]()?*'a!=<&|,:0-9 -]{0,16}\\]?",
    ) {
        let ours = Path::parse(text.as_bytes(), Dialect::Strict).is_ok();
        let theirs = serde_json_path::JsonPath::parse(&text).is_ok();
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}

#[test]
fn oracle_finds_members() {
    let document = json!({"a": 1});
    assert!(Json(&document).find(b"a").is_some());
}
