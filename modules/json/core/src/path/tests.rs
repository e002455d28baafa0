//! Tables of texts, taken and refused.

use super::{Dialect, Last, Path};

fn check_error(text: &str, position: usize, list: &str) {
    let error = Path::parse(text.as_bytes(), Dialect::Redis).map(|_| ()).unwrap_err();
    let expected = format!(
        "Error occurred at position {position}, Error at position {position}: \
         expected one of the following: {list}"
    );
    assert_eq!(error.to_string(), expected, "{text}");
    assert_eq!(error.position(), position);
}

const SELECTOR: &str = "'<string>[,<string>,...]', '<number>', ['start:end:steps'], '*'";
const MEMBER: &str = "<string>, '*'";
const OPERATOR: &str = "ge, gt, le, lt, eq, ne, re, and, or, '..'";

/// What RedisJSON 8.8.0 replied.
#[test]
fn recorded_errors_are_given() {
    check_error("$[", 2, SELECTOR);
    check_error("$.a[", 4, SELECTOR);
    check_error("$.[", 3, SELECTOR);
    check_error(".'a b'", 2, MEMBER);
    check_error("$.\u{e9}", 2, MEMBER);
    check_error("$..", 3, MEMBER);
    check_error("$.", 2, MEMBER);
    check_error("$[?(@.p in [10,20])].p", 8, OPERATOR);
    check_error("$[::-1].p", 4, "pos_number");
    check_error("$.length()", 8, "EOI, '..'");
    check_error("$[?(in @.n)].p", 4, "single_filter");
    check_error("$[?(@.p>=10 || in @.n)].p", 15, "single_filter");
}

/// Our guess of what it would reply.
#[test]
fn errors_follow_the_same_rules() {
    check_error("", 2, MEMBER);
    check_error("a b", 4, "EOI, '..'");
    check_error("$.a\0", 3, "EOI, '..'");
    check_error("$['a", 2, SELECTOR);
    check_error("$[]", 2, SELECTOR);
    check_error("$[0,]", 4, SELECTOR);
    check_error("$[-]", 2, SELECTOR);
    check_error("$[::0]", 4, "pos_number");
    check_error("$[::-]", 4, "pos_number");
    check_error("$[?", 3, "single_filter");
    check_error("$[?(@", 5, OPERATOR);
    check_error("$[?(@.a]", 7, OPERATOR);
    check_error("$[?(1 x", 6, "ge, gt, le, lt, eq, ne, re, and, or");
    check_error("$[?(@.a==", 9, "single_filter");
    check_error("$[?(@.a==1.)]", 9, "single_filter");
    check_error("$[?(@.a==abc)]", 9, "single_filter");
    check_error("$[?(@.a==1 x)]", 11, "and, or");
    check_error("$[?(@.a==@.b x)]", 13, "and, or, '..'");
    check_error("$[?(@.a==1)", 11, "and, or");
    check_error("$...a", 3, MEMBER);
}

#[test]
fn strict_dialect_says_which_rule_is_broken() {
    for (text, expected) in [
        (".a", "ERR invalid path at position 0: a path starts with $"),
        ("$[01]", "ERR invalid path at position 2: integer out of range or not in shortest form"),
        ("$[?1]", "ERR invalid path at position 3: a literal or a function value must be compared"),
        (
            "$[?@.*==1]",
            "ERR invalid path at position 3: \
             only literals, singular queries and function values can be compared",
        ),
        ("$[?size(@)>1]", "ERR invalid path at position 3: unknown function"),
        ("$[?length()>1]", "ERR invalid path at position 3: wrong number of function arguments"),
        ("$[?count(1)>1]", "ERR invalid path at position 3: wrong type of function argument"),
    ] {
        let error = Path::parse(text.as_bytes(), Dialect::Strict).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn shapes_are_recognised() {
    for (text, legacy, root, definite) in [
        ("$", false, true, true),
        (".", true, true, true),
        ("$.a", false, false, true),
        ("$[0]", false, false, true),
        ("$.a['b'][-1]", false, false, true),
        (".a", true, false, true),
        ("a", true, false, true),
        ("[\"a\"]", true, false, true),
        ("$ ", true, false, true),
        ("$$", true, false, true),
        ("..a", true, false, false),
        ("$..a", false, false, false),
        ("$.*", false, false, false),
        ("$[*]", false, false, false),
        ("$['a','b']", false, false, false),
        ("$[0,1]", false, false, false),
        ("$[0:1]", false, false, false),
        ("$[?(@.a)]", false, false, false),
        ("$.a[*].b", false, false, false),
    ] {
        let path = Path::parse(text.as_bytes(), Dialect::Redis).unwrap();
        let shape = (path.is_legacy(), path.is_root(), path.is_definite());
        assert_eq!(shape, (legacy, root, definite), "{text}");
    }
}

#[test]
fn parents_lose_the_last_segment() {
    for (text, last) in [
        ("$.a.b", Some(Last::Name(b"b"))),
        ("b", Some(Last::Name(b"b"))),
        ("$.a[3]", Some(Last::Index(3))),
        ("$", None),
        ("$.a[*].b", None),
        ("$..b", None),
    ] {
        let path = Path::parse(text.as_bytes(), Dialect::Redis).unwrap();
        assert_eq!(path.parent().map(|(_, last)| last), last, "{text}");
    }
}

#[test]
fn paths_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<Path>();
}
