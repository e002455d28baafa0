//! Hostile paths: an error or an answer, soon, on a small stack.

use std::time::{Duration, Instant};

use keyspan_json_core::path::{Budget, Dialect, Exceeded, Path, TEXT_MAX};
use serde_json::{Value, json};

use super::oracle::{Json, selected};

/// Runs `attack` on a stack of 512 KiB and checks the time it took: generous, for debug builds.
fn on_small_stack(attack: impl FnOnce() + Send + 'static) {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(attack).unwrap();
    thread.join().unwrap_or_else(|_| panic!("the attack panicked"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

fn chain(depth: usize, leaf: Value) -> Value {
    (0..depth).fold(
        leaf,
        |inner, level| {
            if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) }
        },
    )
}

fn check_refused(text: String, reason: &'static str) {
    on_small_stack(move || {
        for dialect in [Dialect::Redis, Dialect::Strict] {
            let error = Path::parse(text.as_bytes(), dialect).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    });
}

#[test]
fn nesting_is_limited() {
    let reason = "ERR path nesting exceeds the limit of 64";
    check_refused(format!("$[?{}@.a{}]", "(".repeat(20_000), ")".repeat(20_000)), reason);
    check_refused(format!("$[?{}@.a{}]", "!(".repeat(20_000), ")".repeat(20_000)), reason);
    check_refused(format!("$[?{}@.a{}]", "(".repeat(64), ")".repeat(64)), reason);
    check_refused(format!("$[?(@{}", "[?(@".repeat(200)), reason);
    check_refused(format!("$[?@{}", "[?@".repeat(200)), reason);
    check_refused(format!("$[?{}1{}==1]", "length(".repeat(10_000), ")".repeat(10_000)), reason);
}

#[test]
fn size_is_limited() {
    check_refused(format!("$.{}", "a".repeat(1024 * 1024)), "ERR path length exceeds the limit");
    check_refused(format!("${}", ".a".repeat(20_000)), "ERR number of path parts exceeds");
    check_refused(format!("$[0{}]", ",0".repeat(20_000)), "ERR number of path parts exceeds");
    let tests = vec!["@"; 20_000].join("||");
    check_refused(format!("$[?{tests}]"), "ERR number of path parts exceeds");
    let matches = vec!["match(@,'a')"; 17].join("||");
    check_refused(format!("$[?{matches}]"), "ERR number of regular expressions in a path exceeds");
    check_refused("$[?match(@,'((a{100}){100}){100}')]".to_owned(), "ERR size of a compiled");
    check_refused(format!("$[?match(@,'{}')]", r"\\p{L}".repeat(2_000)), "ERR size of a compiled");
    check_refused("$.a\u{0}".to_owned(), "position 3");
}

#[test]
fn largest_accepted_paths_work() {
    on_small_stack(|| {
        let document = chain(127, json!(1));
        let long = format!("${}", ".a".repeat(10_000));
        let wide = format!("$[0{}]", ",0".repeat(10_000));
        let deep = format!("$[?{}@{}]", "(".repeat(63), ")".repeat(63));
        let filters = format!("${}{}", "[?@".repeat(64), "]".repeat(64));
        let rooted = format!("${}{}", "..[?$".repeat(64), "]".repeat(64));
        let name = format!("$.{}", "a".repeat(TEXT_MAX - 2));
        for text in [long, wide, deep, filters, rooted, name] {
            for dialect in [Dialect::Redis, Dialect::Strict] {
                let path = Path::parse(text.as_bytes(), dialect).unwrap();
                let mut out = Vec::new();
                let mut budget = Budget::new(200_000, 100_000);
                let _: Result<(), Exceeded> = path.select(Json(&document), &mut budget, &mut out);
            }
        }
    });
}

#[test]
fn deepest_document_is_walked() {
    on_small_stack(|| {
        let document = chain(128, json!(1));
        let path = Path::parse(b"$..*", Dialect::Redis).unwrap();
        assert_eq!(selected(&path, &document).as_array().unwrap().len(), 128);
        let path = Path::parse(b"$..[?@..[?@..a]]", Dialect::Strict).unwrap();
        let mut budget = Budget::default();
        path.select(Json(&document), &mut budget, &mut Vec::new()).unwrap();
    });
}

#[test]
fn many_queries_leave_no_depth_behind() {
    let document = Value::Array(vec![json!({"a": 1}); 2_000]);
    for text in ["$[?@.a]", "$[?@..a]", "$[?@.*==1]", "$[?(@.a) && !(!@.a)]"] {
        let path = Path::parse(text.as_bytes(), Dialect::Redis).unwrap();
        assert_eq!(selected(&path, &document), document, "{text}");
    }
}

#[test]
fn budgets_end_the_walk() {
    on_small_stack(|| {
        let document = chain(120, json!(1));
        let path = Path::parse(b"$..*..*..*..*", Dialect::Redis).unwrap();
        let mut out = Vec::new();
        let mut budget = Budget::new(100_000, u64::MAX);
        let outcome = path.select(Json(&document), &mut budget, &mut out);
        assert_eq!(outcome, Err(Exceeded::Steps));
        assert_eq!(budget.steps, 0);
        assert!(out.len() < 100_000);

        out.clear();
        let outcome = path.select(Json(&document), &mut Budget::new(u64::MAX, 5_000), &mut out);
        assert_eq!(outcome, Err(Exceeded::Matches));
        assert_eq!(out.len(), 5_000);
    });
}

#[test]
fn budget_counts_what_a_walk_takes() {
    let document = json!([1, 2, 3]);
    let path = Path::parse(b"$[*]", Dialect::Strict).unwrap();
    let mut budget = Budget::new(4, 3);
    path.select(Json(&document), &mut budget, &mut Vec::new()).unwrap();
    assert_eq!(budget, Budget::new(0, 0));
    let mut budget = Budget::new(3, 3);
    let outcome = path.select(Json(&document), &mut budget, &mut Vec::new());
    assert_eq!(outcome, Err(Exceeded::Steps));
}

#[test]
fn filters_are_charged() {
    let patterns: Vec<Value> = (0..2_000).map(|at| json!(format!("(a{{50}}){{50}}{at}"))).collect();
    let wide = Value::Array(vec![json!(1); 2_000]);
    for (document, text) in [
        (Value::Array(patterns), "$[?match('a', @)]"),
        (json!([wide.clone(), wide]), "$..[?@==@ && $[0]==$[1] && $[1]==$[0]]"),
        (Value::Array(vec![json!("x".repeat(10_000)); 1_000]), "$[?search(@, 'y')]"),
    ] {
        on_small_stack(move || {
            let path = Path::parse(text.as_bytes(), Dialect::Strict).unwrap();
            let mut budget = Budget::new(100_000, u64::MAX);
            let outcome = path.select(Json(&document), &mut budget, &mut Vec::new());
            assert_eq!(outcome, Err(Exceeded::Steps), "{text}");
        });
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    for dialect in [Dialect::Redis, Dialect::Strict] {
        let error = Path::parse(b"$['\xff']", dialect).unwrap_err();
        assert_eq!(error.to_string(), "ERR invalid path at position 3: not UTF-8");
    }
}
